"""The order service's database, revision by revision, and what leaves it when it is old."""

from oms_chassis.ageing import HISTORY
from oms_chassis.retiring import Ended

AGED = (HISTORY,)
ENDED = (
    Ended(
        "order", "orders", "order_id", "r.status IN ('completed', 'cancelled')", grace_months=0,
        along={"idempotency": "order_id = ANY($2::text[])"},
    ),
)  # fmt: skip
