"""What became of an order, from its acceptance to its end."""

from __future__ import annotations

from typing import ClassVar

from pydantic import StrictBool

from oms_contracts.channel import BackorderPolicy, ServiceLevel, ShipPolicy
from oms_contracts.event import (
    Actor,
    Alloc,
    ChannelName,
    Country,
    Currency,
    Event,
    ExternalId,
    FlagCode,
    Instant,
    LineQty,
    Location,
    Minor,
    Name,
    OpenEnum,
    Priority,
    RequestId,
    Sealed,
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
