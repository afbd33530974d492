"""One running replica of a service: how its parts are wired, started and stopped.

HTTP opens first: orders can be accepted while the broker is away. Reading starts when the
broker and every topic are there. On SIGTERM reading stops, the cycle and the record batches in
flight end, offsets are committed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from oms_chassis import ageing, due, history, parking
from oms_chassis.app import Service
from oms_chassis.calls import Calls
from oms_chassis.consumer import Consumer
from oms_chassis.cycle import Committed, Cycle
from oms_chassis.decision import Ref
from oms_chassis.engine import Engine
from oms_chassis.http import Door, application, serve
from oms_chassis.intake import Intake
from oms_chassis.logs import configure_logging
from oms_chassis.metrics import Metrics
from oms_chassis.operations import Operations
from oms_chassis.outbox import Writer
from oms_chassis.outgoing import Outgoing
from oms_chassis.relay import BATCH_MAX_BYTES, Relay
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings, load_policy
from oms_chassis.telemetry import Tracer
from oms_chassis.work import Work

STALLED_SECONDS = 30.0
"""Readiness turns red when records wait and none was processed for this long."""
PATIENCE_SECONDS = 5.0
"""How long a wake-up waits for what was said before it; then it is looked at afresh."""
PATIENCE_STEP_SECONDS = 0.02
WATCH_SECONDS = 1.0
"""How often deadlines and requests of people are looked for, unless one is known to be near."""
UPKEEP_SECONDS = 3600.0
"""How often partitions by time are looked after."""
CONNECT_AGAIN_SECONDS = 0.5

log = logging.getLogger(__name__)


class Process:
    """The parts of one replica and the tasks that keep it going."""

    def __init__(
        self, service: Service, settings: Settings, ring: KeyRing, pool: asyncpg.Pool,
        policy: Any, policy_number: int | None,
    ) -> None:  # fmt: skip
        self.service, self.settings, self.ring, self.pool = service, settings, ring, pool
        self.aged = ageing.of_service(service.revisions, settings.kept_periods)
        self.metrics = metrics = Metrics()
        self.tracer = Tracer(settings)
        core = service.core(policy)
        writer = f"{settings.slot}-{os.getpid()}-{secrets.token_hex(3)}"
        self.cycle = Cycle(
            core, service.store, Writer(writer, settings.partitions, self.tracer), ring,
            settings.tenant, settings.partitions, policy_number,
        )  # fmt: skip
        self.engine = Engine(self.cycle, self.database, settings, metrics, self.committed)
        self.calls = Calls(service.gateways(settings, ring), self._outcome, metrics)
        self.producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, acks="all", enable_idempotence=True,
            max_batch_size=BATCH_MAX_BYTES, compression_type="lz4",
        )  # fmt: skip
        source = f"/oms/{service.name}"
        self.relay = Relay(
            self.producer,
            source,
            settings.tenant,
            settings.relay_rows_max,
            self.engine.sent,
            metrics,
        )
        self.outgoing = Outgoing(self.database, writer, settings.partitions, self.relay, self.calls)
        self.intake = Intake(
            service.hears, service.strangers, core.home, settings.tenant, ring, metrics,
            settings.trace_ratio,
        )  # fmt: skip
        self.consumer = Consumer(
            settings, self.intake, metrics, self.engine.deliver, self.outgoing.own, self._lose
        )
        self.engine.consumer = self.consumer
        self._soon = asyncio.Event()
        self._calling: dict[Ref, due.Row] = {}
        """Deadlines of roots with an open call."""

    def database(self) -> asyncpg.Pool:
        """The pool of the cycle and its neighbours."""
        return self.pool

    async def committed(self, done: Committed, deleted: Sequence[int]) -> None:
        """After every commit: hand on what was written, and remember the next deadline."""
        self.outgoing.deleted(deleted)
        await self.outgoing.committed(done.rows, done.foreign_partitions)
        for ref in done.answered:
            self._calling.pop(ref, None)
        self._calling |= {row[:2]: row for row in done.due.calling}
        next_due = min((row[3] for row in done.due.lower + done.due.put), default=None)
        if next_due is not None:
            delay = (next_due - datetime.now(UTC)).total_seconds()
            if delay < WATCH_SECONDS:
                asyncio.get_running_loop().call_later(max(delay, 0.0), self._soon.set)

    def _outcome(self, work: Work) -> None:
        self.engine.hold([work])

    async def _lose(self, partitions: frozenset[int]) -> None:
        await self.engine.lose()
        await self.outgoing.give_up(partitions)

    async def watch(self) -> None:
        """Wake what is due and redrive what people asked for, for ever."""
        while True:
            try:
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._soon.wait()
            except TimeoutError:
                pass
            self._soon.clear()
            if owned := sorted(self.consumer.owned):
                async with self.pool.acquire() as db:
                    redrives = await parking.requested(db, self.ring, self.intake, owned)
                    wakes = await due.fired(db, owned, self.settings.trace_ratio)
                self.engine.hold(redrives)
                wakes += self._overdue_calls(owned)
                if wakes:
                    await self._wake(wakes)

    def _overdue_calls(self, owned: Sequence[int]) -> list[Work]:
        now, ratio = datetime.now(UTC), self.settings.trace_ratio
        over = [row for row in self._calling.values() if row[3] <= now and row[2] in owned]
        for row in over:
            del self._calling[row[:2]]
        return [due.wake(*row, ratio) for row in over]

    async def _wake(self, wakes: Sequence[Work]) -> None:
        """A deadline counts only once everything said before it has been heard."""
        ends = await self.consumer.ends({w.item.partition for w in wakes})
        until = time.monotonic() + PATIENCE_SECONDS
        waiting = list(wakes)
        while waiting and time.monotonic() < until:
            behind = await self.consumer.behind(ends)
            self.engine.hold([w for w in waiting if w.item.partition not in behind])
            waiting = [w for w in waiting if w.item.partition in behind]
            if waiting:
                await asyncio.sleep(PATIENCE_STEP_SECONDS)

    async def upkeep(self) -> None:
        """Make the partitions of coming periods and let go of old ones, for ever."""
        while True:
            for aged in self.aged:
                async with self.pool.acquire() as db:
                    for deed in await ageing.keep(db, aged, datetime.now(UTC), leave=True):
                        log.info(deed)
            await asyncio.sleep(UPKEEP_SECONDS)

    def stalled(self) -> str:
        """Why the service is not doing its work, or nothing."""
        quiet = time.monotonic() - self.engine.finished_at
        if self.engine.waiting and quiet > STALLED_SECONDS:
            return f"records wait and no cycle has ended for {quiet:.0f} s"
        unread, since = sum(self.consumer.lag().values()), self.consumer.quiet_seconds
        if unread and since > STALLED_SECONDS:
            return f"{unread} records lie in the log and none was read for {since:.0f} s"
        return ""

    async def serve(self) -> None:
        """Run until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        async with AsyncExitStack() as stack:
            door = Door(self.settings, self.ring, self.engine.command)
            stack.push_async_callback(door.close)
            router = self.service.routes(door)
            router.include_router(Operations(self.database, self.ring, self.consumer.lag).routes())
            checks = {
                "broker": lambda: self.consumer.problem, "database": lambda: self.engine.problem,
                "progress": self.stalled, "stopping": lambda: "stopping" if stop.is_set() else "",
            }  # fmt: skip
            app = application(self.service.name, door, router, checks, self.metrics.registry)
            host, port = self.settings.http_host, self.settings.http_port
            port = await stack.enter_async_context(serve(app, host, port))
            log.info("listening", extra={"port": port})
            tasks = [_kept(self.engine.run(), "cycles")]
            joining = asyncio.create_task(self._join(), name="join")
            tasks += [
                _again(self.watch), _again(self.outgoing.watch),
                _again(self.consumer.commit_regularly),
                _again(self.upkeep), joining,
            ]  # fmt: skip
            gc.collect()
            gc.freeze()
            gc.set_threshold(100_000, 20, 50)
            await stop.wait()
            await self._leave(tasks)

    async def _join(self) -> None:
        """Start reading and publishing as soon as there is a broker."""
        await self.consumer.probe(self.settings.partitions)
        await self.producer.start()
        await self.consumer.join()

    async def _leave(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        log.info("stopping")
        self.consumer.stop_reading()
        await self.engine.lose()
        await self.outgoing.give_up(self.consumer.owned)
        await self.engine.flush()
        await self.consumer.commit()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.calls.stop()
        await self.consumer.stop()
        await self.producer.stop()
        await asyncio.to_thread(self.tracer.close)


async def run(service: Service, settings: Settings) -> None:
    """Run one replica until it is told to stop. Waits for its database; needs a key ring."""
    configure_logging(settings)
    if settings.key_ring_file is None:
        raise SystemExit("OMS_KEY_RING_FILE is not set: nothing personal could be sealed or read")
    policy = load_policy(settings.policies_file, service.name, service.policy)
    pool = await _connect(settings)
    try:
        number = await _remembered(service, pool, policy)
        ring = KeyRing(settings.key_ring_file)
        await Process(service, settings, ring, pool, policy, number).serve()
    finally:
        await pool.close()


async def _remembered(service: Service, pool: asyncpg.Pool, policy: Any) -> int | None:
    """By what a service that keeps its history decides from now on."""
    if not service.store.history:
        return None
    return await history.remember_policy(pool, version(f"oms-{service.name}"), policy)


async def _connect(settings: Settings) -> asyncpg.Pool:
    while True:
        try:
            return await asyncpg.create_pool(
                settings.database_dsn, min_size=1, max_size=settings.pool_size,
                server_settings={
                    "application_name": f"{settings.service}-{settings.slot}",
                    "statement_timeout": str(settings.statement_timeout_ms),
                },
            )  # fmt: skip
        except (OSError, asyncpg.PostgresError) as error:
            log.warning("no database yet", extra={"error": f"{type(error).__name__}: {error}"})
            await asyncio.sleep(CONNECT_AGAIN_SECONDS)


def _kept(work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
    """The one task that must not end: if a bug ends it, the process goes, and is seen to go."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_unexpected)
    return task


def _unexpected(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("cycles ended", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


def _again(work: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
    """A task that an outage may interrupt: it starts over until the process stops."""

    async def keep() -> None:
        while True:
            try:
                await work()
            except Exception as error:  # nothing in the background may end a service
                log.warning(
                    "interrupted",
                    extra={"task": work.__name__, "error": f"{type(error).__name__}: {error}"},
                )
                await asyncio.sleep(CONNECT_AGAIN_SECONDS)

    return asyncio.create_task(keep(), name=work.__name__)
