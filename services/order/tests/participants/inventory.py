"""Inventory, small enough to be seen through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from story import NOW

from oms_contracts import inventory
from oms_contracts import order as said
from oms_contracts.channel import BackorderPolicy
from oms_contracts.event import Alloc, Event, LineQty
from participants.base import Move, Participant

Place = tuple[str, str, str]
"""Line, SKU and location."""


class Inventory(Participant):
    """Sets units aside, or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.held: Counter[Place] = Counter()
        self.waiting: Counter[tuple[str, str, str]] = Counter()
        self.open: dict[str, Any] = {}
        self.answered: dict[str, Event] = {}
        self.shipped: set[str] = set()

    def hear(self, fact: Event) -> None:
        match fact:
            case said.OrderAccepted() | said.ReservationRequested():
                if fact.request_id in self.answered:
                    self.answers.append(self.answered[fact.request_id])
                else:
                    self.open[fact.request_id] = fact
            case said.ReservationReleaseRequested():
                self._release(fact)
            case said.OrderShipped() if fact.shipment_id not in self.shipped:
                self.shipped.add(fact.shipment_id)
                self._give_up(fact.alloc)

    def moves(self) -> list[Move]:
        moves: list[Move] = []
        for asked in self.open.values():
            moves += [
                partial(self._reserve, asked, ["WEST"]),
                partial(self._reserve, asked, ["WEST", "EAST"]),
                partial(self._queue, asked),
            ]
            if asked.backorder_policy is BackorderPolicy.DENY:
                moves[-1] = partial(self._refuse, asked)
        moves += [partial(self._fill, w) for w in self.waiting if self.waiting[w]]
        moves += [partial(self._promise, w) for w in self.waiting if self.waiting[w]]
        moves += [partial(self._break, p) for p in self.held if self.held[p]]
        return moves

    def kind_moves(self) -> list[Move]:
        moves: list[Move] = [partial(self._reserve, a, ["WEST"]) for a in self.open.values()]
        return moves + [partial(self._fill, w) for w in self.waiting if self.waiting[w]]

    def _answer(self, asked: Any, answer: Event) -> None:
        if isinstance(asked, said.ReservationRequested):
            self._give_up(asked.shorts)
        del self.open[asked.request_id]
        self.answered[asked.request_id] = answer
        self.answers.append(answer)

    def _reserve(self, asked: Any, locations: list[str]) -> None:
        alloc = []
        for units in asked.lines:
            rest = units.qty // 2 if len(locations) > 1 else 0
            parts = ((locations[0], units.qty - rest), (locations[-1], rest))
            alloc += [_alloc(units, at, qty) for at, qty in parts if qty]
        answer = inventory.StockReserved(request_id=asked.request_id, alloc=tuple(alloc))
        self._answer(asked, answer)
        for a in alloc:
            self.held[a.line_id, a.sku, a.location] += a.qty

    def _queue(self, asked: Any) -> None:
        """The last line waits, the others are there."""
        *here, last = asked.lines or (None,)
        alloc = tuple(_alloc(units, "WEST", units.qty) for units in here)
        queued = () if last is None else (_queued(last),)
        reserved = inventory.StockReserved(
            request_id=asked.request_id, alloc=alloc, backordered=queued
        )
        self._answer(asked, reserved)
        for a in alloc:
            self.held[a.line_id, a.sku, a.location] += a.qty
        for b in queued:
            self.waiting[b.line_id, b.sku, asked.request_id] += b.qty

    def _refuse(self, asked: Any) -> None:
        short = tuple(inventory.Short(sku=x.sku, short_by=x.qty) for x in asked.lines)
        self._answer(asked, inventory.StockRefused(request_id=asked.request_id, short=short))

    def _fill(self, waiting: tuple[str, str, str]) -> None:
        line_id, sku, request_id = waiting
        qty = self.waiting.pop(waiting)
        self.held[line_id, sku, "EAST"] += qty
        alloc = (Alloc(line_id=line_id, sku=sku, location="EAST", qty=qty),)
        self.answers.append(inventory.BackorderFilled(request_id=request_id, alloc=alloc))

    def _promise(self, waiting: tuple[str, str, str]) -> None:
        line_id, sku, request_id = waiting
        lines = (LineQty(line_id=line_id, sku=sku, qty=self.waiting[waiting]),)
        eta = NOW + timedelta(days=9)
        promised = inventory.BackorderPromised(
            request_id=request_id, lines=lines, eta=eta, po_line="PO-1-1"
        )
        self.answers.append(promised)

    def _break(self, place: Place) -> None:
        line_id, sku, location = place
        self.held[place] -= 1
        broken = (Alloc(line_id=line_id, sku=sku, location=location, qty=1),)
        self.answers.append(inventory.ReservationBroken(alloc=broken, cause="count-7"))

    def _release(self, undo: said.ReservationReleaseRequested) -> None:
        if undo.request_id not in self.answered:
            self.answered[undo.request_id] = inventory.StockReleased(
                request_id=undo.request_id,
                alloc=self._give_up(undo.alloc),
                backordered=self._leave(undo.backordered),
            )
        self.answers.append(self.answered[undo.request_id])

    def _leave(self, named: Iterable[LineQty]) -> tuple[LineQty, ...]:
        left = []
        for units in named:
            still = units.qty
            for waiting in [w for w in self.waiting if w[0] == units.line_id]:
                gone = min(still, self.waiting[waiting])
                self.waiting[waiting] -= gone
                still -= gone
                left += [units.model_copy(update={"qty": gone})] if gone else []
        return tuple(left)

    def _give_up(self, named: Iterable[Alloc]) -> tuple[Alloc, ...]:
        freed = []
        for a in named:
            gone = min(a.qty, self.held[a.line_id, a.sku, a.location])
            self.held[a.line_id, a.sku, a.location] -= gone
            freed += [_alloc(a, a.location, gone)] if gone else []
        return tuple(freed)


def _alloc(units: LineQty | Alloc, location: str, qty: int) -> Alloc:
    return Alloc(line_id=units.line_id, sku=units.sku, location=location, qty=qty)


def _queued(units: LineQty) -> inventory.Backordered:
    return inventory.Backordered(
        line_id=units.line_id, sku=units.sku, location="WEST", qty=units.qty
    )
