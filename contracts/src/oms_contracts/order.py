"""Said by the order service on `oms.order.v1`, keyed by order id: what every participant follows.

Instructions are facts too: `PaymentRequested` says that the order asked. Contact and address
travel sealed; later facts about the same order carry neither.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import StrictBool

from oms_contracts.channel import BackorderPolicy, PaymentMethod, ServiceLevel, ShipPolicy
from oms_contracts.event import (
    Actor,
    Alloc,
    ChannelName,
    Country,
    Currency,
    Event,
    ExternalId,
    FlagCode,
    Grams,
    Instant,
    LineQty,
    Location,
    Millimetres,
    Minor,
    Name,
    OpenEnum,
    PaymentReference,
    Priority,
    Qty,
    RequestId,
    Sealed,
    Sku,
    TermsDays,
    Text,
    Tracked,
    Value,
)

_TOPIC = "oms.order.v1"


class Gate(OpenEnum):
    """The step that a hold keeps an order from."""

    PAY = "pay"
    RELEASE = "release"
    SHIP = "ship"
    UNKNOWN = "unknown"


class HoldType(OpenEnum):
    """Why a person must look."""

    TOTALS = "totals"
    COSTS = "costs"
    SPECIAL = "special"
    ADDRESS = "address"
    CARRIER = "carrier"
    AMOUNT = "amount"
    AMENDMENT = "amendment"
    GOODS = "goods"
    MANUAL = "manual"
    UNKNOWN = "unknown"


class OrderAccepted(Event):
    """The order is ours. `request_id` makes it the first reservation request as well."""

    TYPE: ClassVar[str] = "oms.order.OrderAccepted.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    order_no: Name
    channel: ChannelName
    external_id: ExternalId
    lines: tuple[LineQty, ...]
    ship_policy: ShipPolicy
    backorder_policy: BackorderPolicy
    priority: Priority = 0
    accepted_at: Instant
    currency: Currency
    total_minor: Minor
    ship_country: Country
    contact: Sealed


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


class VerdictInput(Value):
    """One figure that a verdict was reached on."""

    name: Name
    value: Text


class OrderHeld(Event):
    """The order waits at `gate` until a person has looked."""

    TYPE: ClassVar[str] = "oms.order.OrderHeld.v1"
    TOPIC: ClassVar[str] = _TOPIC

    hold_id: Name
    type: HoldType
    gate: Gate
    reason: Text = ""
    actor: Actor = ""
    inputs: tuple[VerdictInput, ...] = ()


class HoldReleased(Event):
    """A person let the order go on."""

    TYPE: ClassVar[str] = "oms.order.HoldReleased.v1"
    TOPIC: ClassVar[str] = _TOPIC

    hold_id: Name
    actor: Actor
    note: Text = ""


class CostsApproved(Event):
    """A person approved costs beyond the limits. (An automatic approval publishes nothing.)"""

    TYPE: ClassVar[str] = "oms.order.CostsApproved.v1"
    TOPIC: ClassVar[str] = _TOPIC

    actor: Actor
    note: Text = ""
    inputs: tuple[VerdictInput, ...] = ()


class CostsRejected(Event):
    """A person turned the costs down: the order is cancelled."""

    TYPE: ClassVar[str] = "oms.order.CostsRejected.v1"
    TOPIC: ClassVar[str] = _TOPIC

    actor: Actor
    reason: Text = ""
    inputs: tuple[VerdictInput, ...] = ()


class Fulfilment(Value):
    """The part of an order that one location picks, packs and hands over."""

    fulfilment_id: Name
    location: Location
    lines: tuple[LineQty, ...]


class OrderReleased(Event):
    """The warehouse may work on these fulfilments."""

    TYPE: ClassVar[str] = "oms.order.OrderReleased.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    fulfilments: tuple[Fulfilment, ...]
    service_level: ServiceLevel
    ship_by: Instant
    flags: tuple[FlagCode, ...] = ()
    address: Sealed


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
    ship_country: Country = ""
    address: Sealed


class ShipmentStopRequested(Event):
    """Do not hand the shipment over, if it has not been."""

    TYPE: ClassVar[str] = "oms.order.ShipmentStopRequested.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name


class OrderShipped(Event):
    """A shipment left: stock is consumed, the customer owes. `last`: nothing more will ship."""

    TYPE: ClassVar[str] = "oms.order.OrderShipped.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    shipment_id: Name
    fulfilment_id: Name
    alloc: tuple[Alloc, ...]
    last: StrictBool
    parcels: tuple[Tracked, ...]
    eta: Instant | None = None
    shipped_at: Instant


class OrderInvoiced(Event):
    """The customer was invoiced for a shipment; `paid` says whether the money is in."""

    TYPE: ClassVar[str] = "oms.order.OrderInvoiced.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    shipment_id: Name
    invoice_no: Name
    amount_minor: Minor
    tax_minor: Minor = 0
    currency: Currency
    paid: StrictBool


class OrderDelayed(Event):
    """Units will come later than promised, or nobody knows when (`promise` is null)."""

    TYPE: ClassVar[str] = "oms.order.OrderDelayed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    lines: tuple[LineQty, ...]
    promise: Instant | None = None
    earlier_promise: Instant | None = None
    choices: tuple[Name, ...] = ("wait", "cancel")


class OrderCancelled(Event):
    """The cancelled units and the receipt: ids of what was undone for it."""

    TYPE: ClassVar[str] = "oms.order.OrderCancelled.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    code: Name
    reason: Text = ""
    lines: tuple[LineQty, ...]
    undone: tuple[Text, ...] = ()


class CancellationRefused(Event):
    """Units that could not be cancelled any more, and what to do instead."""

    TYPE: ClassVar[str] = "oms.order.CancellationRefused.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    reason: Text
    instead: Text
    lines: tuple[LineQty, ...] = ()


class OrderDelivered(Event):
    """Every parcel of the order arrived."""

    TYPE: ClassVar[str] = "oms.order.OrderDelivered.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    at: Instant


class OrderCompleted(Event):
    """Nothing is left to do for the order; the follow-up may go out."""

    TYPE: ClassVar[str] = "oms.order.OrderCompleted.v1"
    TOPIC: ClassVar[str] = _TOPIC

    order_no: Name
    at: Instant
    delivered: StrictBool
