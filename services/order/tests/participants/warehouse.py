"""The warehouse, small enough to be seen through."""

from __future__ import annotations

from collections import Counter
from functools import partial

from story import NOW

from oms_contracts import order as said
from oms_contracts import warehouse
from oms_contracts.event import Event, LineQty
from participants.base import Move, Participant


class Warehouse(Participant):
    """Packs, misses units, and stops or refuses to."""

    def __init__(self) -> None:
        super().__init__()
        self.work: dict[str, Counter[tuple[str, str]]] = {}
        self.places: dict[str, str] = {}
        self.packed: dict[str, Event] = {}
        self.stopped: set[str] = set()
        self.stops: dict[str, said.FulfilmentStopRequested] = {}
        self.stop_answers: dict[str, Event] = {}

    def hear(self, fact: Event) -> None:
        match fact:
            case said.OrderReleased():
                for f in fact.fulfilments:
                    if f.fulfilment_id not in self.work:
                        units = Counter({(x.line_id, x.sku): x.qty for x in f.lines})
                        self.work[f.fulfilment_id] = units
                        self.places[f.fulfilment_id] = f.location
                    elif f.fulfilment_id in self.packed:
                        self.answers.append(self.packed[f.fulfilment_id])
            case said.FulfilmentStopRequested() if fact.request_id in self.stop_answers:
                self.answers.append(self.stop_answers[fact.request_id])
            case said.FulfilmentStopRequested():
                self.stops[fact.request_id] = fact

    def moves(self) -> list[Move]:
        moves = [partial(self._short, f) for f in self._working()]
        moves += [
            partial(self._refuse, s)
            for s in self.stops.values()
            if s.fulfilment_id not in self.stopped
        ]
        return moves + self.kind_moves()

    def kind_moves(self) -> list[Move]:
        moves: list[Move] = [partial(self._pack, f) for f in self._working()]
        return moves + [partial(self._stop, s) for s in self.stops.values()]

    def _working(self) -> list[str]:
        return [f for f in self.work if f not in self.packed and f not in self.stopped]

    def _pack(self, fulfilment_id: str) -> None:
        units = self.work[fulfilment_id]
        lines = tuple(LineQty(line_id=n, sku=s, qty=q) for (n, s), q in units.items() if q)
        parcel = said.Parcel(parcel_id=f"{fulfilment_id}-P1", weight_grams=500, lines=lines)
        self.packed[fulfilment_id] = warehouse.FulfilmentPacked(
            fulfilment_id=fulfilment_id, parcels=(parcel,), packed_by="pia", packed_at=NOW
        )
        self.answers.append(self.packed[fulfilment_id])

    def _short(self, fulfilment_id: str) -> None:
        units = self.work[fulfilment_id]
        (line_id, sku), _ = next(item for item in units.items() if item[1])
        units[line_id, sku] -= 1
        if not units.total():
            self.stopped.add(fulfilment_id)
        short = warehouse.ShortLine(
            line_id=line_id, sku=sku, location=self.places[fulfilment_id], qty=1, reason="gone"
        )
        self.answers.append(warehouse.FulfilmentShort(fulfilment_id=fulfilment_id, short=(short,)))

    def _stop(self, asked: said.FulfilmentStopRequested) -> None:
        self.stopped.add(asked.fulfilment_id)
        self.packed.pop(asked.fulfilment_id, None)
        answer = warehouse.FulfilmentStopped(
            request_id=asked.request_id, fulfilment_id=asked.fulfilment_id
        )
        self._answer(asked, answer)

    def _refuse(self, asked: said.FulfilmentStopRequested) -> None:
        answer = warehouse.FulfilmentStopRefused(
            request_id=asked.request_id, fulfilment_id=asked.fulfilment_id, reason="too late"
        )
        self._answer(asked, answer)

    def _answer(self, asked: said.FulfilmentStopRequested, answer: Event) -> None:
        del self.stops[asked.request_id]
        self.stop_answers[asked.request_id] = answer
        self.answers.append(answer)
