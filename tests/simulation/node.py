"""A service in memory: its pure core with its rows, inbox, open calls and deadlines.

A cycle here is that of the chassis (`oms_chassis.cycle`) without a database: the same admission
and the same roots, and the chassis' own fold and its own moving of deadlines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from memory import Memory

from oms_chassis.decision import Decision, Input, Ref, Woke
from oms_chassis.due import moves, wake_id
from oms_chassis.fold import Called, Core, Emitted, Held, Outcome, fold
from oms_contracts.event import Event


class Violation(AssertionError):
    """Something that must never be the case is the case."""


class Source(Enum):
    """The ways into a cycle."""

    RECORD = auto()
    OUTCOME = auto()
    WAKE = auto()
    COMMAND = auto()


@dataclass(slots=True)
class Work:
    """One input on its way into a cycle, with the root it is about."""

    source: Source
    item: Input
    ref: Ref


@dataclass(frozen=True, slots=True)
class Record:
    """A fact as it lies in a topic, and when it came to lie there."""

    item: Input
    published_at: datetime


@dataclass(frozen=True, slots=True)
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
            if ref[0] == kind and root.changed
        ]


Place = tuple[str, str]
"""Topic and key: within one the order of facts is kept, between two it is not."""


@dataclass(slots=True)
class Node:
    """A service, what it has yet to hear, and what it has yet to publish."""

    name: str
    core: Core
    hears: frozenset[type[Event]]
    memory: Memory
    inbox: set[UUID] = field(default_factory=set)
    waiting: dict[Place, deque[Record]] = field(default_factory=dict)
    outbox: dict[Place, deque[Emitted]] = field(default_factory=dict)
    calls: dict[UUID, Called] = field(default_factory=dict)
    due: dict[Ref, datetime] = field(default_factory=dict)
    heard: list[Record] = field(default_factory=list)
    published: set[UUID] = field(default_factory=set)
    """Ids of all that was ever said to this service."""
    skew: timedelta = timedelta()
    """How far the clock of its database is ahead."""

    def state(self, kind: str, key: str) -> Any:
        """A root's state as it is stored; None if there is none."""
        return self.memory.state((kind, key))

    def take(self, places: Sequence[Place]) -> list[Work]:
        """The oldest record of each place, to be heard now."""
        works = []
        for place in places:
            records = self.waiting[place]
            record = records.popleft()
            if not records:
                del self.waiting[place]
            self.heard.append(record)
            works.append(self.work(record))
        return works

    def work(self, record: Record) -> Work:
        """A record as an input."""
        return Work(Source.RECORD, record.item, self.core.home(record.item))

    def wakes(self, world_now: datetime) -> list[Work]:
        """Deadlines that have passed, for those who heard all that was published before them."""
        now = world_now + self.skew
        fired = [(ref, at) for ref, at in self.due.items() if at <= now]
        if not fired:
            return []
        behind = {
            (key, records[0].published_at + self.skew)
            for (_, key), records in self.waiting.items()
        }  # fmt: skip
        return [
            Work(Source.WAKE, Input(wake_id(ref, at), ref[1], None, at), ref)
            for ref, at in fired
            if not any(key == ref[1] and published <= at for key, published in behind)
        ]

    def cycle(self, works: Sequence[Work], world_now: datetime) -> Cycle | None:
        """One batch; None if all of it was heard before."""
        now = world_now + self.skew
        fresh = self._admit(works)
        if not fresh:
            return None
        refs: dict[Ref, None] = {}
        for work in fresh:
            refs[work.ref] = None
            if work.source is not Source.WAKE:
                refs.update(dict.fromkeys(self.core.roots_of(work.item)))
        held = self.memory.load(refs, [w.item for w in fresh])
        before = {ref: root.state for ref, root in held.items()}
        out = self._fold(fresh, held, now)
        self.memory.save(held, out.rows)
        self._reschedule(before, held, {w.ref for w in fresh if w.source is Source.WAKE}, now)
        self.calls.update((called.id, called) for called in out.effects)
        return Cycle(self, now, fresh, before, held, out)

    def _admit(self, works: Sequence[Work]) -> list[Work]:
        """What was never seen before: by the inbox, or by the row of the call it answers."""
        fresh = []
        for work in works:
            id_ = work.item.id
            if work.source is Source.OUTCOME:
                if self.calls.pop(id_, None) is not None:
                    fresh.append(work)
            elif id_ not in self.inbox:
                self.inbox.add(id_)
                fresh.append(work)
            elif work.source is Source.WAKE:
                raise Violation(
                    f"{self.name} {work.ref[1]} will never be woken again: the wake-up for "
                    f"{self.due[work.ref]} has the id of an earlier one, so the inbox drops it"
                )
        return fresh

    def _fold(self, works: Sequence[Work], held: dict[Ref, Held], now: datetime) -> Outcome:
        """Streams first, in order; then deadlines that are still due; then people's commands."""
        streams = [
            (w.ref, w.item) for w in works if w.source in (Source.RECORD, Source.OUTCOME)
        ]  # fmt: skip
        out = fold(self.core, held, streams, now, set())
        for work in works:
            if work.source is Source.WAKE:
                state = held[work.ref].state
                deadline = self.core.deadline(state) if state is not None else None
                if deadline is not None and deadline.at <= now:
                    woke = Woke(deadline.reason, deadline.owner)
                    work.item = Input(work.item.id, work.item.key, woke, now)
                    out.add(fold(self.core, held, [(work.ref, work.item)], now, set()))
        for work in works:
            if work.source is Source.COMMAND:
                out.add(fold(self.core, held, [(work.ref, work.item)], now, set()))
        for failed in out.failed:
            said = type(failed.input.body).__name__
            text = f"{self.name} cannot take {said} about {failed.input.key}: {failed.error!r}"
            raise Violation(text) from failed.error
        return out

    def _reschedule(
        self, before: Mapping[Ref, Any], held: Mapping[Ref, Held], woken: set[Ref], now: datetime
    ) -> None:
        found = moves(self.core, before, held, woken, now)
        for kind, key, _, at in found.lower:
            self.due[kind, key] = min(self.due.get((kind, key), at), at)
        for kind, key, _, at in found.put:
            self.due[kind, key] = at
        for ref in found.forget:
            self.due.pop(ref, None)


def answer_of(cycle: Cycle | None) -> Decision | None:
    """The decision about the one command of a cycle."""
    return cycle.out.decisions[-1][1] if cycle is not None and cycle.out.decisions else None
