"""One page for an order: where every unit and the money is, what happened, and what comes next.

Nothing personal is on it but what the caller may see and has had opened (`Personal`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms_order.decisions import Waiting, waiting
from oms_order.domain import (
    Cancel,
    CancelState,
    Fulfilment,
    FulfilmentState,
    Hold,
    Invoice,
    NoOrder,
    Order,
    Policy,
    Task,
)

_BUCKETS = {
    "released": (FulfilmentState.RELEASED,),
    "packed": (FulfilmentState.PACKED, FulfilmentState.SHIP_ASKED),
    "shipped": (FulfilmentState.SHIPPED, FulfilmentState.DELIVERED),
}


@dataclass(frozen=True)
class LineView:
    """An order line; its buckets add up to `qty`."""

    line_id: str
    sku: str
    title: str
    qty: int
    unit_price_minor: int
    net_minor: int
    tax_minor: int
    buckets: Mapping[str, int]
    reserved_at: Mapping[str, int]
    promise: datetime | None


@dataclass(frozen=True)
class MoneyView:
    """What was promised, taken and given back, in minor units of `currency`."""

    state: str
    currency: str
    method: str
    total_minor: int
    asked_minor: int
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    invoices: Sequence[Invoice]


@dataclass(frozen=True)
class FulfilmentView:
    """A part of the order that one location handles."""

    fulfilment_id: str
    location: str
    state: str
    stopping: bool
    since: datetime
    ship_by: datetime
    shipment_id: str
    units: Mapping[str, int]
    """By line id."""


@dataclass(frozen=True)
class ParcelView:
    """A parcel, and how far it is."""

    parcel_id: str
    fulfilment_id: str
    carrier: str
    tracking_no: str
    url: str
    status: str
    ended_at: datetime | None
    eta: datetime | None


@dataclass(frozen=True)
class CancelView:
    """What is being cancelled, or was last; `undone` is the receipt."""

    state: str
    code: str
    reason: str
    since: datetime | None
    undone: Sequence[str]


@dataclass(frozen=True)
class HistoryEntry:
    """Something that was heard or done: when it happened, was heard and was decided."""

    happened_at: datetime
    heard_at: datetime
    decided_at: datetime | None
    """None while it is parked, and for what came to nothing: it was skipped, a command was told
    that the order is parked, a deadline had moved."""
    type: str
    actor: str
    text: str


@dataclass(frozen=True)
class Personal:
    """What was sealed, opened for somebody who may see it."""

    contact: Mapping[str, Any] | None = None
    ship_to: Mapping[str, Any] | None = None
    bill_to: Mapping[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class RebuiltView:
    """That a page shows an order as it was, and how much that can be trusted."""

    at: datetime
    inputs: int
    """As many were decided by then."""
    agrees: bool
    """Whether the whole history, folded by today's rules, is still the order as it is stored."""
    notes: Sequence[str]
    """What may be otherwise than it was, in sentences."""


@dataclass(frozen=True)
class Page:
    """An order on one page."""

    order_id: str
    order_no: str
    channel: str
    external_id: str
    status: str
    placed_at: datetime
    accepted_at: datetime
    service_level: str
    ship_policy: str
    backorder_policy: str
    priority: int
    flags: Sequence[str]
    ship_country: str
    lines: Sequence[LineView]
    stock: str
    """What is going on with inventory."""
    money: MoneyView
    approval: Mapping[str, str]
    """The verdict on the costs, with the figures it was reached on."""
    fulfilments: Sequence[FulfilmentView]
    parcels: Sequence[ParcelView]
    holds: Sequence[Hold]
    tasks: Sequence[Task]
    cancel: CancelView | None
    waiting: Sequence[Waiting]
    """What it waits for: since when, until when, whose move it is and what happens then."""
    history: Sequence[HistoryEntry]
    personal: Personal | None = None
    rebuilt: RebuiltView | None = None
    """None: the order as it is."""


@dataclass(frozen=True)
class NoOrderPage:
    """A channel's number under which there is no order."""

    order_id: str
    channel: str
    external_id: str
    status: str
    received_at: datetime
    reasons: Sequence[Mapping[str, str]]
    history: Sequence[HistoryEntry] = field(default_factory=tuple)
    rebuilt: RebuiltView | None = None


