"""Taking back what is no longer wanted.

Whoever has the goods decides: before release the saga, then the warehouse, then shipping. What
they refuse goes on to the customer. Stock and money are let go only after they have answered,
and always by the ids under which they were given. An episode ends in a receipt.
"""

from __future__ import annotations

from msgspec.structs import replace

from oms_contracts.answers import CancellationAnswered
from oms_contracts.order import CancellationRefused, OrderCancelled
from oms_order.decisions import requests
from oms_order.decisions.endings import tell_closed
from oms_order.decisions.turn import Turn
from oms_order.domain.fulfilment import GONE, LIVE, Fulfilment
from oms_order.domain.lines import Line
from oms_order.domain.order import Order, counted
from oms_order.domain.ordered import Units
from oms_order.domain.regions import Cancel, CancelState, Release

INSTEAD = "Send it back once it has arrived: we take it back then."
"""What to do about units that cannot be cancelled any more."""


def cancellable(order: Order) -> list[int]:
    """Units of each line that may still be taken back and that nobody asked to take back yet."""
    shipped = order.units_in(*GONE)
    return [
        ordered.qty - line.cancelled - line.unwanted - shipped[n]
        for n, (ordered, line) in enumerate(zip(order.placed.lines, order.lines, strict=True))
    ]


def want_cancel(
    order: Order, turn: Turn, code: str, reason: str = "", units: Units | None = None,
    *, channel_asked: bool = False,
) -> Order:  # fmt: skip
    """These units (None: all that can be) are no longer wanted; a running episode takes them in."""
    if units is None:
        units = counted(cancellable(order))
    cancel = order.cancel
    if cancel.state is CancelState.NO:
        before = tuple(line.cancelled for line in order.lines)
        cancel = Cancel(CancelState.WANTED, code, reason, turn.now, before=before)
    if channel_asked:
        cancel = replace(cancel, channel_asked=True)
    return order.want_rid_of(units).but(cancel=cancel)


def unwind(order: Order, turn: Turn) -> Order | None:
    """The next step of taking units back; None while somebody must answer first."""
    if order.cancel.state is not CancelState.WANTED:
        return None
    moved = _concede(order, turn) or _stop(order, turn)
    if moved is not None or _others_decide(order):
        return moved
    return _cancel_open(order) or _let_go(order, turn) or _void(order, turn) or _end(order, turn)


def _concede(order: Order, turn: Turn) -> Order | None:
    """Units that turned out impossible to take back go on to the customer, who is told so."""
    stoppable = [line.units_free for line in order.lines]
    for fulfilment in order.live():
        if fulfilment.fulfilment_id not in order.cancel.refused:
            for n, qty in fulfilment.units:
                stoppable[n] += qty
    excess = counted(max(0, line.unwanted - stoppable[n]) for n, line in enumerate(order.lines))
    if not excess:
        return None
    refuse_cancellation(
        order, turn, "The goods are on their way already.", excess,
        to_channel=order.cancel.channel_asked,
    )  # fmt: skip
    return order.want_rid_of(tuple((n, -qty) for n, qty in excess))


def refuse_cancellation(
    order: Order, turn: Turn, why: str, units: Units = (), *, to_channel: bool
) -> None:
    """Say what cannot be cancelled, and what to do instead."""
    lines = order.head.quantities(units)
    turn.say(
        CancellationRefused(order_no=order.head.order_no, reason=why, instead=INSTEAD, lines=lines)
    )
    if to_channel:
        answer(order, turn, accepted=False, units=units, reason=f"{why} {INSTEAD}")


def answer(
    order: Order, turn: Turn, *, accepted: bool, units: Units = (), reason: str = ""
) -> None:
    """Tell the channel what became of its wish."""
    turn.answer_channel(
        order,
        CancellationAnswered(
            channel=order.placed.channel,
            external_id=order.placed.external_id,
            order_no=order.head.order_no,
            accepted=accepted,
            lines=order.head.quantities(units),
            reason=reason,
        ),
    )


