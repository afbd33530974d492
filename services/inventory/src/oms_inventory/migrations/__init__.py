"""Inventory's database, revision by revision, and what leaves it when it is old."""

from oms_chassis.ageing import Aged, Period
from oms_chassis.retiring import Ended

MOVEMENTS = Aged(("movement",), "booked_at", Period.MONTH, kept=24, by_id=False)
"""Every line holds the balances after it, so a book may begin anywhere. No fact about goods can
come back after so long, and no order that holds units is that old."""
AGED = (MOVEMENTS,)
ENDED = (
    Ended(
        "reservation", "reservation", "order_id",
        "NOT EXISTS (SELECT FROM allocation a WHERE a.tenant = r.tenant "
        "AND a.order_id = r.order_id) "
        "AND NOT EXISTS (SELECT FROM backorder b WHERE b.tenant = r.tenant "
        "AND b.order_id = r.order_id)",
    ),
)  # fmt: skip
