"""What inventory says: units set aside, refused, waited for, filled, broken and given back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from oms_chassis.decision import Decision, again, late
from oms_contracts.event import Alloc, LineQty
from oms_contracts.inventory import (
    Backordered,
    BackorderFilled,
    BackorderPromised,
    ReservationBroken,
    StockRefused,
    StockReleased,
    StockReserved,
)
from oms_contracts.order import OrderDelayed, ReservationReleaseRequested
from oms_order.decisions.consequences import conclude
from oms_order.decisions.turn import Turn
from oms_order.decisions.unwinding import want_cancel
from oms_order.domain.fulfilment import AT_WAREHOUSE
from oms_order.domain.lines import Line
from oms_order.domain.order import Order
from oms_order.domain.regions import CancelState

SHORT_NAMED_MAX = 6
"""SKUs named in the reason of a cancellation; more make no sentence."""


def reserved(order: Order, told: StockReserved, turn: Turn) -> Decision:
    """Every unit asked for is set aside or stands in a queue."""
    asked = order.stock.reserving
    if asked is None or asked.request.request_id != told.request_id:
        if told.request_id in order.stock.answered:
            return again(order)
        return _give_back(order, told.alloc, told.backordered, turn)
    order = order.reserve(order.head.placed_of(told.alloc), stock=order.stock.answer())
    if told.backordered:
        order = _queue_up(order, told.backordered, turn)
    return conclude(order, turn)


def refused(order: Order, told: StockRefused, turn: Turn) -> Decision:
    """Nothing of the request is set aside and nobody waits: its units are cancelled."""
    asked = order.stock.reserving
    if asked is None or asked.request.request_id != told.request_id:
        return late(order, "this refusal answers nothing that was asked")
    order = order.but(stock=order.stock.answer())
    units = tuple(
        (n, wanted)
        for n, qty in asked.units
        if (wanted := min(qty, order.lines[n].open - order.lines[n].unwanted)) > 0
    )
    if units:
        short = ", ".join(f"{s.short_by} of {s.sku}" for s in told.short[:SHORT_NAMED_MAX])
        order = want_cancel(order, turn, "out_of_stock", f"Not in stock: {short}.", units)
    return conclude(order, turn)


def filled(order: Order, told: BackorderFilled, turn: Turn) -> Decision:
    """Goods came for units that waited. What no longer waits is given back at once."""
    if told.request_id not in order.stock.answered:
        return _give_back(order, told.alloc, (), turn)
    lines: dict[int, Line] = {}
    excess: list[tuple[int, str, int]] = []
    for n, location, qty in order.head.placed_of(told.alloc):
        line = lines.get(n, order.lines[n])
        part = min(qty, line.backordered)
        lines[n] = line.fill(location, part) if part else line
        excess += [(n, location, qty - part)] if qty > part else []
    if excess:
        _release(order.head.allocations(excess), (), turn)
    return conclude(order.with_lines(lines), turn)


def promised(order: Order, told: BackorderPromised, turn: Turn) -> Decision:
    """A purchase covers waiting units. The customer is told once for each new date."""
    if order.cancel.state is not CancelState.NO:
        return late(order, "the order is being cancelled")
    if told.request_id not in order.stock.answered:
        return late(order, "this promise is about nothing that was asked")
    news: list[tuple[int, int]] = []
    for n, qty in order.head.units_of(told.lines):
        line = order.lines[n]
        if line.backordered and line.promise != told.eta:
            news.append((n, min(qty, line.backordered)))
    if not news:
        return again(order)
    earlier = max((p for n, _ in news if (p := order.lines[n].promise)), default=None)
    lines = {n: order.lines[n]._replace(promise=told.eta) for n, _ in news}
    _tell_delay(order, news, told.eta, earlier, turn)
    return conclude(order.with_lines(lines), turn)


def broken(order: Order, told: ReservationBroken, turn: Turn) -> Decision:
    """The shelf held less than the books: units set aside are open again.

    Goods somebody works on are stopped first; those in a parcel were there after all.
    """
    known = False
    for n, location, qty in order.head.placed_of(told.alloc):
        lost = min(qty, order.lines[n].at(location))
        if lost:
            order = order.with_lines({n: order.lines[n].lose(location, lost)})
        order, worked_on = _break_work(order, n, location, qty - lost)
        known = known or lost > 0 or worked_on
    if not known:
        return late(order, "none of these units are set aside any more")
    return conclude(order, turn)


def given_back(order: Order, told: StockReleased, turn: Turn) -> Decision:
    """Inventory took units back."""
    releasing = order.stock.releasing
    if releasing is None or releasing.request.request_id != told.request_id:
        return late(order, "these units were given back before")
    return conclude(order.released(releasing), turn)


def _queue_up(order: Order, backordered: Iterable[Backordered], turn: Turn) -> Order:
    """Units wait in a queue, and the customer is told, in one message for each date."""
    places = order.head.places()
    lines: dict[int, Line] = {}
    by_date: dict[datetime | None, dict[int, int]] = {}
    for told in backordered:
        n = places[told.line_id]
        lines[n] = lines.get(n, order.lines[n]).backorder(told.qty, told.eta)
        units = by_date.setdefault(told.eta, {})
        units[n] = units.get(n, 0) + told.qty
    if order.cancel.state is CancelState.NO:
        for promise, units in by_date.items():
            _tell_delay(order, units.items(), promise, None, turn)
    return order.with_lines(lines)


def _tell_delay(
    order: Order,
    units: Iterable[tuple[int, int]],
    promise: datetime | None,
    earlier: datetime | None,
    turn: Turn,
) -> None:
    turn.say(
        OrderDelayed(
            order_no=order.head.order_no,
            lines=order.head.quantities(units),
            promise=promise,
            earlier_promise=earlier,
        )
    )


def _break_work(order: Order, n: int, location: str, qty: int) -> tuple[Order, bool]:
    """Mark units in fulfilments that inventory no longer keeps for us."""
    found = False
    for state in AT_WAREHOUSE:
        for fulfilment in order.fulfilments:
            if qty and fulfilment.state is state and fulfilment.location == location:
                part = min(qty, fulfilment.of_line(n) - dict(fulfilment.broken).get(n, 0))
                if part > 0:
                    order = order.with_fulfilment(fulfilment.break_(((n, part),)))
                    qty -= part
                    found = True
    return order, found


def _give_back(
    order: Order, alloc: Sequence[Alloc], backordered: Sequence[Backordered], turn: Turn
) -> Decision:
    """Somebody answered a question that is not ours: exactly what they name is given back."""
    if not alloc and not backordered:
        return late(order, "this answer is to nothing that was asked, and keeps nothing for us")
    queued = tuple(LineQty(line_id=b.line_id, sku=b.sku, qty=b.qty) for b in backordered)
    _release(alloc, queued, turn)
    return turn.decision(order)


def _release(alloc: Sequence[Alloc], backordered: Sequence[LineQty], turn: Turn) -> None:
    turn.ask(
        ReservationReleaseRequested(
            request_id=turn.new_id(),
            alloc=tuple(alloc),
            backordered=tuple(backordered),
            reason="set aside for nothing that is wanted",
        )
    )
