"""Nobody waits in silence: what an order waits for, whose move it is, and what happens if not.

One list feeds everything: the order's page, its deadline, and what is done when that passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from oms_chassis.decision import Deadline, Value, seconds
from oms_contracts.order import HoldType
from oms_order.decisions.endings import settled
from oms_order.domain.fulfilment import AT_WAREHOUSE, Fulfilment, FulfilmentState
from oms_order.domain.order import NoOrder, Order
from oms_order.domain.payment import PaymentState, RefundState
from oms_order.domain.policy import Policy
from oms_order.domain.regions import CancelState, Request, TaskKind


class Owner(StrEnum):
    """Whose move it is."""

    INVENTORY = "inventory"
    BILLING = "billing"
    WAREHOUSE = "warehouse"
    SHIPPING = "shipping"
    CARRIER = "carrier"
    SUPPLIER = "supplier"
    PAYER = "payer"
    CUSTOMER = "customer"
    NOBODY = "nobody"
    APPROVER = "approver"
    RECEIVABLES = "receivables"
    CUSTOMER_SERVICE = "customer_service"
    OPERATIONS = "operations"


PEOPLE = (Owner.CUSTOMER_SERVICE, Owner.APPROVER, Owner.RECEIVABLES, Owner.OPERATIONS)
"""Owners who look into a queue; what they have to do comes first."""


class Awaited(StrEnum):
    """What an order can wait for."""

    RESERVATION = "reservation"
    STOCK_RELEASE = "stock_release"
    AUTHORISATION = "authorisation"
    PAYER = "payer"
    VOID = "void"
    REFUND = "refund"
    PACKING = "packing"
    STOP = "stop"
    HAND_OVER = "hand_over"
    SHIPMENT_STOP = "shipment_stop"
    CAPTURE = "capture"
    MONEY_OWED = "money_owed"
    DELIVERY = "delivery"
    GOODS = "goods"
    CUSTOMER = "customer"
    HOLD = "hold"
    APPROVAL = "approval"
    TASK = "task"
    UNWINDING = "unwinding"
    FOLLOW_UP = "follow_up"


class Rule(Value, frozen=True):
    """Whose move it is, how long they have, and what happens then."""

    owner: Owner
    lasts_seconds: Callable[[Policy], float]
    what: str
    then: str
    grows: bool = False
    """Asked again, they have twice as long each time."""


def _as_told(policy: Policy) -> float:
    """The state itself says until when."""
    return 0.0


RULES: dict[Awaited, Rule] = {
    Awaited.RESERVATION: Rule(
        Owner.INVENTORY, lambda p: p.inventory_answers_seconds,
        "inventory sets units aside", "inventory is asked again", grows=True,
    ),
    Awaited.STOCK_RELEASE: Rule(
        Owner.INVENTORY, lambda p: p.inventory_answers_seconds,
        "inventory takes units back", "inventory is asked again", grows=True,
    ),
    Awaited.AUTHORISATION: Rule(
        Owner.BILLING, lambda p: p.billing_answers_seconds,
        "the payment is authorised", "billing is asked again", grows=True,
    ),
    Awaited.PAYER: Rule(
        Owner.PAYER, _as_told,
        "the payer pays", "the order is cancelled",
    ),
    Awaited.VOID: Rule(
        Owner.BILLING, lambda p: p.billing_answers_seconds,
        "the promised money is let go", "billing is asked again", grows=True,
    ),
    Awaited.REFUND: Rule(
        Owner.BILLING, lambda p: p.billing_answers_seconds,
        "money goes back", "billing is asked again", grows=True,
    ),
    Awaited.PACKING: Rule(
        Owner.WAREHOUSE, lambda p: p.warehouse_packs_seconds,
        "the warehouse packs", "the warehouse is told again", grows=True,
    ),
    Awaited.STOP: Rule(
        Owner.WAREHOUSE, lambda p: p.warehouse_stops_seconds,
        "the warehouse stops and puts back", "the warehouse is asked again", grows=True,
    ),
    Awaited.HAND_OVER: Rule(
        Owner.SHIPPING, lambda p: p.shipping_ships_seconds,
        "the carrier takes the parcels", "shipping is asked again", grows=True,
    ),
    Awaited.SHIPMENT_STOP: Rule(
        Owner.SHIPPING, lambda p: p.shipping_stops_seconds,
        "shipping keeps the parcels back", "shipping is asked again", grows=True,
    ),
    Awaited.CAPTURE: Rule(
        Owner.BILLING, lambda p: p.billing_answers_seconds,
        "the shipment is invoiced and paid for", "operations look at it", grows=True,
    ),
    Awaited.MONEY_OWED: Rule(
        Owner.RECEIVABLES, _as_told,
        "the customer pays the invoice", "the customer is reminded",
    ),
    Awaited.DELIVERY: Rule(
        Owner.CARRIER, _as_told,
        "the parcels arrive", "customer service looks for them",
    ),
    Awaited.GOODS: Rule(
        Owner.SUPPLIER, lambda p: p.backorder_limit_seconds,
        "goods come for backordered units", "the customer is asked whether to wait on",
    ),
    Awaited.CUSTOMER: Rule(
        Owner.CUSTOMER, lambda p: p.backorder_answer_seconds,
        "the customer says whether to wait on", "what the policy says is done",
    ),
    Awaited.HOLD: Rule(
        Owner.CUSTOMER_SERVICE, lambda p: p.hold_escalate_seconds,
        "somebody looks at the hold", "the hold is raised again",
    ),
    Awaited.APPROVAL: Rule(
        Owner.APPROVER, lambda p: p.approval_escalate_seconds,
        "the costs are approved", "the hold is raised again",
    ),
    Awaited.TASK: Rule(
        Owner.CUSTOMER_SERVICE, lambda p: p.task_escalate_seconds,
        "somebody settles a task", "the task is raised again",
    ),
    Awaited.UNWINDING: Rule(
        Owner.NOBODY, lambda p: p.unwind_alarm_seconds,
        "everything is taken back", "everybody is asked again, and operations look at it",
    ),
    Awaited.FOLLOW_UP: Rule(
        Owner.NOBODY, lambda p: p.follow_up_seconds,
        "the customer has tried the goods", "the order is completed and followed up",
    ),
}  # fmt: skip

_HOLD_OWNERS = {
    HoldType.COSTS: Owner.APPROVER,
    HoldType.AMOUNT: Owner.RECEIVABLES,
    HoldType.CARRIER: Owner.OPERATIONS,
    HoldType.GOODS: Owner.OPERATIONS,
}
_TASK_OWNERS = {TaskKind.MONEY: Owner.RECEIVABLES, TaskKind.GOODS: Owner.OPERATIONS}
_LONGEST_DOUBLINGS = 6
"""A silent service is asked again after 64 times its usual time at the latest."""


class Wait(NamedTuple):
    """One thing an order waits for, as its state alone tells."""

    what: Awaited
    subject: str
    """Id of the request, fulfilment, hold or task."""
    since: datetime
    counted_from: datetime
    owner: Owner
    repeats: int = 0
    until: datetime | None = None
    """Where the state itself says until when."""


class Waiting(Value, frozen=True):
    """One thing an order waits for, as its page shows it."""

    what: Awaited
    subject: str
    waits_for: str
    since: datetime
    until: datetime
    owner: Owner
    then: str


def waiting(policy: Policy, order: Order) -> list[Waiting]:
    """All that the order waits for, the most pressing first."""
    found = [
        Waiting(
            wait.what, wait.subject, RULES[wait.what].what, wait.since,
            until(policy, wait), wait.owner, RULES[wait.what].then,
        )
        for wait in waits(order)
    ]  # fmt: skip
    return sorted(found, key=lambda waiting: waiting.until)


def deadline(policy: Policy, state: Order | NoOrder) -> Deadline | None:
    """When the order must be looked at again, why, and whose move it is; None: all is done."""
    if isinstance(state, NoOrder):
        return None
    first = min(waits(state), key=lambda wait: until(policy, wait), default=None)
    if first is None:
        return None
    return Deadline(until(policy, first), first.what, first.owner)


def whose_move(order: Order) -> str:
    """Whose move it is: a person's, if any person can do something; empty when all is done."""
    owners = [wait.owner for wait in waits(order)]
    people = [owner for owner in PEOPLE if owner in owners]
    return next(iter(people or owners), "")


