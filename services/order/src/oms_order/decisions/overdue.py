"""A deadline has passed: ask again, raise it with a person, or do what was announced."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from oms_chassis.decision import Decision, late, seconds
from oms_contracts.order import OrderDelayed
from oms_order.decisions import requests
from oms_order.decisions.consequences import conclude
from oms_order.decisions.money import tell_invoice
from oms_order.decisions.people import give_up_backorders
from oms_order.decisions.turn import Turn, held
from oms_order.decisions.unwinding import want_cancel
from oms_order.decisions.waiting import Awaited, waiting
from oms_order.domain.fulfilment import Fulfilment, FulfilmentState
from oms_order.domain.order import Order, counted
from oms_order.domain.policy import BackorderChoice
from oms_order.domain.regions import TaskKind

_OF_UNWINDING = (
    Awaited.RESERVATION,
    Awaited.STOCK_RELEASE,
    Awaited.VOID,
    Awaited.STOP,
    Awaited.SHIPMENT_STOP,
)
"""What a cancellation waits for."""


def overdue(order: Order, turn: Turn) -> Decision:
    """Do what was announced for everything whose time has passed."""
    awaited = waiting(turn.policy, order)
    due = [w for w in awaited if w.until <= turn.now]
    if not due:
        return late(order, "it was settled in the meantime")
    if any(w.what is Awaited.UNWINDING for w in due):
        due += [w for w in awaited if w.what in _OF_UNWINDING and w not in due]
    for w in due:
        order = bring_up(order, w.what, w.subject, turn)
    return conclude(order, turn)


def bring_up(order: Order, what: Awaited, subject: str, turn: Turn) -> Order:
    """What follows when one thing was awaited in vain."""
    match what:
        case Awaited.RESERVATION | Awaited.STOCK_RELEASE:
            return _ask_inventory_again(order, turn)
        case Awaited.AUTHORISATION | Awaited.VOID | Awaited.REFUND:
            return _ask_billing_again(order, what, subject, turn)
        case Awaited.PACKING | Awaited.HAND_OVER | Awaited.CAPTURE:
            return _ask_for_goods_again(order, subject, turn)
        case Awaited.STOP | Awaited.SHIPMENT_STOP:
            return _ask_to_stop_again(order, subject, turn)
        case Awaited.PAYER:
            why = "The payment did not come in time."
            return want_cancel(order, turn, "payment_timeout", why)
        case Awaited.MONEY_OWED:
            return _remind_of_invoice(order, subject, turn)
        case Awaited.DELIVERY:
            return _look_for_parcels(order, subject, turn)
        case Awaited.GOODS:
            return _ask_customer(order, turn)
        case Awaited.CUSTOMER:
            return _answer_for_customer(order, turn)
        case Awaited.HOLD | Awaited.APPROVAL | Awaited.TASK:
            return _raise(order, subject, turn)
        case Awaited.UNWINDING:
            return order.but(cancel=replace(order.cancel, raised_at=turn.now))
        case Awaited.FOLLOW_UP:
            return order  # its time having come is all that was missing
    assert_never(what)


def _ask_inventory_again(order: Order, turn: Turn) -> Order:
    """Also the first reservation is asked again as such: accepting once is enough."""
    stock = order.stock
    if stock.reserving is not None:
        asked = replace(stock.reserving, request=stock.reserving.request.again(turn.now))
        turn.say(requests.reservation(order, asked))
        stock = replace(stock, reserving=asked)
    if stock.releasing is not None:
        released = replace(stock.releasing, request=stock.releasing.request.again(turn.now))
        turn.say(requests.stock_release(order, released))
        stock = replace(stock, releasing=released)
    return order.but(stock=stock)


def _ask_billing_again(order: Order, what: Awaited, request_id: str, turn: Turn) -> Order:
    payment = order.payment
    if what is Awaited.REFUND:
        refund = payment.find_refund(request_id)
        assert refund is not None
        asked = replace(refund, request=refund.request.again(turn.now))
        turn.say(requests.refund(order, asked))
        return order.but(payment=payment.with_refund(asked))
    assert payment.request is not None
    request = payment.request.again(turn.now)
    if what is Awaited.VOID:
        turn.say(requests.void(payment.request_id, request, order.cancel.code))
    else:
        turn.say(requests.payment(order, payment))
    return order.but(payment=replace(payment, request=request))


def _ask_for_goods_again(order: Order, fulfilment_id: str, turn: Turn) -> Order:
    """A capture is not asked for, it follows from shipping: there it is for operations to look."""
    fulfilment = _named(order, fulfilment_id)
    assert fulfilment.request is not None
    asked = replace(fulfilment, request=fulfilment.request.again(turn.now))
    if asked.state is FulfilmentState.RELEASED:
        turn.say(requests.release(order, (asked,)))
    elif asked.state is FulfilmentState.SHIP_ASKED:
        turn.say(requests.shipment(order, asked))
    return order.with_fulfilment(asked)


def _ask_to_stop_again(order: Order, fulfilment_id: str, turn: Turn) -> Order:
    fulfilment = _named(order, fulfilment_id)
    assert fulfilment.stop is not None
    stopping = replace(fulfilment, stop=fulfilment.stop.again(turn.now))
    turn.say(requests.stop(order, stopping))
    return order.with_fulfilment(stopping)


def _remind_of_invoice(order: Order, fulfilment_id: str, turn: Turn) -> Order:
    fulfilment = _named(order, fulfilment_id)
    assert fulfilment.invoice is not None
    later = turn.now + seconds(turn.policy.dunning_seconds)
    invoice = replace(fulfilment.invoice, look_at=later)
    tell_invoice(order, fulfilment.shipment_id, invoice, turn, paid=False)
    return order.with_fulfilment(replace(fulfilment, invoice=invoice))


def _look_for_parcels(order: Order, fulfilment_id: str, turn: Turn) -> Order:
    fulfilment = _named(order, fulfilment_id)
    for parcel in fulfilment.parcels:
        if parcel.ended_at is None:
            text = f"Parcel {parcel.tracking_no or parcel.parcel_id} should have arrived."
            order = turn.queue(order, TaskKind.PARCEL, parcel.parcel_id, text)
    later = turn.now + seconds(turn.policy.delivery_overdue_seconds)
    return order.with_fulfilment(replace(fulfilment, deliver_by=later))


def _ask_customer(order: Order, turn: Turn) -> Order:
    """The choice is told as a delay of which nobody knows the end."""
    waiting_units = counted(line.backordered for line in order.lines)
    earlier = max((line.promise for line in order.lines if line.promise), default=None)
    turn.say(
        OrderDelayed(
            order_no=order.head.order_no,
            lines=order.head.quantities(waiting_units),
            earlier_promise=earlier,
        )
    )
    return order.but(customer_asked_at=turn.now)


def _answer_for_customer(order: Order, turn: Turn) -> Order:
    if turn.policy.backorder_default is BackorderChoice.CANCEL:
        return give_up_backorders(order, turn, "Nobody answered whether to wait on.")
    return order.but(backordered_since=turn.now, customer_asked_at=None)


def _raise(order: Order, subject: str, turn: Turn) -> Order:
    """A hold is told once more; a task goes to operations."""
    hold = order.find_hold(subject)
    if hold is not None:
        turn.say(held(hold))
        holds = tuple(replace(h, raised_at=turn.now) if h is hold else h for h in order.body.holds)
        return order.but(holds=holds)
    tasks = tuple(
        replace(t, raised_at=turn.now) if t.task_id == subject else t for t in order.body.tasks
    )
    return order.but(tasks=tasks)


def _named(order: Order, fulfilment_id: str) -> Fulfilment:
    found = order.fulfilment(fulfilment_id)
    assert found is not None
    return found
