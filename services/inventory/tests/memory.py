"""Inventory without a database: loads what the store would load, and no more than that."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from builders import NOW, SKU, fresh_id, received
from msgspec.structs import replace

from oms_chassis.decision import Deadline, Input, Ref, Woke
from oms_chassis.fold import Core, Emitted, Held, fold
from oms_contracts.event import Event
from oms_inventory.decisions import deadline, decide
from oms_inventory.domain import Head, Movement, Policy, Reservation, Shelf, Sku, Turn
from oms_inventory.inputs import KINDS, WAITERS_MAX, holder_depths, queue_depths, roots

E = TypeVar("E", bound=Event)
_WAKES_MAX = 100


class Inventory:
    """The service's core with its memory; `hear` runs one batch as one transaction would."""

    def __init__(self, policy: Policy | None = None, waiters_max: int = WAITERS_MAX) -> None:
        self.policy = policy or Policy()
        self.waiters_max = waiters_max
        self.now = NOW
        self.skus: dict[str, Sku] = {}
        self.reservations: dict[str, Reservation] = {}
        self.movements: list[Movement] = []
        self.facts: list[Emitted] = []
        self._seqs: dict[Ref, list[int]] = {}
        self._core = Core(
            KINDS, roots, partial(decide, self.policy), partial(deadline, self.policy)
        )

    def hear(self, *inputs: Input) -> list[Event]:
        """One batch; what was said about it. An input that cannot be decided fails the test."""
        held = self._load(inputs)
        owned = [(roots(item)[0], item) for item in inputs]
        out = fold(self._core, held, owned, self.now, set())
        for failed in out.failed:
            raise AssertionError(f"{failed.input.body} was parked") from failed.error
        for ref, root in held.items():
            if root.changed:
                self._save(ref, root)
        self.movements += out.rows
        self.facts += out.facts
        return [fact.body for fact in out.facts]

    def pass_time(self, seconds: float) -> list[Event]:
        """Let the clock go on, and wake every SKU whose deadline passes meanwhile."""
        until = self.now + timedelta(seconds=seconds)
        said: list[Event] = []
        for _ in range(_WAKES_MAX):
            due = [(d.at, key) for key, d in self._deadlines() if d.at <= until]
            if not due:
                self.now = until
                return said
            at, key = min(due)
            self.now = max(self.now, at)
            said += self.hear(Input(fresh_id(), key, Woke("due", "inventory"), self.now))
        raise AssertionError(f"{due} are woken again and again")

    def shelf(self, sku: str = SKU, location: str = "main") -> Shelf:
        """The shelf as it stands."""
        return self.skus[sku].shelves.get(location, Shelf())

    def _deadlines(self) -> list[tuple[str, Deadline]]:
        found = ((key, deadline(self.policy, sku)) for key, sku in self.skus.items())
        return [(key, due) for key, due in found if due is not None]

    def _load(self, inputs: tuple[Input, ...]) -> dict[Ref, Held]:
        refs = dict.fromkeys(ref for item in inputs for ref in roots(item))
        skus = {key: self._known(key) for kind, key in refs if kind == "sku"}
        queues = {
            key: self._heads(key, depth)
            for key, depth in queue_depths(skus, inputs, self.waiters_max).items()
        }
        holders = {
            place: self._last_holders(*place, depth)
            for place, depth in holder_depths(skus, inputs).items()
        }
        for key, queue in queues.items():
            skus[key] = replace(skus[key], queue=queue)
        for (key, location), turns in holders.items():
            skus[key] = replace(skus[key], holders={**skus[key].holders, location: turns})
        revealed = [
            t.order_id for queue in queues.values() for h in queue.values() for t in h.turns
        ]
        revealed += [turn.order_id for turns in holders.values() for turn in turns]
        for order_id in revealed:
            refs.setdefault(("reservation", order_id))
        return {ref: self._held(ref, skus) for ref in refs}

    def _known(self, key: str) -> Sku:
        sku = self.skus.get(key, Sku())
        booked = frozenset(f"{m.location}:{m.cause}" for m in self.movements if m.sku == key)
        queue = None if sku.waiting else {}
        return replace(sku, queue=queue, holders={}, booked=booked)

    def _heads(self, key: str, depth: int) -> dict[str, Head]:
        turns: dict[str, list[Turn]] = {}
        for order_id, reservation in self.reservations.items():
            for country in {units.country for units in reservation.waits_for(key)}:
                turns.setdefault(country, []).append(reservation.turn(order_id))
        heads: dict[str, Head] = {}
        for country, all_turns in turns.items():
            front, rest = sorted(all_turns)[:depth], sorted(all_turns)[depth:]
            oldest = min((t.accepted_at for t in rest), default=None)
            heads[country] = Head(tuple(front), front[-1] if rest else None, oldest)
        return heads

    def _last_holders(self, key: str, location: str, depth: int) -> tuple[Turn, ...]:
        turns = [
            reservation.turn(order_id)
            for order_id, reservation in self.reservations.items()
            if any((a.sku, a.location) == (key, location) for a in reservation.allocated)
        ]
        return tuple(sorted(turns, reverse=True)[:depth])

    def _held(self, ref: Ref, skus: dict[str, Sku]) -> Held:
        kind, key = ref
        state = skus[key] if kind == "sku" else self.reservations.get(key)
        return Held(state, 0, list(self._seqs.get(ref, [0, 0])), self.now)

    def _save(self, ref: Ref, root: Held) -> None:
        kind, key = ref
        self._seqs[ref] = root.seqs
        if kind == "sku":
            self.skus[key] = root.state
        else:
            self.reservations[key] = root.state


def stocked(*shelves: tuple[str, int], sku: str = SKU, policy: Policy | None = None) -> Inventory:
    """An inventory where so many units of a SKU lie at locations."""
    inventory = Inventory(policy)
    for location, qty in shelves:
        inventory.hear(received(qty, sku, location))
    return inventory


def only(said: list[Event], of: type[E]) -> E:
    """The one fact of a kind that was said."""
    found = every(said, of)
    assert len(found) == 1, f"{len(found)} facts of {of.__name__} in {said}"
    return found[0]


def every(said: list[Event], of: type[E]) -> list[E]:
    """All facts of a kind that were said, in order."""
    return [fact for fact in said if isinstance(fact, of)]


def after(seconds: float) -> datetime:
    """The moment so long after the tests' beginning."""
    return NOW + timedelta(seconds=seconds)