def until(policy: Policy, wait: Wait) -> datetime:
    """Until when it is waited for."""
    if wait.until is not None:
        return wait.until
    rule = RULES[wait.what]
    patience = 2 ** min(wait.repeats, _LONGEST_DOUBLINGS) if rule.grows else 1
    return wait.counted_from + seconds(rule.lasts_seconds(policy) * patience)


def waits(order: Order) -> Iterator[Wait]:
    """All that an order waits for."""
    stock = order.stock
    if stock.reserving is not None:
        yield _asked(Awaited.RESERVATION, stock.reserving.request)
    if stock.releasing is not None:
        yield _asked(Awaited.STOCK_RELEASE, stock.releasing.request)
    yield from _money(order)
    for fulfilment in order.fulfilments:
        yield from _goods(fulfilment)
    yield from _people(order)
    yield from _customer(order)


def _asked(what: Awaited, request: Request, subject: str = "") -> Wait:
    """Whoever was asked again in vain is looked at by operations."""
    owner = Owner.OPERATIONS if request.repeats else RULES[what].owner
    subject = subject or request.request_id
    return Wait(what, subject, request.since, request.asked_at, owner, request.repeats)


def _money(order: Order) -> Iterator[Wait]:
    payment = order.payment
    if payment.request is not None:
        voiding = payment.state is PaymentState.VOIDING
        yield _asked(Awaited.VOID if voiding else Awaited.AUTHORISATION, payment.request)
    going_on = order.cancel.state is CancelState.NO and order.remaining
    since, limit = payment.declined_at, payment.payer_until
    if payment.state is PaymentState.AWAITING_PAYER and since and limit and going_on:
        yield _fixed(Awaited.PAYER, payment.request_id, since, limit)
    for refund in payment.refunds:
        if refund.state is RefundState.ASKED:
            yield _asked(Awaited.REFUND, refund.request)


