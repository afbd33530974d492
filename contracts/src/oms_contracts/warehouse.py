"""Said by the warehouse service on `oms.warehouse.v1`, keyed by order id: answers to the saga."""

from __future__ import annotations

from typing import ClassVar

from oms_contracts.event import (
    Actor,
    Alloc,
    Event,
    Instant,
    Location,
    Name,
    Qty,
    RequestId,
    Sku,
    Text,
    Value,
)
from oms_contracts.order import Parcel

_TOPIC = "oms.warehouse.v1"


class ShortLine(Value):
    """Units that were not found where they should lie, with the picker's reason."""

    line_id: Name
    sku: Sku
    location: Location
    qty: Qty
    reason: Text


class FulfilmentPacked(Event):
    """Every unit of the fulfilment is scanned into a parcel."""

    TYPE: ClassVar[str] = "oms.warehouse.FulfilmentPacked.v1"
    TOPIC: ClassVar[str] = _TOPIC

    fulfilment_id: Name
    parcels: tuple[Parcel, ...]
    packed_by: Actor
    packed_at: Instant


class FulfilmentShort(Event):
    """These units drop out of the fulfilment; the rest goes on."""

    TYPE: ClassVar[str] = "oms.warehouse.FulfilmentShort.v1"
    TOPIC: ClassVar[str] = _TOPIC

    fulfilment_id: Name
    short: tuple[ShortLine, ...]


class FulfilmentStopped(Event):
    """Work ended; the units named lie in their bins again."""

    TYPE: ClassVar[str] = "oms.warehouse.FulfilmentStopped.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    fulfilment_id: Name
    alloc: tuple[Alloc, ...] = ()


class FulfilmentStopRefused(Event):
    """The fulfilment goes on."""

    TYPE: ClassVar[str] = "oms.warehouse.FulfilmentStopRefused.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    fulfilment_id: Name
    reason: Text
