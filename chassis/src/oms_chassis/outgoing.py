"""Handing committed outbox rows to the relay and the gateways: from memory, or from the table.

Memory is right as long as no other process wrote the partition. Where one did (a command taken
by another replica, a record with a foreign key, a predecessor that died) the table is read,
because the other's row may be the older one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import asyncpg

from oms_chassis import outbox
from oms_chassis.calls import Calls
from oms_chassis.relay import Relay
from oms_chassis.work import Bundle, CallRow, brief

LOOK_SECONDS = 0.05
"""How often the table is asked for others' rows while there are replicas."""
LOOK_ALONE_SECONDS = 1.0
"""The same while this process owns every partition."""
_OTHERS = """
SELECT partition FROM outbox WHERE writer <> $1 AND partition = ANY($2::smallint[])
UNION SELECT partition FROM open_call WHERE writer <> $1 AND partition = ANY($2::smallint[])
"""

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
        self._sending: set[int] = set()
        self._calling: set[int] = set()
        self._doubts: Counter[int] = Counter()
        """Partitions whose rows may not all be known, and how often that was said."""
        self._looking = asyncio.Lock()
        self.owned: frozenset[int] = frozenset()

    async def committed(
        self, bundles: Sequence[Bundle], calls: Sequence[CallRow], foreign: Collection[int]
    ) -> None:
        """Rows this process just committed, and the partitions that others wrote as well."""
        self.doubt(foreign)
        self._send(b for b in bundles if b.partition not in self._doubts)
        self._call(calls, first_try=True)
        if self._doubts:
            await self.look()

    def deleted(self, bundles: Collection[int], calls: Collection[int]) -> None:
        """Rows that are gone from the tables."""
        self._sending.difference_update(bundles)
        self._calling.difference_update(calls)

    def doubt(self, partitions: Collection[int]) -> None:
        """Trust memory no more for `partitions` until their rows have been read."""
        self._doubts.update(self.owned.intersection(partitions))

    def doubt_all(self) -> None:
        """After an outage: a commit may have succeeded whose answer never came."""
        self.doubt(self.owned)

    async def look(self) -> None:
        """Read the tables for the partitions in doubt; hand over what is not on its way yet.

        What is known is copied before the read: an id may leave the set while the read's
        snapshot still shows its row. A doubt that came up during the read outlives it.
        """
        async with self._looking:
            sending, calling, doubts = set(self._sending), set(self._calling), dict(self._doubts)
            async with self._pool().acquire() as db:
                bundles, calls, whole = await outbox.read(db, sorted(doubts))
            self._send(b for b in bundles if b.id not in sending)
            # An earlier process may have made these already.
            self._call((c for c in calls if c.id not in calling), first_try=False)
            if whole:
                self._settle(doubts)

    def _settle(self, doubts: Mapping[int, int]) -> None:
        for partition, times in doubts.items():
            if self._doubts[partition] == times:
                del self._doubts[partition]

    def _send(self, bundles: Iterable[Bundle]) -> None:
        new = [b for b in bundles if b.id not in self._sending and b.partition in self.owned]
        self._sending.update(b.id for b in new)
        self._relay.feed(new)

    def _call(self, calls: Iterable[CallRow], *, first_try: bool) -> None:
        new = [c for c in calls if c.id not in self._calling and c.partition in self.owned]
        self._calling.update(c.id for c in new)
        self._calls.feed(new, first_try=first_try)

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
        self.deleted(await self._relay.give_up(partitions), ())

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
