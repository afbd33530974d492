"""Said by the warehouse service about goods on `oms.goods.v1`, keyed by SKU."""

from __future__ import annotations

from typing import ClassVar

from oms_contracts.event import (
    Actor,
    Event,
    Instant,
    Location,
    Name,
    NameOrNone,
    Qty,
    QtyOrNone,
    Sku,
    Text,
)

_TOPIC = "oms.goods.v1"


class StockReceived(Event):
    """Goods arrived and were put away. `cause_id` names the receipt once and for all."""

    TYPE: ClassVar[str] = "oms.goods.StockReceived.v1"
    TOPIC: ClassVar[str] = _TOPIC

    sku: Sku
    location: Location
    qty: Qty
    cause_id: Name
    lot: NameOrNone = ""
    po_line: NameOrNone = ""


class StockCounted(Event):
    """A person counted the shelf: `counted_qty` units are physically there."""

    TYPE: ClassVar[str] = "oms.goods.StockCounted.v1"
    TOPIC: ClassVar[str] = _TOPIC

    sku: Sku
    location: Location
    counted_qty: QtyOrNone
    cause_id: Name
    counted_by: Actor = ""


class StockDamaged(Event):
    """Units can no longer be sold."""

    TYPE: ClassVar[str] = "oms.goods.StockDamaged.v1"
    TOPIC: ClassVar[str] = _TOPIC

    sku: Sku
    location: Location
    qty: Qty
    cause_id: Name
    reason: Text = ""


class PurchaseOrderPlaced(Event):
    """The supplier was asked; `eta` is today's guess from the supplier's lead time."""

    TYPE: ClassVar[str] = "oms.goods.PurchaseOrderPlaced.v1"
    TOPIC: ClassVar[str] = _TOPIC

    po_id: Name
    po_line: Name
    sku: Sku
    location: Location
    qty: Qty
    eta: Instant


class PurchaseOrderConfirmed(Event):
    """The supplier said when the goods come."""

    TYPE: ClassVar[str] = "oms.goods.PurchaseOrderConfirmed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    po_id: Name
    po_line: Name
    sku: Sku
    location: Location
    qty: Qty
    eta: Instant
