"""What people do, by HTTP. Their name is the input's actor; its key is the order id or the SKU.

`scan_id` is given by the scanning device: the same scan sent twice counts once.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from oms_chassis.decision import Value


class ShortReason(StrEnum):
    """Why units cannot be sent although the books have them."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    WRONG_ITEM = "wrong_item"
    """Something else lies in the bin."""


class StartPick(Value, frozen=True):
    """Claim a pick list; `take_over` takes it from a colleague who does not go on."""

    fulfilment_id: str
    take_over: bool = False


class ScanPick(Value, frozen=True):
    """Units were taken from their bin."""

    fulfilment_id: str
    sku: str
    scan_id: str
    qty: int = 1


class ReportShort(Value, frozen=True):
    """Units of a line are not there, or not fit to be sent."""

    fulfilment_id: str
    line_id: str
    qty: int
    reason: ShortReason
    scan_id: str


class ScanPack(Value, frozen=True):
    """Picked units were laid into a parcel; parcels of a fulfilment are numbered from 1."""

    fulfilment_id: str
    parcel_no: int
    sku: str
    scan_id: str
    qty: int = 1


class ParcelMeasure(Value, frozen=True):
    """Gross weight and outer size of a closed parcel (size 0 = not measured)."""

    parcel_no: int
    weight_grams: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0


class ClosePacking(Value, frozen=True):
    """All parcels are closed and weighed."""

    fulfilment_id: str
    parcels: tuple[ParcelMeasure, ...]


class ScanPutBack(Value, frozen=True):
    """Units of a stopped fulfilment lie in their bin again."""

    fulfilment_id: str
    sku: str
    scan_id: str
    qty: int = 1


class ConfirmPutBack(Value, frozen=True):
    """Every unit of a stopped fulfilment lies in its bin again."""

    fulfilment_id: str


class RefusePutBack(Value, frozen=True):
    """The fulfilment cannot be stopped any more, for example because it is on the truck."""

    fulfilment_id: str
    reason: str


class ReceiveStock(Value, frozen=True):
    """Goods arrived and were put away into `bin`; `cause_id` names the receipt for this SKU."""

    location: str
    qty: int
    cause_id: str
    po_line: str = ""
    lot: str = ""
    bin: str = ""


class CountStock(Value, frozen=True):
    """The shelf was counted."""

    location: str
    counted_qty: int
    cause_id: str


class ReportDamage(Value, frozen=True):
    """Units on the shelf can no longer be sold."""

    location: str
    qty: int
    cause_id: str
    reason: str = ""


class ConfirmPurchaseOrder(Value, frozen=True):
    """The supplier said how many units come, and when."""

    po_line: str
    qty: int
    eta: datetime
