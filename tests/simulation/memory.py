"""What a service's database does for it: hold rows, and load exactly what its store would load."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Core, Held
from oms_chassis.store import Root
from oms_inventory.domain import Head, Movement, Reservation, Sku, Turn
from oms_inventory.inputs import WAITERS_MAX, holder_depths, queue_depths
from oms_warehouse.domain import Goods, GoodsEntry, OrderFulfilments, Scan


@dataclass(slots=True)
class Row:
    """A root between two cycles."""

    state: Any
    seqs: list[int]
    changed_at: datetime | None


class Memory:
    """Rows of one service. With `roots` every state is written and read as its store would."""

    def __init__(self, core: Core, roots: Sequence[Root] = ()) -> None:
        self.rows: dict[Ref, Row] = {}
        self._sequences = {kind.name: len(kind.topics) for kind in core.kinds}
        self._roots = {root.kind: root for root in roots}
        self._columns: dict[Ref, dict[str, Any]] = {}

    def state(self, ref: Ref) -> Any:
        """A root's state as it is stored; None if there is none."""
        row = self.rows.get(ref)
        return None if row is None else row.state

    def keys(self, kind: str) -> list[str]:
        """Keys of all roots of a kind, in the order of their birth."""
        return [key for name, key in self.rows if name == kind]

    def load(self, refs: Iterable[Ref], inputs: Sequence[Input]) -> dict[Ref, Held]:
        """Lock and read; a root that does not exist is held as None."""
        return {ref: self._held(ref) for ref in refs}

    def save(self, held: Mapping[Ref, Held], rows: Sequence[Any]) -> None:
        """Write what changed."""
        for ref, root in held.items():
            if root.changed and root.state is not None:
                self.rows[ref] = Row(self._kept(ref, root), root.seqs, root.changed_at)

    def document(self, state: Any) -> Any:
        """The part of a state that its own row holds."""
        return state

    def _held(self, ref: Ref) -> Held:
        row = self.rows.get(ref)
        if row is None:
            return Held(None, 0, [0] * self._sequences[ref[0]], born=True)
        return Held(row.state, 0, list(row.seqs), row.changed_at)

    def _kept(self, ref: Ref, held: Held) -> Any:
        document = self.document(held.state)
        root = self._roots.get(ref[0])
        if root is None:
            return document
        kept = dataclasses.replace(held, state=document)
        if held.born:
            self._columns[ref] = dict(zip(root.columns, root.born(ref[1], kept), strict=True))
        else:
            moving = (root.key, *root.sequences, "changed_at", *root.moving)
            self._columns[ref] |= dict(zip(moving, root.moved(ref[1], kept), strict=True))
        return root.read(self._columns[ref])


class WarehouseMemory(Memory):
    """Recalls with each root the scans and entries that the inputs at hand may repeat."""

    def __init__(self, core: Core, roots: Sequence[Root] = ()) -> None:
        super().__init__(core, roots)
        self._scans: dict[tuple[str, str], Scan] = {}
        self._entries: dict[tuple[str, str], GoodsEntry] = {}

    def load(self, refs: Iterable[Ref], inputs: Sequence[Input]) -> dict[Ref, Held]:
        held = super().load(refs, inputs)
        for item in inputs:
            scan = self._scans.get((item.key, getattr(item.body, "scan_id", "")))
            if scan is not None:
                order = held["fulfilments", item.key]
                order.state = replace(order.state, scans=(*order.state.scans, scan))
            entry = self._entries.get((item.key, getattr(item.body, "cause_id", "")))
            if entry is not None:
                goods = held["goods", item.key]
                goods.state = replace(goods.state, entries=(*goods.state.entries, entry))
        return held

    def save(self, held: Mapping[Ref, Held], rows: Sequence[Any]) -> None:
        super().save(held, rows)
        for row in rows:
            if isinstance(row, Scan):
                self._scans[row.order_id, row.scan_id] = row
            elif isinstance(row, GoodsEntry):
                self._entries[row.sku, row.cause_id] = row

    def document(self, state: OrderFulfilments | Goods) -> OrderFulfilments | Goods:
        if isinstance(state, Goods):
            return replace(state, entries=())
        return replace(state, scans=())


