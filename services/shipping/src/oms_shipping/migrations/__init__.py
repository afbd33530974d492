"""Shipping's database, revision by revision, and what leaves it when it is old."""

from oms_chassis.retiring import Ended

ENDED = (
    Ended(
        "shipments", "shipments", "order_id", "r.attention = ''",
        along={
            "scan": "tracking_no IN (SELECT tracking_no FROM parcel "
            "WHERE tenant = $1 AND order_id = ANY($2::text[]))",
            "parcel": "order_id = ANY($2::text[])",
        },
    ),
)  # fmt: skip
