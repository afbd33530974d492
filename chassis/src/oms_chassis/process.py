"""One running replica of a service: how it is started, kept going and stopped.

HTTP opens first: orders can be accepted while the broker is away. Reading starts when the
broker and every topic are there. On SIGTERM reading stops, the cycle and the record batches in
flight end, offsets are committed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import asyncpg
from fastapi import FastAPI

from oms_chassis import history
from oms_chassis.app import Service
from oms_chassis.http import Door, application, serve
from oms_chassis.logs import configure_logging
from oms_chassis.operations import Operations
from oms_chassis.replica import Replica
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings, load_policy

CONNECT_AGAIN_SECONDS = 0.5

log = logging.getLogger(__name__)


class Process:
    """A replica with its HTTP door and the tasks that keep it going."""

    def __init__(
        self, service: Service, settings: Settings, ring: KeyRing, replica: Replica
    ) -> None:
        self.service, self.settings, self.ring, self.replica = service, settings, ring, replica

    async def serve(self) -> None:
        """Run until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        async with AsyncExitStack() as stack:
            door = Door(self.settings, self.ring, self.replica.engine.command)
            stack.push_async_callback(door.close)
            host, port = self.settings.http_host, self.settings.http_port
            port = await stack.enter_async_context(serve(self._application(door, stop), host, port))
            log.info("listening", extra={"port": port})
            tasks = self._start()
            gc.collect()
            gc.freeze()
            gc.set_threshold(100_000, 20, 50)
            await stop.wait()
            await self._leave(tasks)

    def _application(self, door: Door, stop: asyncio.Event) -> FastAPI:
        replica = self.replica
        router = self.service.routes(door)
        operations = Operations(replica.database, self.ring, replica.consumer.lag)
        router.include_router(operations.routes())
        checks = {
            "broker": lambda: replica.consumer.problem, "database": lambda: replica.engine.problem,
            "progress": replica.stalled, "stopping": lambda: "stopping" if stop.is_set() else "",
        }  # fmt: skip
        return application(self.service.name, door, router, checks, replica.metrics.registry)

    def _start(self) -> list[asyncio.Task[None]]:
        replica, watch = self.replica, self.replica.watch
        return [
            _kept(replica.engine.run(), "cycles"),
            _again(replica.outgoing.watch), _again(replica.consumer.commit_regularly),
            _again(watch.wake), _again(watch.measure_regularly), _again(watch.upkeep),
            asyncio.create_task(self._join(), name="join"),
        ]  # fmt: skip

    async def _join(self) -> None:
        """Start reading and publishing as soon as there is a broker."""
        replica = self.replica
        await replica.consumer.probe(replica.topics, self.settings.partitions)
        await replica.producer.start()
        await replica.consumer.join()

    async def _leave(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        log.info("stopping")
        replica, seconds = self.replica, self.settings.revoke_timeout_seconds
        replica.consumer.stop_reading()
        await _within(seconds, self._finish())
        await replica.consumer.commit()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await replica.calls.stop()
        await _within(seconds, replica.consumer.stop(), replica.producer.stop())
        await asyncio.to_thread(replica.tracer.close)

    async def _finish(self) -> None:
        """End what is under way: the cycle, the record batches in flight, their rows."""
        await self.replica.engine.lose()
        await self.replica.outgoing.give_up(self.replica.consumer.owned)
        await self.replica.engine.flush()
        self.replica.engine.close()


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
        replica = Replica(service, settings, ring, pool, policy, number)
        await Process(service, settings, ring, replica).serve()
    finally:
        pool.terminate()


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


async def _within(seconds: float, *deeds: Coroutine[None, None, None]) -> None:
    """Do it at once, but without broker or database do not wait for ever."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*deeds)
    except TimeoutError:
        log.error("stopped with work in flight; it will be repeated")


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