def _stop(order: Order, turn: Turn) -> Order | None:
    """Ask whoever has unwanted goods to stop: those least far on first, and no more than needed."""
    needed = [max(0, line.unwanted - line.units_free) for line in order.lines]
    if not any(needed):
        return None
    for state in LIVE:
        for fulfilment in order.fulfilments:
            if fulfilment.state is not state or fulfilment.fulfilment_id in order.cancel.refused:
                continue
            if not any(needed[n] for n, _ in fulfilment.units):
                continue
            if fulfilment.stop is None:
                return _ask_to_stop(order, turn, fulfilment)
            for n, qty in fulfilment.units:
                needed[n] = max(0, needed[n] - qty)
    return None


def _ask_to_stop(order: Order, turn: Turn, fulfilment: Fulfilment) -> Order:
    stopping = replace(fulfilment, stop=turn.request())
    turn.ask(requests.stop(order, stopping))
    return order.with_fulfilment(stopping)


def _others_decide(order: Order) -> bool:
    """Whether somebody may still give us units, or refuse to."""
    asked = order.stock.reserving is not None
    return asked or any(f.stop is not None for f in order.fulfilments)


def _cancel_open(order: Order) -> Order | None:
    """Units that nobody keeps for us are cancelled by saying so."""
    lines = {
        n: line.cancel(min(line.open, line.unwanted))
        for n, line in enumerate(order.lines)
        if line.open and line.unwanted
    }
    return order.with_lines(lines) if lines else None


def _let_go(order: Order, turn: Turn) -> Order | None:
    """Ask inventory to take back unwanted units: those still in a queue first."""
    if order.stock.releasing is not None:
        return None
    backordered: list[tuple[int, int]] = []
    placed: list[tuple[int, str, int]] = []
    for n, line in enumerate(order.lines):
        queued, here = _share_of(line)
        backordered += [(n, queued)] if queued else []
        placed += [(n, location, qty) for location, qty in here]
    if not backordered and not placed:
        return None
    asked = Release(turn.request(), tuple(placed), tuple(backordered))
    turn.ask(requests.stock_release(order, asked))
    return order.but(
        stock=replace(order.stock, releasing=asked),
        cancel=order.cancel.undo(asked.request.request_id),
    )


def _share_of(line: Line) -> tuple[int, list[tuple[str, int]]]:
    """How many unwanted units of a line leave the queue, and how many each location."""
    queued = min(line.backordered, line.unwanted)
    left = line.unwanted - queued
    here = []
    for location, qty in line.reserved:
        if left:
            here.append((location, min(qty, left)))
            left -= min(qty, left)
    return queued, here


def _void(order: Order, turn: Turn) -> Order | None:
    """Nothing of the order is left, so its payment is undone, whatever became of it."""
    payment = order.payment
    if not _wholly_cancelled(order) or not payment.open or payment.voiding:
        return None
    request = turn.request()
    turn.ask(requests.void(payment.request_id, request, order.cancel.code))
    return order.but(payment=payment.void(request), cancel=order.cancel.undo(request.request_id))


def _wholly_cancelled(order: Order) -> bool:
    """Whether nothing was shipped and nothing will be."""
    lines = zip(order.placed.lines, order.lines, strict=True)
    return all(line.cancelled + line.unwanted == ordered.qty for ordered, line in lines)


def _end(order: Order, turn: Turn) -> Order | None:
    """Everything was answered: the receipt."""
    payment = order.payment
    whole = _wholly_cancelled(order)
    if order.stock.releasing is not None or any(line.unwanted for line in order.lines):
        return None
    if whole and (payment.open or payment.refunding):
        return None
    cancel = order.cancel
    pairs = zip(order.lines, cancel.before, strict=True)
    units = counted(line.cancelled - before for line, before in pairs)
    if units:
        turn.say(
            OrderCancelled(
                order_no=order.head.order_no,
                code=cancel.code,
                reason=cancel.reason,
                lines=order.head.quantities(units),
                undone=cancel.undone,
            )
        )
    if units and cancel.channel_asked:
        answer(order, turn, accepted=True, units=units, reason=cancel.reason)
    ended = replace(cancel, state=CancelState.DONE if whole else CancelState.NO, refused=())
    order = order.but(cancel=ended)
    if whole:
        tell_closed(order, turn)
    return order
