"""How an order's shipments become a row and come back."""

from __future__ import annotations

from oms_chassis.store import Root, Rows, Store, codec
from oms_shipping.domain import ParcelRecord, ScanRecord, Shipments
from oms_shipping.tables import Base, ParcelRow, ScanRow, ShipmentsRow

encode, decode = codec(Shipments)

STORE = Store(
    base=Base,
    roots=(
        Root(
            "shipments",
            ShipmentsRow,
            key="order_id",
            sequences=("seq",),
            moving=("attention", "doc"),
            moving_values=lambda shipments: (shipments.attention, encode(shipments)),
            read=lambda row: decode(row["doc"]),
        ),
    ),
    rows={
        ParcelRecord: Rows(ParcelRow, on_conflict="update"),
        ScanRecord: Rows(ScanRow, on_conflict="nothing"),
    },
)
