"""One task runs the cycles, one at a time: it gathers what waits, carries it out, hands it on.

It also knows what to do when a cycle fails: the same batch again, or half of it to find the
culprit, or nothing until the database is back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import structs

from oms_chassis import outages
from oms_chassis.consumer import Consumer
from oms_chassis.crashpoints import reach
from oms_chassis.cycle import Committed, Cycle
from oms_chassis.decision import Input, Invalid, Ref, mint_id
from oms_chassis.metrics import Metrics
from oms_chassis.problems import Unavailable
from oms_chassis.settings import Settings
from oms_chassis.telemetry import traceparent_of_key
from oms_chassis.work import Batch, DeadLetter, Source, Work, brief

BATCHES_WAITING_MAX = 2
"""The next batch is decoded while the database works on this one; more would only age."""
SENT_ALONE_SECONDS = 0.25
"""Acknowledged outbox rows wait this long for company before a cycle deletes them."""
REPEATS_MAX = 10
"""Retries of a batch after a serialisation failure or deadlock before it counts as an outage."""
BACKOFF_SECONDS = 0.05
STOPPING = "this replica is stopping; try again"
PARKED_WINDOW_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Portion:
    """What one cycle takes on."""

    works: list[Work] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


class Engine:
    """The heart of a service. `committed` is told what every cycle left behind."""

    def __init__(
        self, cycle: Cycle, pool: Callable[[], asyncpg.Pool], settings: Settings, metrics: Metrics,
        committed: Callable[[Committed, Sequence[int], Sequence[int]], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._cycle = cycle
        self._pool = pool
        self._settings = settings
        self._metrics = metrics
        self._committed = committed
        self._batches: deque[Batch] = deque()
        self._held: deque[Work] = deque()
        self._commands: list[Work] = []
        self._sent: list[int] = []
        self._signal = asyncio.Event()
        self._room = asyncio.Event()
        self._turn = asyncio.Lock()
        self._parked_at: deque[float] = deque()
        self._root_tables = {r.table.__tablename__ for r in cycle.store.roots}
        self.consumer: Consumer | None = None
        self.recovered: Callable[[], None] = lambda: None
        """Told when the database is back."""
        self.problem = ""
        self._away = self._closed = False
        self.finished_at = time.monotonic()

    async def deliver(self, batch: Batch) -> None:
        """Take a batch of records; returns when there is room for the next."""
        self._batches.append(batch)
        self._signal.set()
        while len(self._batches) >= BATCHES_WAITING_MAX:
            self._room.clear()
            await self._room.wait()

    def hold(self, works: Sequence[Work]) -> None:
        """Take outcomes, wake-ups and redrives: kept until they are carried out."""
        self._held.extend(works)
        self._signal.set()

    def sent(self, ids: Sequence[int]) -> None:
        """Take ids of acknowledged outbox rows; the next cycle deletes them."""
        self._sent.extend(ids)
        asyncio.get_running_loop().call_later(SENT_ALONE_SECONDS, self._signal.set)

    async def command(
        self, ref: Ref, body: Any, actor: str, id: UUID | None = None
    ) -> Mapping[str, Any]:
        """Run one command and return its decision's answer; raises Problem where it cannot."""
        if self._away:
            raise Unavailable(outages.TEXT)
        if self._closed:
            raise Unavailable(STOPPING)
        now = datetime.now(UTC)
        id = id or mint_id(now, f"{ref}|{actor}|{time.perf_counter_ns()}|{len(self._commands)}")
        item = Input(id, ref[1], body, now, actor=actor)
        trace = traceparent_of_key(ref[1], id, self._settings.trace_ratio)
        result: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        work = Work(item, Source.COMMAND, ref, type(body).__name__, trace, result=result)
        self._commands.append(work)
        self._signal.set()
        return await result

    async def lose(self) -> None:
        """Drop batches not begun and wait for the cycle in progress: partitions are going."""
        log.info(
            "work given up",
            extra={"batches_dropped": len(self._batches), "in_cycle": self._turn.locked()},
        )
        self._drop_batches()
        async with self._turn:
            pass

    def _drop_batches(self) -> None:
        self._batches.clear()
        self._room.set()

    @property
    def waiting(self) -> bool:
        """Whether records wait for a cycle."""
        return bool(self._batches)

    async def flush(self) -> None:
        """One last cycle for what is held, before the process ends."""
        async with self._turn:
            await self._carry_out(self._take())

    def close(self) -> None:
        """Take no more commands; those that still wait are told to come again."""
        self._closed = True
        for work in self._commands:
            _resolve(work, Unavailable(STOPPING))
        self._commands = []

    async def run(self) -> None:
        """Cycle for ever."""
        started = 0.0
        while True:
            await self._signal.wait()
            wait = started + self._settings.cycle_ms_min / 1000 - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            started = time.monotonic()
            self._signal.clear()
            async with self._turn:
                await self._carry_out(self._take())
            self.finished_at = time.monotonic()

    def _take(self) -> _Portion:
        """Redrives stand first in what is held; then records; then the rest of what is held."""
        portion = _Portion(sent=self._sent)
        self._sent = []
        held = [
            self._held.popleft() for _ in range(min(len(self._held), self._settings.max_records))
        ]
        portion.works += [w for w in held if w.source is Source.REDRIVE]
        while self._batches and len(portion.works) < self._settings.max_records:
            batch = self._batches.popleft()
            portion.batches.append(batch)
            portion.works += batch.works
            portion.dead += batch.dead
        portion.works += [w for w in held if w.source is not Source.REDRIVE]
        portion.works += self._commands
        self._commands = []
        self._room.set()
        if self._batches or self._held:
            self._signal.set()
        return portion

    async def _carry_out(self, portion: _Portion) -> None:
        """Until it is done, whatever the database says meanwhile."""
        began = time.perf_counter()
        try:
            if portion.sent:
                reach("before_delete")
            if portion.works or portion.dead or portion.sent:
                await self._attempt(portion.works, portion.dead, portion.sent)
        except Exception as error:  # the database is away, or nothing at all can be saved
            await self._suspend(portion, error)
            return
        if self.consumer is not None:
            for batch in portion.batches:
                self.consumer.done.update(
                    {tp: n for tp, n in batch.after.items() if tp in self.consumer.done}
                )
        self._metrics.cycle(len(portion.works), time.perf_counter() - began)

    async def _attempt(
        self, works: Sequence[Work], dead: Sequence[DeadLetter], sent: Sequence[int]
    ) -> None:
        """Run a cycle; if its data cannot be saved, run its halves until the culprit is alone."""
        try:
            done = await self._repeat(works, dead, sent)
        except outages.AWAY:
            raise
        except Exception as error:
            if len(works) > 1:
                half = len(works) // 2
                await self._attempt(works[:half], dead, sent)
                await self._attempt(works[half:], (), ())
                return
            if not works:
                raise
            done = await self._repeat([self._impossible(works[0], error)], dead, sent)
        reach("after_commit")
        for work, answer in done.answers:
            _resolve(work, answer)
        self._count_parked(done.newly_parked)
        self._metrics.verdicts(done.verdicts)
        self._metrics.repeats.inc(done.repeats)
        answered = [w.row for w in works if w.source is Source.OUTCOME]
        await self._committed(done, sent, answered)

    async def _repeat(
        self, works: Sequence[Work], dead: Sequence[DeadLetter], sent: Sequence[int]
    ) -> Committed:
        for again in range(REPEATS_MAX):
            try:
                async with self._pool().acquire() as db:
                    reach("before_tx")
                    return await self._cycle.run(db, works, dead, sent)
            except outages.AGAIN as error:
                log.info("cycle repeated", extra={"error": brief(error)})
            except asyncpg.UniqueViolationError as error:
                # Two replicas gave birth to one root; the other was first: load it this time.
                if error.table_name not in self._root_tables:
                    raise
            await asyncio.sleep(BACKOFF_SECONDS * (again + 1))
        raise TimeoutError("the database keeps refusing this batch")

    def _impossible(self, work: Work, error: Exception) -> Work:
        """The culprit once more, to be parked this time."""
        log.error("input cannot be saved", extra={"type": work.type, "error": brief(error)})
        if work.source is Source.COMMAND:
            _resolve(work, error)
        reason = Invalid(brief(error))
        return replace(work, item=structs.replace(work.item, body=reason), result=None)

    async def _suspend(self, portion: _Portion, error: Exception) -> None:
        """The database is away: records go back to Kafka, the rest is held, commands are told."""
        self._away, self.problem = True, f"database: {brief(error)}"
        log.error("suspended", extra={"error": self.problem})
        self._sent = portion.sent + self._sent
        self._held.extendleft(
            w for w in reversed(portion.works)
            if w.source in (Source.OUTCOME, Source.REDRIVE)
        )  # fmt: skip
        for work in portion.works + self._commands:
            _resolve(work, Unavailable(outages.TEXT))
        self._commands = []
        if self.consumer is not None and self.consumer.owned:
            first = [b.first for b in (*portion.batches, *self._batches)]
            self.consumer.rewind({tp: n for f in reversed(first) for tp, n in f.items()})
        self._drop_batches()
        await outages.until_back(self._settings.database_dsn, self._still_away)
        await self._pool().expire_connections()
        self.recovered()
        if self.consumer is not None and self.consumer.owned:
            self.consumer.resume()
        self._away, self.problem = False, ""
        self._signal.set()

    def _still_away(self, error: Exception) -> None:
        self.problem = f"database: {brief(error)}"

    def _count_parked(self, keys: int) -> None:
        """Park no more than so many keys a minute: beyond that the fault is not in the data."""
        now = time.monotonic()
        self._parked_at.extend([now] * keys)
        while self._parked_at and self._parked_at[0] < now - PARKED_WINDOW_SECONDS:
            self._parked_at.popleft()
        too_many = len(self._parked_at) > self._settings.parked_keys_max
        if too_many and not self.problem and self.consumer is not None:
            self.problem = f"{len(self._parked_at)} keys parked within a minute: reading stopped"
            log.error("stopped reading", extra={"error": self.problem})
            asyncio.get_running_loop().call_later(PARKED_WINDOW_SECONDS, self._read_again)
            self.consumer.rewind(
                {tp: n for b in reversed(self._batches) for tp, n in b.first.items()}
            )
            self._drop_batches()

    def _read_again(self) -> None:
        self.problem = ""
        if self.consumer is not None and self.consumer.owned:
            self.consumer.resume()


def _resolve(work: Work, answer: Mapping[str, Any] | Exception) -> None:
    if work.result is None or work.result.done():
        return
    if isinstance(answer, Exception):
        work.result.set_exception(answer)
    else:
        work.result.set_result(answer)
