"""What is looked at now and then: deadlines, what people asked for, how much waits.

All of it lies in the database, whoever wrote it there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from oms_chassis import ageing, due, parking
from oms_chassis.consumer import Consumer
from oms_chassis.cycle import Committed
from oms_chassis.decision import Ref
from oms_chassis.engine import Engine
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.work import Work

PATIENCE_SECONDS = 5.0
"""How long a wake-up waits for what was said before it; then it is looked at afresh."""
PATIENCE_STEP_SECONDS = 0.02
WATCH_SECONDS = 1.0
"""How often deadlines and requests of people are looked for, unless one is known to be near."""
MEASURE_SECONDS = 5.0
"""How often what waits in the database is counted."""
ANSWER_SECONDS = 5.0
"""A database that takes longer than this to count a few rows counts as away."""
UPKEEP_SECONDS = 3600.0
"""How often partitions by time are looked after."""
_WAITING = """
SELECT (SELECT coalesce(sum(facts), 0) FROM outbox) AS outbox_facts,
       (SELECT count(DISTINCT (kind, key)) FROM parked) AS parked_keys
"""

log = logging.getLogger(__name__)


class Watch:
    """Looks after one replica's database."""

    def __init__(
        self, pool: Callable[[], asyncpg.Pool], consumer: Consumer, engine: Engine,
        intake: Intake, ring: KeyRing, metrics: Metrics, settings: Settings,
        aged: Sequence[ageing.Aged],
    ) -> None:  # fmt: skip
        self._pool = pool
        self._consumer = consumer
        self._engine = engine
        self._intake = intake
        self._ring = ring
        self._metrics = metrics
        self._ratio = settings.trace_ratio
        self._aged = aged
        self._woken: set[UUID] = set()
        self._soon = asyncio.Event()
        self._calling: dict[Ref, due.Row] = {}
        """Deadlines of roots with an open call."""

    def committed(self, done: Committed) -> None:
        """After every commit: remember the next deadline."""
        for ref in done.answered:
            self._calling.pop(ref, None)
        self._calling |= {row[:2]: row for row in done.due.calling}
        next_due = min((row[3] for row in done.due.lower + done.due.put), default=None)
        if next_due is not None:
            delay = (next_due - datetime.now(UTC)).total_seconds()
            if delay < WATCH_SECONDS:
                asyncio.get_running_loop().call_later(max(delay, 0.0), self._soon.set)

    async def wake(self) -> None:
        """Wake what is due and redrive what people asked for, for ever."""
        while True:
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._soon.wait()
            except TimeoutError:
                pass
            self._soon.clear()
            if owned := sorted(self._consumer.owned):
                async with self._pool().acquire() as db:
                    redrives = await parking.requested(db, self._ring, self._intake, owned)
                    wakes = await due.fired(db, owned, self._ratio)
                    if self._calling:
                        wakes += self._overdue_calls(owned, await db.fetchval("SELECT now()"))
                self._engine.hold(redrives)
                self._woken.intersection_update(w.item.id for w in wakes)
                if wakes:
                    await self._await_silence(wakes)

    def _overdue_calls(self, owned: Sequence[int], now: datetime) -> list[Work]:
        """Of deadlines in memory those that have passed; `now` is by the database's clock."""
        over = [row for row in self._calling.values() if row[3] <= now and row[2] in owned]
        for row in over:
            del self._calling[row[:2]]
        return [due.wake(*row, self._ratio) for row in over]

    async def _await_silence(self, wakes: Sequence[Work]) -> None:
        """A deadline counts only once everything said before it has been heard."""
        ends = await self._consumer.ends({w.item.partition for w in wakes})
        until = time.monotonic() + PATIENCE_SECONDS
        waiting = list(wakes)
        while waiting and time.monotonic() < until:
            behind = await self._consumer.behind(ends)
            self._hand_over([w for w in waiting if w.item.partition not in behind])
            waiting = [w for w in waiting if w.item.partition in behind]
            if waiting:
                await asyncio.sleep(PATIENCE_STEP_SECONDS)

    def _hand_over(self, wakes: Sequence[Work]) -> None:
        """A wake-up is handed over until it has been carried out; its lateness counts once."""
        self._engine.hold(wakes)
        now = datetime.now(UTC)
        for item in (w.item for w in wakes if w.item.id not in self._woken):
            self._metrics.due_lateness_seconds.observe((now - item.at).total_seconds())
            self._woken.add(item.id)

    async def measure_regularly(self) -> None:
        """Measure, for ever."""
        while True:
            await self.measure()
            await asyncio.sleep(MEASURE_SECONDS)

    async def measure(self) -> None:
        """Tell how much waits in the database, and whether it answers."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._pool().acquire() as db:
                waiting = await db.fetchrow(_WAITING)
        except Exception:  # whatever keeps us from the database
            self._metrics.db_up.set(0)
        else:
            self._metrics.db_up.set(1)
            self._metrics.outbox_facts.set(waiting["outbox_facts"])
            self._metrics.parked_keys.set(waiting["parked_keys"])

    async def upkeep(self) -> None:
        """Make the partitions of coming periods and let go of old ones, for ever."""
        while True:
            for aged in self._aged:
                async with self._pool().acquire() as db:
                    for deed in await ageing.keep(db, aged, datetime.now(UTC), leave=True):
                        log.info(deed)
            await asyncio.sleep(UPKEEP_SECONDS)
