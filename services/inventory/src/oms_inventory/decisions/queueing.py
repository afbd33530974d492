"""The backorder queue of a SKU: who joins it, who leaves it, whom goods reach, what is expected.

Goods go to those who wait in the order of their turns, from whatever location may serve them.
Only the front of a long queue is loaded; what lies behind it is never overtaken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from oms_contracts.event import LineQty
from oms_contracts.inventory import BackorderFilled, BackorderPromised
from oms_contracts.stock import BackorderRaised
from oms_inventory.decisions.draft import Draft, capped, told
from oms_inventory.domain import (
    Allocation,
    Backorder,
    Head,
    Policy,
    Purchase,
    Reservation,
    Sku,
    Turn,
    Waiting,
)

SERVE_ON_AFTER = timedelta(milliseconds=1)
"""A wake-up that serves the next part of a queue comes at once, yet visibly later than now."""


def join(draft: Draft, order_id: str, reservation: Reservation, units: Backorder) -> Backorder:
    """Take a place in the queue; the backorder comes back with the date it is expected at."""
    book = draft.sku(units.sku)
    supply = Supply(draft.policy, book.purchases)
    supply.take(book.backordered())
    expected = supply.cover(units.country, units.qty)
    if expected is not None:
        units = units._replace(eta=expected.eta, po_line=expected.po_line)
    turn = reservation.turn(order_id)
    waiting = _more_waiting(book.waiting, units, turn.accepted_at)
    queue = book.queue
    if queue is not None:
        queue = {**queue, units.country: queue.get(units.country, Head()).insert(turn)}
    draft.put_sku(units.sku, replace(book, waiting=waiting, queue=queue))
    return units


def leave(draft: Draft, units: Backorder) -> None:
    """Units no longer wait. A turn left without units is passed over when goods come."""
    book = draft.sku(units.sku)
    waiting = _less_waiting(book.waiting, units)
    draft.put_sku(units.sku, replace(book, waiting=waiting))


def raise_shortage(draft: Draft, sku: str, location: str) -> None:
    """Tell how many units customers wait for at a location."""
    book = draft.sku(sku)
    total = capped(book.backordered(location))
    oldest = min(w.oldest_accepted_at for w in book.waiting if w.location == location)
    raised = BackorderRaised(
        sku=sku,
        location=location,
        backordered_total=total,
        oldest_accepted_at=oldest,
        reorder_qty=total,
        last_receipt=book.receipts.get(location, ""),
    )
    draft.tell_sku(sku, raised)


def serve(draft: Draft, sku: str, *, goods_came: bool = False) -> None:
    """Give open units to those who wait, in turn; ask to be woken where the queue goes on.

    When goods came, what is missing is told again once they have gone as far as they go, by
    whatever brings the serving to its end.
    """
    book = draft.sku(sku)
    tell = goods_came or book.serve_at is not None
    if not book.waiting or book.queue is None:
        serve_at = draft.now + SERVE_ON_AFTER if book.waiting else None
        draft.put_sku(sku, replace(book, serve_at=serve_at))
        return
    for turn, country in _line(book):
        open_units = _within_reach(draft.policy, draft.sku(sku), country, turn)
        if open_units:
            _fill(draft, sku, country, turn.order_id, open_units)
    _tidy(draft, sku)
    promise(draft, sku)
    book = draft.sku(sku)
    if tell and book.serve_at is None:
        for location in dict.fromkeys(w.location for w in book.waiting):
            raise_shortage(draft, sku, location)


def promise(draft: Draft, sku: str) -> None:
    """Peg the queue to the open purchases; tell each order whose expected date is new.

    A date is given for a waiting line as a whole, and only as far as the queue was loaded.
    """
    book = draft.sku(sku)
    if book.queue is None or not book.purchases:
        return
    supply = Supply(draft.policy, book.purchases)
    for turn, country in _line(book):
        if _ahead_unseen(book, turn):
            break
        news = [
            (units, expected)
            for units in draft.reservation(turn.order_id).waits_for(sku, country)
            if (expected := supply.cover(country, units.qty)) and expected.eta != units.eta
        ]
        if news:
            _promise(draft, turn.order_id, news)


class Supply:
    """Units still to come, given out in the order in which they are expected."""

    def __init__(self, policy: Policy, purchases: Sequence[Purchase]) -> None:
        self._policy = policy
        coming = sorted(purchases, key=lambda p: (p.eta, p.po_line))
        self._coming = [(p, p.open_units) for p in coming]

    def take(self, qty: int) -> None:
        """Leave so many units to those who are served earlier."""
        for n, (purchase, units) in enumerate(self._coming):
            part = min(qty, units)
            self._coming[n] = purchase, units - part
            qty -= part

    def cover(self, country: str, qty: int) -> Purchase | None:
        """The purchase that brings the last of `qty` units; None if they are not all coming."""
        for n, (purchase, units) in enumerate(self._coming):
            if not self._policy.serves(purchase.location, country):
                continue
            part = min(qty, units)
            self._coming[n] = purchase, units - part
            qty -= part
            if qty == 0:
                return purchase
        return None


def _line(book: Sku) -> list[tuple[Turn, str]]:
    """All loaded turns in order, with their countries."""
    queue = book.queue or {}
    return sorted((turn, country) for country, head in queue.items() for turn in head.turns)


def _ahead_unseen(book: Sku, turn: Turn) -> list[str]:
    """Countries whose queue was not loaded as far as `turn`: somebody there may be earlier."""
    queue = book.queue or {}
    return [country for country, head in queue.items() if head.end is not None and head.end < turn]


def _within_reach(policy: Policy, book: Sku, country: str, turn: Turn) -> dict[str, int]:
    """Open units by location for this turn, leaving out what may belong to an earlier one that
    was not loaded."""
    stocked = [location for location, shelf in book.shelves.items() if shelf.available]
    unseen = _ahead_unseen(book, turn)
    return {
        location: book.shelves[location].available
        for location in policy.serving(country, stocked)
        if not any(policy.serves(location, other) for other in unseen)
    }


def _fill(draft: Draft, sku: str, country: str, order_id: str, open_units: dict[str, int]) -> None:
    """Turn an order's waiting units into allocations, as far as there are any."""
    reservation = draft.reservation(order_id)
    filled: dict[str, list[Allocation]] = {}
    for waiting in reservation.waits_for(sku, country):
        given = _give(waiting, open_units)
        reservation, gone = reservation.wait_no_more(
            waiting.line_id, sku, sum(a.qty for a in given), waiting.request_id
        )
        for units in gone:
            leave(draft, units)
            filled.setdefault(waiting.request_id, []).extend(given)
    for request_id, allocations in filled.items():
        cause = f"fill:{draft.item.id}:{request_id}"
        reservation = draft.allocate(order_id, cause, reservation, allocations)
        filled_now = BackorderFilled(request_id=request_id, alloc=told(allocations))
        draft.tell_order(order_id, filled_now)
    draft.put_reservation(order_id, reservation)