def order_page(
    policy: Policy, order: Order, history: Sequence[HistoryEntry], personal: Personal | None,
    rebuilt: RebuiltView | None = None,
) -> Page:  # fmt: skip
    """Everything about an order."""
    head, placed, body = order.head, order.placed, order.body
    approval = {"state": body.approval.state.value, "actor": body.approval.actor}
    return Page(
        order_id=head.order_id,
        order_no=head.order_no,
        channel=placed.channel,
        external_id=placed.external_id,
        status=order.status,
        placed_at=placed.placed_at,
        accepted_at=head.accepted_at,
        service_level=head.service_level,
        ship_policy=head.ship_policy,
        backorder_policy=head.backorder_policy,
        priority=placed.priority,
        flags=placed.flags,
        ship_country=placed.ship_country,
        lines=_lines(order),
        stock=order.stock_state,
        money=_money(order),
        approval=approval | dict(head.cost_figures),
        fulfilments=[_fulfilment(order, f) for f in order.fulfilments],
        parcels=[parcel for f in order.fulfilments for parcel in _parcels(f)],
        holds=body.holds,
        tasks=body.tasks,
        cancel=_cancel(order.cancel),
        waiting=waiting(policy, order),
        history=history,
        personal=personal,
        rebuilt=rebuilt,
    )


def no_order_page(
    found: NoOrder, history: Sequence[HistoryEntry], rebuilt: RebuiltView | None = None
) -> NoOrderPage:
    """Why there is no order."""
    return NoOrderPage(
        order_id=found.order_id,
        channel=found.channel,
        external_id=found.external_id,
        status=found.status,
        received_at=found.received_at,
        reasons=[{"field": f, "code": c, "text": t} for f, c, t in found.reasons],
        history=history,
        rebuilt=rebuilt,
    )


def _lines(order: Order) -> list[LineView]:
    moving = {name: order.units_in(*states) for name, states in _BUCKETS.items()}
    views = []
    for n, (ordered, line) in enumerate(zip(order.placed.lines, order.lines, strict=True)):
        buckets = {
            "open": line.open,
            "backordered": line.backordered,
            "reserved": line.units_reserved,
            **{name: units[n] for name, units in moving.items()},
            "cancelled": line.cancelled,
        }
        views.append(
            LineView(
                line_id=ordered.line_id,
                sku=ordered.sku,
                title=ordered.title,
                qty=ordered.qty,
                unit_price_minor=ordered.unit_price_minor,
                net_minor=ordered.net_minor,
                tax_minor=ordered.tax_minor,
                buckets=buckets,
                reserved_at=dict(line.reserved),
                promise=line.promise,
            )
        )
    return views


def _money(order: Order) -> MoneyView:
    payment = order.payment
    return MoneyView(
        state=order.payment_state,
        currency=order.placed.currency,
        method=order.placed.payment_method,
        total_minor=order.placed.sums().grand_total_minor,
        asked_minor=payment.asked_minor,
        authorised_minor=payment.authorised_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        invoices=[f.invoice for f in order.fulfilments if f.invoice is not None],
    )


def _fulfilment(order: Order, fulfilment: Fulfilment) -> FulfilmentView:
    lines = order.placed.lines
    return FulfilmentView(
        fulfilment_id=fulfilment.fulfilment_id,
        location=fulfilment.location,
        state=fulfilment.state,
        stopping=fulfilment.stop is not None,
        since=fulfilment.since,
        ship_by=fulfilment.ship_by,
        shipment_id=fulfilment.shipment_id,
        units={lines[n].line_id: qty for n, qty in fulfilment.units},
    )


def _parcels(fulfilment: Fulfilment) -> list[ParcelView]:
    return [
        ParcelView(
            parcel_id=p.parcel_id,
            fulfilment_id=fulfilment.fulfilment_id,
            carrier=p.carrier,
            tracking_no=p.tracking_no,
            url=p.url,
            status=p.status if fulfilment.gone else "here",
            ended_at=p.ended_at,
            eta=fulfilment.eta,
        )
        for p in fulfilment.parcels
    ]


def _cancel(cancel: Cancel) -> CancelView | None:
    if cancel.state is CancelState.NO and not cancel.code:
        return None
    return CancelView(cancel.state, cancel.code, cancel.reason, cancel.since, cancel.undone)