class InventoryMemory(Memory):
    """Loads the front of a queue and the last holders of a shelf, and no more than that."""

    def __init__(self, core: Core, waiters_max: int = WAITERS_MAX) -> None:
        super().__init__(core)
        self._waiters_max = waiters_max
        self._booked: defaultdict[str, set[str]] = defaultdict(set)
        self._waiters: defaultdict[str, set[str]] = defaultdict(set)
        self._holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def load(self, refs: Iterable[Ref], inputs: Sequence[Input]) -> dict[Ref, Held]:
        wanted = dict.fromkeys(refs)
        skus = {key: self._known(key) for kind, key in wanted if kind == "sku"}
        for key, depth in queue_depths(skus, inputs, self._waiters_max).items():
            skus[key] = replace(skus[key], queue=self._heads(key, depth))
        for (key, location), depth in holder_depths(skus, inputs).items():
            holders = {**skus[key].holders, location: self._last_holders(key, location, depth)}
            skus[key] = replace(skus[key], holders=holders)
        for sku in skus.values():
            for head in (sku.queue or {}).values():
                wanted.update((("reservation", turn.order_id), None) for turn in head.turns)
            for turns in sku.holders.values():
                wanted.update((("reservation", turn.order_id), None) for turn in turns)
        held = super().load(wanted, inputs)
        for key, sku in skus.items():
            held["sku", key].state = sku
        return held

    def save(self, held: Mapping[Ref, Held], rows: Sequence[Any]) -> None:
        for (kind, key), root in held.items():
            if kind == "reservation" and root.changed:
                self._index(key, self.state((kind, key)), root.state)
        super().save(held, rows)
        for row in rows:
            if isinstance(row, Movement):
                self._booked[row.sku].add(f"{row.location}:{row.cause}")

    def document(self, state: Sku | Reservation) -> Sku | Reservation:
        if isinstance(state, Sku):
            return replace(state, queue={}, holders={}, booked=frozenset())
        return state

    def _index(self, order_id: str, before: Reservation | None, after: Reservation) -> None:
        for reservation, add in ((before, False), (after, True)):
            if reservation is not None:
                for units in reservation.waiting:
                    _put(self._waiters[units.sku], order_id, add)
                for held in reservation.allocated:
                    _put(self._holders[held.sku, held.location], order_id, add)

    def _known(self, key: str) -> Sku:
        sku: Sku = self.state(("sku", key)) or Sku()
        booked = frozenset(self._booked[key])
        return replace(sku, queue=None if sku.waiting else {}, holders={}, booked=booked)

    def _heads(self, key: str, depth: int) -> dict[str, Head]:
        turns: defaultdict[str, list[Turn]] = defaultdict(list)
        for order_id in sorted(self._waiters[key]):
            reservation: Reservation = self.state(("reservation", order_id))
            for country in sorted({units.country for units in reservation.waits_for(key)}):
                turns[country].append(reservation.turn(order_id))
        heads: dict[str, Head] = {}
        for country, all_turns in turns.items():
            front, rest = sorted(all_turns)[:depth], sorted(all_turns)[depth:]
            oldest = min((turn.accepted_at for turn in rest), default=None)
            heads[country] = Head(tuple(front), front[-1] if rest else None, oldest)
        return heads

    def _last_holders(self, key: str, location: str, depth: int) -> tuple[Turn, ...]:
        turns = [
            self.state(("reservation", order_id)).turn(order_id)
            for order_id in self._holders[key, location]
        ]
        return tuple(sorted(turns, reverse=True)[:depth])


def _put(orders: set[str], order_id: str, add: bool) -> None:
    if add:
        orders.add(order_id)
    else:
        orders.discard(order_id)
