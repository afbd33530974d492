"""Handing committed outbox rows to the relay and the gateways: from memory, or from the table.

Memory is right as long as no other process wrote the partition. Where one did (a command taken
by another replica, a record with a foreign key, a predecessor that died) the table is read,
because the other's row may be the older one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import asyncpg

from oms_chassis import outbox
from oms_chassis.calls import Calls
from oms_chassis.relay import Relay
from oms_chassis.work import OutRow, brief

LOOK_SECONDS = 0.05
"""How often the table is asked for others' rows while there are replicas."""
LOOK_ALONE_SECONDS = 1.0
"""The same while this process owns every partition."""
_OTHERS = (
    "SELECT DISTINCT partition FROM outbox WHERE writer <> $1 AND partition = ANY($2::smallint[])"
)

log = logging.getLogger(__name__)


class Outgoing:
    """Knows which rows are on their way, so that none is handed over twice."""

    def __init__(
        self, pool: Callable[[], asyncpg.Pool], writer: str, partitions: int,
        relay: Relay, calls: Calls,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._writer = writer
        self._all = partitions
        self._relay = relay
        self._calls = calls
        self._known: set[int] = set()
        self._doubts: Counter[int] = Counter()
        """Partitions whose rows may not all be known, and how often that was said."""
        self._looking = asyncio.Lock()
        self.owned: frozenset[int] = frozenset()

    async def committed(self, rows: Sequence[OutRow], foreign: Collection[int]) -> None:
        """Rows this process just committed, and the partitions that others wrote as well."""
        self.doubt(foreign)
        calls = {r.id for r in rows if r.is_call}
        self._hand_over([r for r in rows if r.partition not in self._doubts], first_tries=calls)
        if self._doubts:
            await self.look(first_tries=calls)

    def deleted(self, ids: Collection[int]) -> None:
        """Rows that are gone from the table."""
        self._known.difference_update(ids)

    def doubt(self, partitions: Collection[int]) -> None:
        """Trust memory no more for `partitions` until their rows have been read."""
        self._doubts.update(self.owned.intersection(partitions))

    def doubt_all(self) -> None:
        """After an outage: a commit may have succeeded whose answer never came."""
        self.doubt(self.owned)

    async def look(self, first_tries: Collection[int] = ()) -> None:
        """Read the table for the partitions in doubt; hand over what is not on its way yet.

        What is known is copied before the read: an id may leave the set while the read's
        snapshot still shows its row. A doubt that came up during the read outlives it.
        """
        async with self._looking:
            skip, doubts = set(self._known), dict(self._doubts)
            async with self._pool().acquire() as db:
                rows = await outbox.read(db, sorted(doubts))
            self._hand_over([r for r in rows if r.id not in skip], first_tries)
            if len(rows) < outbox.READ_ROWS_MAX:
                self._settle(doubts)

    def _settle(self, doubts: Mapping[int, int]) -> None:
        for partition, times in doubts.items():
            if self._doubts[partition] == times:
                del self._doubts[partition]

    def _hand_over(self, rows: Sequence[OutRow], first_tries: Collection[int]) -> None:
        """Of calls those in `first_tries` were made by nobody before."""
        new = [r for r in rows if r.id not in self._known and r.partition in self.owned]
        self._known.update(r.id for r in new)
        self._relay.feed(r for r in new if not r.is_call)
        calls = [r for r in new if r.is_call]
        self._calls.feed((r for r in calls if r.id in first_tries), first_try=True)
        self._calls.feed((r for r in calls if r.id not in first_tries), first_try=False)

    async def own(self, partitions: frozenset[int]) -> None:
        """Take over `partitions`: whatever lies in the table for them is ours to send.

        Without a database that waits for the next look: nothing may stop a rebalance.
        """
        gained = partitions - self.owned
        self.owned = partitions
        self.doubt(gained)
        if gained:
            try:
                await self.look()
            except Exception as error:  # whatever keeps us from the table, we look again
                log.warning("outbox not read", extra={"error": brief(error)})

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Stop sending for `partitions`; returns once nothing of theirs is in flight."""
        self.owned -= partitions
        for partition in partitions:
            del self._doubts[partition]
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
            self.doubt({r["partition"] for r in found})
            if self._doubts:
                await self.look()
