"""A service in memory: its pure core over the rows of one database, whoever runs it.

A cycle here is that of the chassis (`oms_chassis.cycle`) without a database: the same admission
and the same roots, the chassis' own fold and its own moving of deadlines, and parked keys. What
its processes know by heart, and forget when they die, is in `replicas`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from memory import Memory
from parking import Parking, Work
from replicas import Crew, Place, Record, Replica
from ways import Source, Violation

from oms_chassis.decision import Decision, Input, Invalid, Ref, Woke
from oms_chassis.due import moves, wake_id
from oms_chassis.fold import Called, Core, Emitted, Held, Outcome, fold
from oms_contracts.event import Event


@dataclass(slots=True)
class Cycle:
    """What one cycle did. `before` holds the states as they were loaded."""

    node: Node
    now: datetime
    works: Sequence[Work]
    before: Mapping[Ref, Any]
    held: Mapping[Ref, Held]
    out: Outcome

    def changed(self, kind: str) -> list[tuple[str, Any, Any]]:
        """Key, earlier and present state of every root of a kind that changed."""
        return [
            (ref[1], self.before[ref], root.state)
            for ref, root in self.held.items()
            if root.changed and ref[0] == kind
        ]


@dataclass(slots=True)
class Node:
    """A service: what its database holds, and what it has yet to hear."""

    name: str
    core: Core
    hears: frozenset[type[Event]]
    memory: Memory
    crew: Crew = field(default_factory=Crew)
    inbox: set[UUID] = field(default_factory=set)
    waiting: dict[Place, deque[Record]] = field(default_factory=dict)
    outbox: dict[Place, deque[Emitted]] = field(default_factory=dict)
    """Rows that were committed and not yet deleted, published or not."""
    calls: dict[UUID, Called] = field(default_factory=dict)
    due: dict[Ref, datetime] = field(default_factory=dict)
    parking: Parking = field(default_factory=Parking)
    heard: list[Record] = field(default_factory=list)
    published: set[UUID] = field(default_factory=set)
    """Ids of all that was ever said to this service."""
    skew: timedelta = timedelta()
    """How far the clock of its database is ahead."""
    _reached: dict[Place, int] = field(default_factory=dict)

    def state(self, kind: str, key: str) -> Any:
        """A root's state as it is stored; None if there is none."""
        return self.memory.state((kind, key))

    def take(self, places: Sequence[Place], most: int = 1) -> list[Work]:
        """The oldest records of each place, to be heard now."""
        works = []
        for place in places:
            records = self.waiting[place]
            taken = [records.popleft() for _ in range(min(most, len(records)))]
            if not records:
                del self.waiting[place]
            self.heard += taken
            self.crew.owner(place[1]).remember(place, taken)
            works += [self.work(record) for record in taken]
        return works

    def work(self, record: Record) -> Work:
        """A record as an input."""
        item = self.parking.as_read(record.item)
        return Work(Source.RECORD, item, self.core.home(item), record.serial)

    def wakes(self, world_now: datetime) -> list[Work]:
        """Deadlines that have passed, for those who heard all that was published before them."""
        now = world_now + self.skew
        fired = [(ref, at) for ref, at in self.deadlines() if at <= now]
        if not fired:
            return []
        self.crew.forget_overdue(now)
        behind = {
            (key, records[0].published_at + self.skew)
            for (_, key), records in self.waiting.items()
        }  # fmt: skip
        return [
            Work(Source.WAKE, Input(wake_id(ref, at), ref[1], None, at), ref)
            for ref, at in fired
            if ref not in self.parking.keys
            and not any(key == ref[1] and published <= at for key, published in behind)
        ]

    def deadlines(self) -> Iterator[tuple[Ref, datetime]]:
        """When each aggregate is to be looked at."""
        yield from self.due.items()
        yield from self.crew.overdue()

    def unsent(self) -> list[Place]:
        """Places with facts that their owner has yet to publish."""
        sent = self.crew.sent
        return [place for place, rows in self.outbox.items() if len(rows) > sent(place)]

    def delete_sent(self, replica: Replica) -> None:
        """The first statement of a replica's cycle: what it knows as published goes."""
        for place, count in replica.sent.items():
            rows = self.outbox[place]
            for _ in range(count):
                rows.popleft()
            if not rows:
                del self.outbox[place]
        replica.sent.clear()

    def hear_again(self, records: Mapping[Place, Sequence[Record]]) -> None:
        """Positions were never saved: these records are read once more, before all later ones."""
        for place, earlier in records.items():
            self.waiting.setdefault(place, deque()).extendleft(reversed(earlier))

    # The cycle

    def cycle(
        self, works: Sequence[Work], world_now: datetime, replica: Replica, *, commits: bool = True
    ) -> Cycle | None:
        """One batch; None if all of it was heard before."""
        now = world_now + self.skew
        fresh = self._admit(works)
        if not fresh:
            return None
        held = self.memory.load(self._roots(fresh), [w.item for w in fresh])
        before = {ref: root.state for ref, root in held.items()}
        out = self._fold(fresh, held, now)
        if commits:
            self._commit(fresh, held, out)
            self._reschedule(fresh, before, held, out, now, replica)
        return Cycle(self, now, fresh, before, held, out)

    def _admit(self, works: Sequence[Work]) -> list[Work]:
        """What was never seen before: by the inbox, or by the row of the call it answers."""
        fresh: dict[UUID, Work] = {}
        for work in works:
            id_ = work.item.id
            if work.source is Source.REDRIVE:
                fresh[id_] = work
            elif work.source is Source.OUTCOME:
                if id_ in self.calls:
                    fresh.setdefault(id_, work)
            elif id_ not in self.inbox:
                fresh.setdefault(id_, work)
            elif work.source is Source.WAKE and self.due.get(work.ref) == work.item.at:
                raise Violation(
                    f"{self.name} {work.ref[1]} will never be woken again: the wake-up for "
                    f"{work.item.at} has the id of an earlier one, so the inbox drops it"
                )
        return list(fresh.values())

    def _roots(self, works: Sequence[Work]) -> dict[Ref, None]:
        """Every root that this batch touches; an input that cannot say which touches its own."""
        refs: dict[Ref, None] = {}
        for work in works:
            refs[work.ref] = None
            if work.source is not Source.WAKE and not isinstance(work.item.body, Invalid):
                refs.update(dict.fromkeys(self.core.roots_of(work.item)))
        return refs

    def _fold(self, works: Sequence[Work], held: dict[Ref, Held], now: datetime) -> Outcome:
        """Streams first, in order; then deadlines that are still due; then people's commands."""
        core = self.parking.guarded(self.core)
        stuck = self.parking.stuck(works)
        streams = [(w.ref, w.item) for w in works if w.source in _STREAMS]
        out = fold(core, held, streams, now, stuck)
        for work in works:
            if work.source is Source.WAKE:
                state = held[work.ref].state
                deadline = core.deadline(state) if state is not None else None
                if deadline is not None and deadline.at <= now:
                    woke = Woke(deadline.reason, deadline.owner)
                    work.item = Input(work.item.id, work.item.key, woke, now)
                    out.add(fold(core, held, [(work.ref, work.item)], now, stuck))
        for work in works:
            if work.source is Source.COMMAND:
                tried = fold(core, held, [(work.ref, work.item)], now, set(stuck))
                self.parking.expects(self.name, tried.failed)
                tried.failed.clear()
                out.add(tried)
        self.parking.expects(self.name, out.failed)
        return out

    def _commit(self, works: Sequence[Work], held: dict[Ref, Held], out: Outcome) -> None:
        """All that the transaction of a cycle writes."""
        for work in works:
            if work.source is Source.OUTCOME:
                del self.calls[work.item.id]
            elif work.source is not Source.REDRIVE:
                self.inbox.add(work.item.id)
        self.memory.save(held, out.rows)
        self.calls.update((called.id, called) for called in out.effects)
        self.parking.settle(works, out.failed)
        self._in_order(works, out)

    def _in_order(self, works: Sequence[Work], out: Outcome) -> None:
        """Whatever dies or is parked: of each place the first is decided first."""
        parked = {failed.input.id for failed in out.failed}
        for work in works:
            if work.serial and work.item.id not in parked:
                place = (work.item.topic, work.item.key)
                if work.serial <= self._reached.get(place, 0):
                    raise Violation(f"{self.name} decides {work.item.body} too late")
                self._reached[place] = work.serial

    def _reschedule(
        self, works: Sequence[Work], before: Mapping[Ref, Any], held: Mapping[Ref, Held],
        out: Outcome, now: datetime, replica: Replica,
    ) -> None:  # fmt: skip
        woken = {w.ref for w in works if w.source is Source.WAKE}
        answered = {w.ref for w in works if w.source in (Source.OUTCOME, Source.REDRIVE)}
        calling = {called.ref for called in out.effects}
        found = moves(self.core, before, held, woken, now, calling, answered)
        for ref in answered:
            replica.calling.pop(ref, None)
        for kind, key, _, at in found.calling:
            replica.calling[kind, key] = at
        for kind, key, _, at in found.lower:
            self.due[kind, key] = min(self.due.get((kind, key), at), at)
        for kind, key, _, at in found.put:
            self.due[kind, key] = at
        for ref in found.forget:
            self.due.pop(ref, None)


_STREAMS = (Source.REDRIVE, Source.RECORD, Source.OUTCOME)


def answer_of(cycle: Cycle | None) -> Decision | None:
    """The decision about the one command of a cycle."""
    return cycle.out.decisions[-1][1] if cycle is not None and cycle.out.decisions else None
