"""Said by the inventory service about SKUs, keyed by SKU: shortages and stock levels."""

from __future__ import annotations

from typing import ClassVar

from oms_contracts.event import (
    Event,
    Instant,
    Location,
    NameOrNone,
    Qty,
    QtyOrNone,
    Sku,
    Value,
)


class BackorderRaised(Event):
    """Customers wait for this SKU. `backordered_total` is the whole queue for the location.

    `last_receipt` is the `cause_id` of the newest receipt there that the teller knew of.
    """

    TYPE: ClassVar[str] = "oms.stock.BackorderRaised.v1"
    TOPIC: ClassVar[str] = "oms.stock.v1"

    sku: Sku
    location: Location
    backordered_total: Qty
    oldest_accepted_at: Instant
    reorder_qty: QtyOrNone = 0
    last_receipt: NameOrNone = ""


class Level(Value):
    """Stock of a SKU at a location; available = on_hand - reserved."""

    location: Location
    on_hand: QtyOrNone
    reserved: QtyOrNone
    available: QtyOrNone


class StockLevelChanged(Event):
    """The stock of a SKU at every location, at most once a second per SKU; the newest counts."""

    TYPE: ClassVar[str] = "oms.stock.StockLevelChanged.v1"
    TOPIC: ClassVar[str] = "oms.stock-level.v1"

    sku: Sku
    levels: tuple[Level, ...]
    backordered: QtyOrNone = 0
    at: Instant
