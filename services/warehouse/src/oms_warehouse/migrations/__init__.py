"""The warehouse's database, revision by revision, and what leaves it when it is old."""

from oms_chassis.retiring import Ended

ENDED = (
    Ended(
        "fulfilments", "order_fulfilments", "order_id",
        "NOT EXISTS (SELECT FROM fulfilment f WHERE f.tenant = r.tenant "
        "AND f.order_id = r.order_id AND f.status NOT IN ('packed', 'stopped'))",
        along={
            "delivery_address": "fulfilment_id IN (SELECT fulfilment_id FROM fulfilment "
            "WHERE tenant = $1 AND order_id = ANY($2::text[]))",
            "fulfilment": "order_id = ANY($2::text[])",
            "scan": "order_id = ANY($2::text[])",
        },
    ),
)  # fmt: skip
