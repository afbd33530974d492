"""What people do, by HTTP. Their name is the input's actor; its key is the order id or the SKU.

`scan_id` is given by the scanning device: the same scan sent twice counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ShortReason(StrEnum):
    """Why units cannot be sent although the books have them."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    WRONG_ITEM = "wrong_item"
    """Something else lies in the bin."""


@dataclass(frozen=True, slots=True)
class StartPick:
    """Claim a pick list; `take_over` takes it from a colleague who does not go on."""

    fulfilment_id: str
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class ScanPick:
    """Units were taken from their bin."""

    fulfilment_id: str
    sku: str
    scan_id: str
    qty: int = 1


@dataclass(frozen=True, slots=True)
class ReportShort:
    """Units of a line are not there, or not fit to be sent."""

    fulfilment_id: str
    line_id: str
    qty: int
    reason: ShortReason
    scan_id: str


@dataclass(frozen=True, slots=True)
class ScanPack:
    """Picked units were laid into a parcel; parcels of a fulfilment are numbered from 1."""

    fulfilment_id: str
    parcel_no: int
    sku: str
    scan_id: str
    qty: int = 1


@dataclass(frozen=True, slots=True)
class ParcelMeasure:
    """Gross weight and outer size of a closed parcel (size 0 = not measured)."""

    parcel_no: int
    weight_grams: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0


@dataclass(frozen=True, slots=True)
class ClosePacking:
    """All parcels are closed and weighed."""

    fulfilment_id: str
    parcels: tuple[ParcelMeasure, ...]


@dataclass(frozen=True, slots=True)
class ScanPutBack:
    """Units of a stopped fulfilment lie in their bin again."""

    fulfilment_id: str
    sku: str
    scan_id: str
    qty: int = 1


@dataclass(frozen=True, slots=True)
class ConfirmPutBack:
    """Every unit of a stopped fulfilment lies in its bin again."""

    fulfilment_id: str


@dataclass(frozen=True, slots=True)
class RefusePutBack:
    """The fulfilment cannot be stopped any more, for example because it is on the truck."""

    fulfilment_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReceiveStock:
    """Goods arrived and were put away into `bin`; `cause_id` names the receipt for this SKU."""

    location: str
    qty: int
    cause_id: str
    po_line: str = ""
    lot: str = ""
    bin: str = ""


@dataclass(frozen=True, slots=True)
class CountStock:
    """The shelf was counted."""

    location: str
    counted_qty: int
    cause_id: str


@dataclass(frozen=True, slots=True)
class ReportDamage:
    """Units on the shelf can no longer be sold."""

    location: str
    qty: int
    cause_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmPurchaseOrder:
    """The supplier said how many units come, and when."""

    po_line: str
    qty: int
    eta: datetime