def _goods(fulfilment: Fulfilment) -> Iterator[Wait]:
    name, request = fulfilment.fulfilment_id, fulfilment.request
    if fulfilment.stop is not None:
        at_warehouse = fulfilment.state in AT_WAREHOUSE
        what = Awaited.STOP if at_warehouse else Awaited.SHIPMENT_STOP
        yield _asked(what, fulfilment.stop, name)
    if request is not None:
        yield _asked(_BY_STATE[fulfilment.state], request, name)
    invoice = fulfilment.invoice
    if invoice is not None and invoice.look_at is not None:
        yield _fixed(Awaited.MONEY_OWED, name, fulfilment.since, invoice.look_at)
    if fulfilment.deliver_by is not None:
        yield _fixed(Awaited.DELIVERY, name, fulfilment.since, fulfilment.deliver_by)


_BY_STATE = {
    FulfilmentState.RELEASED: Awaited.PACKING,
    FulfilmentState.SHIP_ASKED: Awaited.HAND_OVER,
    FulfilmentState.SHIPPED: Awaited.CAPTURE,
    FulfilmentState.DELIVERED: Awaited.CAPTURE,
}


def _people(order: Order) -> Iterator[Wait]:
    for hold in order.body.holds:
        what = Awaited.APPROVAL if hold.type is HoldType.COSTS else Awaited.HOLD
        owner = _HOLD_OWNERS.get(hold.type, Owner.CUSTOMER_SERVICE)
        yield Wait(what, hold.hold_id, hold.since, hold.raised_at or hold.since, owner)
    for task in order.body.tasks:
        owner = _TASK_OWNERS.get(task.kind, Owner.CUSTOMER_SERVICE)
        owner = Owner.OPERATIONS if task.raised_at else owner
        yield Wait(Awaited.TASK, task.task_id, task.since, task.raised_at or task.since, owner)
    cancel = order.cancel
    if cancel.state is CancelState.WANTED and cancel.since is not None:
        owner = Owner.OPERATIONS if cancel.raised_at else Owner.NOBODY
        begins = cancel.raised_at or cancel.since
        yield Wait(Awaited.UNWINDING, "", cancel.since, begins, owner)


def _customer(order: Order) -> Iterator[Wait]:
    body = order.body
    since, asked_at = body.backordered_since, body.customer_asked_at
    if since is not None and order.cancel.state is CancelState.NO:
        if asked_at is None:
            yield Wait(Awaited.GOODS, "", since, since, Owner.SUPPLIER)
        else:
            yield Wait(Awaited.CUSTOMER, "", asked_at, asked_at, Owner.CUSTOMER)
    if body.delivered_at is not None and body.completed_at is None and settled(order):
        yield Wait(Awaited.FOLLOW_UP, "", body.delivered_at, body.delivered_at, Owner.NOBODY)


def _fixed(what: Awaited, subject: str, since: datetime, until: datetime) -> Wait:
    return Wait(what, subject, since, since, RULES[what].owner, until=until)
