"""What an order asks of the other services. Asking is a fact too: it says that the order asked."""

from __future__ import annotations

from typing import ClassVar

from pydantic import StrictBool

from oms_contracts.channel import BackorderPolicy, PaymentMethod, ServiceLevel, ShipPolicy
from oms_contracts.event import (
    Alloc,
    Country,
    CountryOrNone,
    Currency,
    Event,
    Grams,
    Instant,
    LineQty,
    Location,
    Millimetres,
    Minor,
    Name,
    PaymentReference,
    Priority,
    Qty,
    RequestId,
    Sealed,
    Sku,
    TermsDays,
    Text,
    Value,
)

_TOPIC = "oms.order.v1"


class ReservationRequested(Event):
    """Units that still need stock. `shorts` were allocated, but not found on the shelf."""

    TYPE: ClassVar[str] = "oms.order.ReservationRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    lines: tuple[LineQty, ...]
    exclude: tuple[Location, ...] = ()
    shorts: tuple[Alloc, ...] = ()
    ship_policy: ShipPolicy
    backorder_policy: BackorderPolicy
    priority: Priority = 0
    accepted_at: Instant
    ship_country: Country


class ReservationReleaseRequested(Event):
    """Give back exactly these allocations and leave the queue with these units."""

    TYPE: ClassVar[str] = "oms.order.ReservationReleaseRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    alloc: tuple[Alloc, ...] = ()
    backordered: tuple[LineQty, ...] = ()
    reason: Text = ""


class PricedLine(Value):
    """What `qty` units of a line cost in all: net of tax and after discount, and the tax on it."""

    line_id: Name
    sku: Sku
    qty: Qty
    net_minor: Minor
    tax_minor: Minor


class PaymentRequested(Event):
    """Take this amount: Σ lines (net + tax) + shipping (net + tax). `bill_to`: sealed address."""

    TYPE: ClassVar[str] = "oms.order.PaymentRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    order_no: Name
    amount_minor: Minor
    currency: Currency
    method: PaymentMethod
    reference: PaymentReference = ""
    terms_days: TermsDays = 30
    lines: tuple[PricedLine, ...]
    shipping_net_minor: Minor = 0
    shipping_tax_minor: Minor = 0
    expires_at: Instant
    bill_to: Sealed = ""


class PaymentVoidRequested(Event):
    """Undo the payment that `payment_request_id` asked for, whatever became of it."""

    TYPE: ClassVar[str] = "oms.order.PaymentVoidRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    payment_request_id: RequestId
    reason: Text = ""


class RefundRequested(Event):
    """Give back captured money."""

    TYPE: ClassVar[str] = "oms.order.RefundRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    payment_request_id: RequestId
    amount_minor: Minor
    currency: Currency
    lines: tuple[LineQty, ...] = ()
    reason: Text = ""


class FulfilmentStopRequested(Event):
    """Stop work on a fulfilment; `put_back`: it is packed, the goods return to their bins."""

    TYPE: ClassVar[str] = "oms.order.FulfilmentStopRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    fulfilment_id: Name
    put_back: StrictBool = False
    reason: Text = ""


class Parcel(Value):
    """A packed parcel: gross weight in grams, outer size in millimetres (0 = not measured)."""

    parcel_id: Name
    weight_grams: Grams
    length_mm: Millimetres = 0
    width_mm: Millimetres = 0
    height_mm: Millimetres = 0
    lines: tuple[LineQty, ...]


class ShipmentRequested(Event):
    """Hand these parcels to a carrier."""

    TYPE: ClassVar[str] = "oms.order.ShipmentRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    order_no: Name
    shipment_id: Name
    fulfilment_id: Name
    location: Location
    parcels: tuple[Parcel, ...]
    service_level: ServiceLevel
    ship_country: CountryOrNone = ""
    address: Sealed


class ShipmentStopRequested(Event):
    """Do not hand the shipment over, if it has not been."""

    TYPE: ClassVar[str] = "oms.order.ShipmentStopRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
