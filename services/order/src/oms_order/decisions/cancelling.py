"""Wishes to cancel, from channels and from people."""

from __future__ import annotations

from msgspec.structs import replace

from oms_chassis.decision import Decision, again, keep, refuse
from oms_order.decisions.consequences import conclude
from oms_order.decisions.intake import refuse_unknown, told
from oms_order.decisions.turn import Turn
from oms_order.decisions.unwinding import answer, cancellable, refuse_cancellation, want_cancel
from oms_order.domain.commands import CancellationWish, CancelOrder
from oms_order.domain.order import NoOrder, Order, counted
from oms_order.domain.ordered import Units
from oms_order.domain.regions import CancelState


def wished(state: Order | NoOrder | None, wish: CancellationWish, turn: Turn) -> Decision:
    """A channel wants units cancelled. It always gets an answer: now, or when all is undone."""
    if not isinstance(state, Order):
        why = "There is no such order."
        return refuse_unknown(state, wish.channel, wish.external_id, why, turn)
    if wish.digest and wish.digest in state.body.wishes:
        return _answer_again(state, turn)
    named = _named(state, wish.lines)
    if named is None:
        why = "The order has no such line, or not so many units of it."
        refuse_cancellation(state, turn, why, to_channel=True)
        return turn.decision(state)
    wanted, gone = _sort(state, named)
    if gone:
        refuse_cancellation(state, turn, "The goods have left.", gone, to_channel=True)
    if wanted:
        order = want_cancel(state, turn, "customer", wish.reason, wanted, channel_asked=True)
        # Everything can be cancelled but once; some units could be cancelled again and again.
        heard = (*order.body.wishes, wish.digest) if wish.lines else order.body.wishes
        return conclude(order.but(wishes=heard), turn)
    return turn.decision(state) if gone else _answer_again(state, turn)


def _answer_again(order: Order, turn: Turn) -> Decision:
    """What became of an earlier wish; while it is being undone, that is told at its end."""
    if order.cancel.state is CancelState.WANTED:
        asked = replace(order.cancel, channel_asked=True)
        return again(order) if asked == order.cancel else keep(order.but(cancel=asked))
    units = counted(line.cancelled for line in order.lines)
    answer(order, turn, accepted=True, units=units, reason=order.cancel.reason)
    return again(order, *turn.facts)


def cancel_order(order: Order, command: CancelOrder, turn: Turn) -> Decision:
    """A person cancels the order, or units of it."""
    named = _named(order, command.lines)
    if named is None:
        return refuse(order, "unknown_line", "The order has no such line, or fewer units of it.")
    wanted, gone = _sort(order, named)
    if gone and (command.lines or not wanted):
        return refuse(order, "shipped", "These goods have left: they can only be returned.")
    if not wanted:
        return again(order, answer=told(order))
    order = want_cancel(order, turn, "person", command.reason, wanted)
    return conclude(order, turn, answer=told(order))


def _named(order: Order, lines: tuple[tuple[str, int], ...]) -> dict[int, int] | None:
    """Units by place that a wish names; all that were ordered where it names none."""
    ordered = [line.qty for line in order.placed.lines]
    if not lines:
        return dict(enumerate(ordered))
    places = order.head.places()
    named: dict[int, int] = {}
    for line_id, qty in lines:
        if line_id not in places:
            return None
        n = places[line_id]
        named[n] = named.get(n, 0) + qty
    return None if any(qty > ordered[n] for n, qty in named.items()) else named


def _sort(order: Order, named: dict[int, int]) -> tuple[Units, Units]:
    """Units that can be cancelled, and those that cannot because they have left.

    What is being cancelled or was cancelled before counts as heard: a wish may come twice.
    """
    possible = cancellable(order)
    wanted: list[tuple[int, int]] = []
    gone: list[tuple[int, int]] = []
    for n, qty in named.items():
        line = order.lines[n]
        missing = max(0, qty - line.unwanted)
        now = min(missing, possible[n])
        left = max(0, missing - now - line.cancelled)
        wanted += [(n, now)] if now else []
        gone += [(n, left)] if left else []
    return tuple(wanted), tuple(gone)
