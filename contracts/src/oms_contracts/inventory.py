"""Said by the inventory service on `oms.inventory.v1`, keyed by order id: answers to the saga."""

from __future__ import annotations

from typing import ClassVar

from oms_contracts.event import (
    Alloc,
    Event,
    Instant,
    LineQty,
    Location,
    Name,
    Qty,
    RequestId,
    Sku,
    Value,
)

_TOPIC = "oms.inventory.v1"


class Short(Value):
    """How many units of a SKU were missing."""

    sku: Sku
    short_by: Qty


class Backordered(Value):
    """Units that wait in the SKU's queue for stock at `location`."""

    line_id: Name
    sku: Sku
    location: Location
    qty: Qty
    eta: Instant | None = None


class StockReserved(Event):
    """Every unit asked for is either allocated or stands in a backorder queue."""

    TYPE: ClassVar[str] = "oms.inventory.StockReserved.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    alloc: tuple[Alloc, ...] = ()
    backordered: tuple[Backordered, ...] = ()


class StockRefused(Event):
    """The request could not be met and its policy denies waiting: nothing of it is reserved."""

    TYPE: ClassVar[str] = "oms.inventory.StockRefused.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    short: tuple[Short, ...]


class BackorderFilled(Event):
    """Goods came: waiting units are now allocated."""

    TYPE: ClassVar[str] = "oms.inventory.BackorderFilled.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    alloc: tuple[Alloc, ...]


class BackorderPromised(Event):
    """A purchase order covers waiting units: the date they are expected."""

    TYPE: ClassVar[str] = "oms.inventory.BackorderPromised.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    lines: tuple[LineQty, ...]
    eta: Instant
    po_line: Name


class ReservationBroken(Event):
    """The shelf held less than the books: these allocations are no longer covered."""

    TYPE: ClassVar[str] = "oms.inventory.ReservationBroken.v1"
    TOPIC: ClassVar[str] = _TOPIC

    alloc: tuple[Alloc, ...]
    cause: Name


class StockReleased(Event):
    """What was given back; units that the order did not hold are not named."""

    TYPE: ClassVar[str] = "oms.inventory.StockReleased.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    alloc: tuple[Alloc, ...] = ()
    backordered: tuple[LineQty, ...] = ()