def _give(waiting: Backorder, open_units: dict[str, int]) -> list[Allocation]:
    """Units for one backorder, taken from `open_units`."""
    given: list[Allocation] = []
    missing = waiting.qty
    for location, units in open_units.items():
        part = min(missing, units)
        if part:
            given.append(Allocation(waiting.line_id, waiting.sku, location, part))
            open_units[location] = units - part
            missing -= part
    return given


def _tidy(draft: Draft, sku: str) -> None:
    """After goods were given out: who is left, since when they wait, and whether to go on."""
    book = draft.sku(sku)
    queue = {
        country: head._replace(
            turns=tuple(
                turn
                for turn in head.turns
                if draft.reservation(turn.order_id).waits_for(sku, country)
            )
        )
        for country, head in (book.queue or {}).items()
    }
    waiting = tuple(
        w._replace(oldest_accepted_at=_oldest(draft, sku, w, queue.get(w.country, Head())))
        for w in book.waiting
    )
    more = any(
        head.end is not None and shelf.available and draft.policy.serves(location, country)
        for country, head in queue.items()
        for location, shelf in book.shelves.items()
    )
    serve_at = draft.now + SERVE_ON_AFTER if more else None
    draft.put_sku(sku, replace(book, queue=queue, waiting=waiting, serve_at=serve_at))


def _oldest(draft: Draft, sku: str, waiting: Waiting, head: Head) -> datetime:
    """Since when somebody waits at a location; orders not loaded may wait at another."""
    accepted = [
        turn.accepted_at
        for turn in head.turns
        for units in draft.reservation(turn.order_id).waits_for(sku, waiting.country)
        if units.location == waiting.location
    ]
    if head.rest_oldest_at is not None:
        accepted.append(head.rest_oldest_at)
    return min(accepted, default=waiting.oldest_accepted_at)


def _promise(draft: Draft, order_id: str, news: Sequence[tuple[Backorder, Purchase]]) -> None:
    """Tell an order new dates for units it waits for: one fact per request and date."""
    reservation = draft.reservation(order_id)
    dated = {units: units._replace(eta=p.eta, po_line=p.po_line) for units, p in news}
    waiting = tuple(dated.get(units, units) for units in reservation.waiting)
    draft.put_reservation(order_id, replace(reservation, waiting=waiting))
    for request_id, purchase in dict.fromkeys((units.request_id, p) for units, p in news):
        lines = tuple(
            LineQty(line_id=units.line_id, sku=units.sku, qty=units.qty)
            for units, p in news
            if (units.request_id, p) == (request_id, purchase)
        )
        promised = BackorderPromised(
            request_id=request_id, lines=lines, eta=purchase.eta, po_line=purchase.po_line
        )
        draft.tell_order(order_id, promised)


def _more_waiting(
    waiting: tuple[Waiting, ...], units: Backorder, accepted_at: datetime
) -> tuple[Waiting, ...]:
    place = (units.location, units.country)
    known = next((w for w in waiting if w[:2] == place), Waiting(*place, 0, accepted_at))
    grown = known._replace(
        units=known.units + units.qty,
        oldest_accepted_at=min(known.oldest_accepted_at, accepted_at),
    )
    return (*(w for w in waiting if w[:2] != place), grown)


def _less_waiting(waiting: tuple[Waiting, ...], units: Backorder) -> tuple[Waiting, ...]:
    place = (units.location, units.country)
    less = (w._replace(units=w.units - units.qty) if w[:2] == place else w for w in waiting)
    return tuple(w for w in less if w.units)
