"""The processes of a service: who owns which keys, and what is lost with a process.

The database outlives them all. Known by heart are only positions in the topics that were not
saved yet, and which rows of the outbox were published and not deleted yet. So whoever takes over
hears some records again, and publishes some facts again: never in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from random import Random
from zlib import crc32

from oms_chassis.decision import Input, Ref

PARTITIONS = 4
UNSAVED_RECORDS_MAX = 20
"""Positions are saved at the latest after so many records."""

Place = tuple[str, str]
"""Topic and key: within one the order of facts is kept, between two it is not."""


@dataclass(slots=True)
class Record:
    """A fact as it lies in a topic, and when it came to lie there."""

    item: Input
    published_at: datetime
    serial: int = 0
    """Its place among all that was ever said to its reader; 0 for copies and strange records."""


@dataclass(slots=True, eq=False)
class Replica:
    """One process: what it knows by heart."""

    sent: dict[Place, int] = field(default_factory=dict)
    """How many rows of the outbox, the oldest, it published and has yet to delete."""
    calling: dict[Ref, datetime] = field(default_factory=dict)
    """Deadlines of roots with an open call: its outcome is certain, so no row is written."""
    unsaved: dict[Place, list[Record]] = field(default_factory=dict)
    """What it heard since it last saved how far it is."""
    _count: int = 0

    def save_positions(self) -> None:
        """Before it hears more: now and then it saves how far it is."""
        if self._count > UNSAVED_RECORDS_MAX:
            self.unsaved.clear()
            self._count = 0

    def remember(self, place: Place, records: Sequence[Record]) -> None:
        """These are heard now."""
        self._count += len(records)
        self.unsaved.setdefault(place, []).extend(records)


class Crew:
    """All replicas of a service. Every key has one owner among them."""

    def __init__(self, size: int = 1) -> None:
        self.replicas = [Replica() for _ in range(size)]
        self._owners = [n % size for n in range(PARTITIONS)]

    def owner(self, key: str) -> Replica:
        """Who hears, wakes, calls and publishes for a key."""
        if len(self.replicas) == 1:
            return self.replicas[0]
        return self.replicas[self._owners[partition_of(key)]]

    def sent(self, place: Place) -> int:
        """How many rows of a place its owner knows as published."""
        return self.owner(place[1]).sent.get(place, 0)

    def forget_overdue(self, now: datetime) -> None:
        """What is known by heart fires once."""
        for replica in self.replicas:
            for ref, at in list(replica.calling.items()):
                if at <= now and self.owner(ref[1]) is replica:
                    del replica.calling[ref]

    def overdue(self) -> list[tuple[Ref, datetime]]:
        """Deadlines known by heart to those who own their keys."""
        return [
            (ref, at)
            for replica in self.replicas
            for ref, at in replica.calling.items()
            if self.owner(ref[1]) is replica
        ]

    def die(self, replica: Replica, rng: Random) -> dict[Place, list[Record]]:
        """A process is gone; what is to be heard again. It starts anew, maybe with other keys."""
        n = self.replicas.index(replica)
        self.replicas[n] = Replica()
        if rng.random() < 0.5:
            self._owners = [
                rng.randrange(len(self.replicas)) if o == n else o for o in self._owners
            ]
        return replica.unsaved

    def rebalance(self, rng: Random) -> dict[Place, list[Record]]:
        """Partitions move; what is to be heard again, for not every position could be saved."""
        before, count = self._owners, len(self.replicas)
        self._owners = [rng.randrange(count) for _ in before]
        again: dict[Place, list[Record]] = {}
        for n, replica in enumerate(self.replicas):
            gone = {p for p in range(PARTITIONS) if before[p] == n != self._owners[p]}
            saved = rng.random() < 0.5
            for place in [p for p in replica.unsaved if partition_of(p[1]) in gone]:
                records = replica.unsaved.pop(place)
                if not saved:
                    again[place] = records
            for place in [p for p in replica.sent if partition_of(p[1]) in gone]:
                del replica.sent[place]
        return again


@lru_cache(maxsize=10_000)
def partition_of(key: str) -> int:
    """The partition of a key, the same in every topic."""
    return crc32(key.encode()) % PARTITIONS
