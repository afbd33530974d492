"""How orders end: delivered, paid for and closed."""

from __future__ import annotations

from oms_chassis.decision import seconds
from oms_contracts.answers import OrderClosed
from oms_contracts.order import OrderCompleted, OrderDelivered
from oms_contracts.shipping import ParcelStatus
from oms_order.decisions import requests
from oms_order.decisions.turn import Turn
from oms_order.domain.fulfilment import GONE, FulfilmentState
from oms_order.domain.order import Order, counted
from oms_order.domain.payment import PaymentState
from oms_order.domain.regions import CancelState


def wind_up(order: Order, turn: Turn) -> Order | None:
    """When no unit is left here: what is open with people, money and parcels comes to an end."""
    if order.remaining or order.cancel.state is CancelState.WANTED:
        return None
    return (
        _lift_holds(order, turn)
        or _void_remainder(order, turn)
        or _deliver(order, turn)
        or _close(order, turn)
    )


def _lift_holds(order: Order, turn: Turn) -> Order | None:
    """Nothing is left that a hold could keep from anything."""
    if not order.body.holds:
        return None
    return turn.lift(order, order.body.holds[0], "order service", "nothing is left to hold")


def _void_remainder(order: Order, turn: Turn) -> Order | None:
    """All that will ever ship is paid for: the rest of the promise is let go."""
    payment = order.payment
    promised = payment.state in (PaymentState.AUTHORISED, PaymentState.AWAITING_PAYER)
    if not promised or not order.paid_for or order.promise_used_up:
        return None
    request = turn.request()
    turn.ask(requests.void(payment.request_id, request, "nothing more will ship"))
    return order.but(payment=payment.void(request))


def _deliver(order: Order, turn: Turn) -> Order | None:
    """Every parcel has arrived, or was given up."""
    if order.body.delivered_at is not None or not _ended(order):
        return None
    arrived = [
        p.ended_at
        for f in order.gone()
        for p in f.parcels
        if p.status is ParcelStatus.DELIVERED and p.ended_at is not None
    ]
    if not arrived:
        return None
    at = max(arrived)
    turn.say(OrderDelivered(order_no=order.head.order_no, at=at))
    return order.but(delivered_at=at)


def _close(order: Order, turn: Turn) -> Order | None:
    """Goods, money and the customer's week of looking at it: nothing is left to do."""
    body = order.body
    if order.finished or not _ended(order) or not settled(order):
        return None
    if body.delivered_at is not None:
        follow_up_at = body.delivered_at + seconds(turn.policy.follow_up_seconds)
        if follow_up_at > turn.now:
            return None
    delivered = body.delivered_at is not None
    turn.say(OrderCompleted(order_no=order.head.order_no, at=turn.now, delivered=delivered))
    tell_closed(order, turn)
    return order.but(completed_at=turn.now)


def settled(order: Order) -> bool:
    """Whether no money is awaited in either direction."""
    payment = order.payment
    return (
        order.paid_for
        and payment.request is None
        and not payment.refunding
        and (payment.state is not PaymentState.AUTHORISED or order.promise_used_up)
    )


def _ended(order: Order) -> bool:
    """Whether something left, and all that did has come to its end."""
    states = [f.state for f in order.fulfilments]
    return FulfilmentState.DELIVERED in states and FulfilmentState.SHIPPED not in states


def tell_closed(order: Order, turn: Turn) -> None:
    """Tell the channel how its order ended."""
    head, placed = order.head, order.placed
    payment = order.payment
    turn.answer_channel(
        order,
        OrderClosed(
            channel=placed.channel,
            external_id=placed.external_id,
            order_no=head.order_no,
            shipped=head.quantities(counted(order.units_in(*GONE))),
            cancelled=head.quantities(counted(line.cancelled for line in order.lines)),
            reason=order.cancel.reason or order.cancel.code,
            charged_minor=payment.captured_minor - payment.refunded_minor,
            currency=placed.currency,
        ),
    )
