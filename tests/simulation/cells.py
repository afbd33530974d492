"""Which (state, input) cells of the services' tables were reached: in what state each heard what.

The order's states and inputs bear the names of docs/saga-table.md; the other services' are in
`pairs`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from node import Cycle
from pairs import PAIRS

from oms_chassis.decision import Input, Malformed, Woke
from oms_contracts.billing import PaymentAuthorized, PaymentDeclined
from oms_contracts.channel import OrderPlaced
from oms_contracts.inventory import StockReserved
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancellationWish,
    CancelOrder,
    NoOrder,
    Order,
    PaymentState,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
    Submission,
    TaskKind,
)
from oms_order.domain.fulfilment import FulfilmentState as F
from oms_order.domain.regions import CancelState

Cell = tuple[str, str, str]
"""Service, state and input."""


class Cells:
    """How often each cell was reached."""

    def __init__(self) -> None:
        self.reached: Counter[Cell] = Counter()

    def after(self, cycle: Cycle) -> None:
        """Every decision of a cycle, each in the state that the one before it left."""
        name, single = cycle.node.name, len(cycle.node.core.kinds) == 1
        refs = {work.item.id: work.ref for work in cycle.works}
        states = dict(cycle.before)
        for item, decision in cycle.out.decisions:
            own = refs[item.id]
            if name == "order":
                self._reach(name, state_of(states[own]), input_of(states[own], item))
            else:
                for state, heard in PAIRS[name](own[0], states[own], item):
                    self._reach(name, state, heard)
            if single:
                states[own] = decision.state
            else:
                states.update(decision.states)

    def _reach(self, name: str, state: str, heard: str) -> None:
        self.reached[name, state, heard] += 1


def state_of(order: Order | NoOrder | None) -> str:
    """Where an order is, in the words of the saga table."""
    if not isinstance(order, Order):
        return "rejected" if order is not None and order.reasons else "no order"
    if order.body.completed_at is not None:
        return "completed"
    if order.cancel.state is not CancelState.NO:
        done = order.cancel.state is CancelState.DONE
        return _cancelled(order) if done else _cancelling(order)
    if any(f.gone for f in order.fulfilments):
        return "part shipped" if order.remaining else _shipped(order)
    live = {f.state for f in order.fulfilments if f.live}
    return _in_fulfilment(order, live) if live else _waiting(order)


def _cancelled(order: Order) -> str:
    if order.payment.refunding:
        return "cancelled, refund asked"
    packed = any(f.parcels for f in order.fulfilments)
    return "cancelled, was packed" if packed else "cancelled"


def _cancelling(order: Order) -> str:
    live = {f.state for f in order.fulfilments if f.live}
    if F.SHIP_ASKED in live:
        return "cancelling, carrier asked"
    if live:
        packed = F.PACKED in live
        return f"cancelling, {'parcels to put back' if packed else 'warehouse asked'}"
    asked = order.stock.reserving is not None
    return f"cancelling, {'stock asked' if asked else 'stock and payment'}"


def _shipped(order: Order) -> str:
    if order.body.delivered_at is not None:
        return "delivered"
    if any(task.kind is TaskKind.PARCEL for task in order.body.tasks):
        return "shipped, parcel lost"
    invoices = [f.invoice for f in order.gone()]
    if any(invoice is not None and not invoice.paid for invoice in invoices):
        return "shipped, unpaid"
    return "shipped, paid" if order.paid_for else "shipped"


def _in_fulfilment(order: Order, live: set[F]) -> str:
    if any(f.broken for f in order.live()):
        return "released, units broken"
    if order.stock.reserving is not None:
        return "released, units short"
    if F.SHIP_ASKED in live:
        return "packed, carrier asked"
    return "packed, held" if F.PACKED in live else "released"


def _waiting(order: Order) -> str:
    match order.payment.state:
        case PaymentState.AUTHORISED:
            return f"authorised, {'costs pending' if order.costs_hold() else 'held'}"
        case PaymentState.AWAITING_PAYER:
            return "awaiting payer"
        case PaymentState.ASKED:
            return "reserved"
    if order.body.backordered_since is None:
        return "accepted"
    asked = order.body.customer_asked_at is not None
    return "backordered, customer asked" if asked else "backordered"


def input_of(order: Order | NoOrder | None, item: Input) -> str:
    """What an order is told, in the words of the saga table."""
    named = _NAMED.get(type(item.body))
    return type(item.body).__name__ if named is None else named(order, item.body)


def _placed(order: Order | NoOrder | None, body: Submission) -> str:
    known = order.placed.digest if isinstance(order, Order) else getattr(order, "digest", "")
    same = known in ("", body.digest)
    return f"OrderPlaced ({'the same' if same else 'other content'})"


def _unreadable(order: Any, body: Malformed) -> str:
    what = "OrderPlaced" if body.type == OrderPlaced.TYPE else "CancellationRequested"
    return f"{what} (unreadable)"


def _reserved(order: Any, body: StockReserved) -> str:
    asked = isinstance(order, Order) and (*order.stock.answered, _asked_for(order))
    return "StockReserved" + ("" if asked and body.request_id in asked else " (foreign)")


def _asked_for(order: Order) -> str:
    reserving = order.stock.reserving
    return reserving.request.request_id if reserving is not None else ""


def _authorised(order: Any, body: PaymentAuthorized) -> str:
    own = isinstance(order, Order) and body.request_id == order.payment.request_id
    return "PaymentAuthorized" + ("" if own else " (foreign)")


def _backorder(order: Any, body: AnswerBackorder) -> str:
    waits = body.choice is BackorderChoice.WAIT
    return f"the customer waits {'on' if waits else 'no longer'}"


_NAMED: Mapping[type, Callable[[Any, Any], str]] = {
    Submission: _placed,
    Malformed: _unreadable,
    CancellationWish: lambda o, b: f"CancellationRequested{' (1 unit)' if b.lines else ''}",
    StockReserved: _reserved,
    PaymentAuthorized: _authorised,
    PaymentDeclined: lambda o, b: f"PaymentDeclined ({'final' if b.final else 'may try again'})",
    Woke: lambda o, b: "the deadline passes",
    PlaceHold: lambda o, b: "a hold is placed",
    ReleaseHold: lambda o, b: "a hold is released",
    ApproveCosts: lambda o, b: "costs are approved",
    RejectCosts: lambda o, b: "costs are rejected",
    CancelOrder: lambda o, b: "a person cancels",
    AnswerBackorder: _backorder,
    ResolveTask: lambda o, b: "a task is settled",
}
