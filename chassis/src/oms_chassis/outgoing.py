"""Handing committed outbox rows to the relay and the gateways: from memory, or from the table.

Memory is right as long as no other process wrote the partition. Where one did (a command taken
by another replica, a record with a foreign key, a predecessor that died) the table is read,
because the other's row may be the older one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

import asyncpg

from oms_chassis import outbox
from oms_chassis.calls import Calls
from oms_chassis.relay import Relay
from oms_chassis.work import OutRow

LOOK_SECONDS = 0.05
"""How often the table is asked for others' rows while there are replicas."""
LOOK_ALONE_SECONDS = 1.0
"""The same while this process owns every partition."""
_OTHERS = (
    "SELECT DISTINCT partition FROM outbox WHERE writer <> $1 AND partition = ANY($2::smallint[])"
)


class Outgoing:
    """Knows which rows are on their way, so that none is handed over twice."""

    def __init__(
        self,
        pool: Callable[[], asyncpg.Pool],
        writer: str,
        partitions: int,
        relay: Relay,
        calls: Calls,
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._all = partitions
        self._relay = relay
        self._calls = calls
        self._known: set[int] = set()
        self._looking = asyncio.Lock()
        self.owned: frozenset[int] = frozenset()

    async def committed(self, rows: Sequence[OutRow], foreign: Collection[int]) -> None:
        """Rows this process just committed, and the partitions that others wrote as well."""
        dirty = self.owned.intersection(foreign)
        self._hand_over([r for r in rows if r.partition in self.owned - dirty], first_try=True)
        if dirty:
            await self.look(dirty)

    def deleted(self, ids: Collection[int]) -> None:
        """Rows that are gone from the table."""
        self._known.difference_update(ids)

    async def look(self, partitions: Collection[int]) -> None:
        """Read the table for `partitions` and hand over what is not on its way yet.

        What is known is copied before the read: an id may leave the set while the read's
        snapshot still shows its row.
        """
        async with self._looking:
            skip = set(self._known)
            async with self._pool().acquire() as db:
                rows = await outbox.read(db, sorted(partitions))
            self._hand_over([r for r in rows if r.id not in skip], first_try=False)

    def _hand_over(self, rows: Sequence[OutRow], *, first_try: bool) -> None:
        new = [r for r in rows if r.id not in self._known and r.partition in self.owned]
        self._known.update(r.id for r in new)
        self._relay.feed(r for r in new if not r.is_call)
        self._calls.feed((r for r in new if r.is_call), first_try=first_try)

    async def own(self, partitions: frozenset[int]) -> None:
        """Take over `partitions`: whatever lies in the table for them is ours to send."""
        gained = partitions - self.owned
        self.owned = partitions
        if gained:
            await self.look(gained)

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Stop sending for `partitions`; returns once nothing of theirs is in flight."""
        self.owned -= partitions
        self.deleted(await self._relay.give_up(partitions))

    async def watch(self) -> None:
        """Look for others' rows, for ever."""
        while True:
            alone = len(self.owned) == self._all
            await asyncio.sleep(LOOK_ALONE_SECONDS if alone else LOOK_SECONDS)
            if not self.owned:
                continue
            async with self._pool().acquire() as db:
                found = await db.fetch(_OTHERS, self._writer, sorted(self.owned))
            if found:
                await self.look({r["partition"] for r in found})
