"""What an order does next, drawn in one place after every input.

Facts only move buckets and regions; here is where others are asked to act. So it cannot matter
in which order facts arrive. Each step below answers with the order after it, or with None while
it is not due; the first that is due is taken, until none is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import CHOSEN_IDS_MAX, Decision, seconds
from oms_contracts.channel import ServiceLevel, ShipPolicy
from oms_contracts.order import Gate
from oms_order.decisions import requests
from oms_order.decisions.endings import wind_up
from oms_order.decisions.turn import Impossible, Turn
from oms_order.decisions.unwinding import unwind
from oms_order.domain.fulfilment import AT_WAREHOUSE, Fulfilment, FulfilmentState
from oms_order.domain.order import Order, counted
from oms_order.domain.payment import Payment, PaymentState
from oms_order.domain.regions import CancelState, Reservation

ROUNDS_MAX = CHOSEN_IDS_MAX
"""Steps at once: nearly each takes one of the ids that a turn may choose."""

Step = Callable[[Order, Turn], Order | None]


def conclude(order: Order, turn: Turn, **more: Any) -> Decision:
    """Take every step that is due, and hand over the order with all that was said."""
    for _ in range(ROUNDS_MAX):
        for step in STEPS:
            moved = step(order, turn)
            if moved is not None:
                order = moved
                break
        else:
            return turn.decision(order, **more)
    raise Impossible("the saga goes round in circles")


def reserve(order: Order, turn: Turn) -> Order | None:
    """Units that nobody keeps for us are asked for; units not found are told of in any case."""
    stock = order.stock
    if stock.asked:
        return None
    wanted = order.cancel.state is CancelState.NO
    units = counted(line.open for line in order.lines) if wanted else ()
    if not units and not stock.shorts:
        return None
    asked = Reservation(turn.request(), units, stock.shorts)
    turn.ask(requests.reservation(order, asked))
    return order.but(stock=replace(stock, reserving=asked, shorts=()))


def ask_payment(order: Order, turn: Turn) -> Order | None:
    """Stock first, then money: nobody's money is promised for goods that are not there."""
    if (
        order.payment.state is not PaymentState.NONE
        or order.stock.asked
        or order.cancel.state is not CancelState.NO
        or not any(line.reserved for line in order.lines)
        or order.blocked(Gate.PAY)
    ):
        return None
    request = turn.request()
    lines = zip(order.placed.lines, order.lines, strict=True)
    units = tuple(ordered.qty - line.cancelled for ordered, line in lines)
    payment = Payment(
        state=PaymentState.ASKED,
        request=request,
        request_id=request.request_id,
        units=units,
        payer_until=turn.now + seconds(turn.policy.payer_seconds),
        asked_minor=order.head.total_minor(units),
    )
    turn.ask(requests.payment(order, payment))
    return order.but(payment=payment)


def release(order: Order, turn: Turn) -> Order | None:
    """What is reserved and paid for goes to the warehouse, one fulfilment for each location."""
    if (
        order.payment.state is not PaymentState.AUTHORISED
        or order.cancel.state is not CancelState.NO
        or not any(line.reserved for line in order.lines)
        or any(f.invoice is not None and not f.invoice.paid for f in order.gone())
        or order.blocked(Gate.RELEASE)
    ):
        return None
    complete = not any(line.open or line.backordered for line in order.lines)
    if not complete and order.head.ship_policy is not ShipPolicy.SPLIT:
        return None
    by_location: dict[str, list[tuple[int, int]]] = {}
    for n, line in enumerate(order.lines):
        for location, qty in line.reserved:
            by_location.setdefault(location, []).append((n, qty))
    fulfilments = tuple(
        _fulfilment(order, turn, location, tuple(units)) for location, units in by_location.items()
    )
    turn.say(requests.release(order, fulfilments))
    return order.but(
        lines=tuple(line.hand_out() if line.reserved else line for line in order.lines),
        fulfilments=order.fulfilments + fulfilments,
    )


def _fulfilment(
    order: Order, turn: Turn, location: str, units: tuple[tuple[int, int], ...]
) -> Fulfilment:
    policy = turn.policy
    express = order.head.service_level is ServiceLevel.EXPRESS
    within = policy.ship_express_within_seconds if express else policy.ship_within_seconds
    request = turn.request()
    return Fulfilment(
        fulfilment_id=request.request_id,
        location=location,
        units=units,
        since=turn.now,
        ship_by=turn.now + seconds(within),
        request=request,
    )


def stop_broken(order: Order, turn: Turn) -> Order | None:
    """Work on units that inventory no longer keeps for us is stopped, to ask for them anew."""
    if order.cancel.state is not CancelState.NO:
        return None
    broken = (f for f in order.fulfilments if f.broken and f.state in AT_WAREHOUSE)
    fulfilment = next((f for f in broken if f.stop is None), None)
    if fulfilment is None:
        return None
    stopping = replace(fulfilment, stop=turn.request())
    turn.ask(requests.stop(order, stopping))
    return order.with_fulfilment(stopping)


def ask_shipment(order: Order, turn: Turn) -> Order | None:
    """What is packed goes to a carrier."""
    packed = (
        f
        for f in order.fulfilments
        if f.state is FulfilmentState.PACKED and f.stop is None and not f.broken
    )
    fulfilment = next(packed, None)
    if fulfilment is None or order.cancel.state is not CancelState.NO or order.blocked(Gate.SHIP):
        return None
    shipment_id = fulfilment.shipment_id or turn.new_id()
    asked = fulfilment.ask_shipment(shipment_id, turn.request(), turn.now)
    turn.ask(requests.shipment(order, asked))
    return order.with_fulfilment(asked)


def watch_backorders(order: Order, turn: Turn) -> Order | None:
    """Waiting for goods is measured from the first unit that waits to the last."""
    waiting = any(line.backordered for line in order.lines)
    if waiting == (order.body.backordered_since is not None):
        return None
    return order.but(backordered_since=turn.now if waiting else None, customer_asked_at=None)


STEPS: tuple[Step, ...] = (
    watch_backorders,
    unwind,
    reserve,
    ask_payment,
    release,
    stop_broken,
    ask_shipment,
    wind_up,
)
