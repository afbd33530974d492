"""The parts of one replica, and how they are wired."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from oms_chassis import ageing
from oms_chassis.app import Service
from oms_chassis.calls import Calls
from oms_chassis.consumer import Consumer
from oms_chassis.cycle import Committed, Cycle
from oms_chassis.engine import Engine
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import Writer
from oms_chassis.outgoing import Outgoing
from oms_chassis.relay import BATCH_MAX_BYTES, Relay
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Tracer
from oms_chassis.watch import Watch
from oms_chassis.work import Work

STALLED_SECONDS = 30.0
"""Readiness turns red when records wait and none was processed for this long."""


class Replica:
    """One running copy of a service, without its HTTP door."""

    def __init__(
        self, service: Service, settings: Settings, ring: KeyRing, pool: asyncpg.Pool,
        policy: Any, policy_number: int | None = None,
    ) -> None:  # fmt: skip
        self.settings, self.ring, self.pool = settings, ring, pool
        self.metrics = metrics = Metrics()
        self.tracer = Tracer(settings)
        metrics.spans_dropped.set_function(lambda: self.tracer.dropped)
        core = service.core(policy)
        self._numbered = core.numbering()
        writer = f"{settings.slot}-{os.getpid()}-{secrets.token_hex(3)}"
        cycle = Cycle(
            core, service.store, Writer(writer, settings.partitions, self.tracer), ring,
            settings.tenant, settings.partitions, policy_number,
        )  # fmt: skip
        self.engine = Engine(cycle, self.database, settings, metrics, self._committed)
        self.calls = Calls(service.gateways(settings, ring), self._outcome, metrics)
        self.producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, acks="all", enable_idempotence=True,
            max_batch_size=BATCH_MAX_BYTES, compression_type="lz4",
        )  # fmt: skip
        relay = Relay(
            self.producer, f"/oms/{service.name}", settings.tenant, settings.relay_rows_max,
            self.engine.sent, metrics,
        )  # fmt: skip
        self.outgoing = Outgoing(self.database, writer, settings.partitions, relay, self.calls)
        self.intake = Intake(
            service.hears, service.strangers, core.home, settings.tenant, ring, metrics,
            settings.trace_ratio,
        )  # fmt: skip
        self.consumer = Consumer(
            settings, self.intake, metrics, self.engine.deliver, self.outgoing.own, self._lose
        )
        self.engine.consumer = self.consumer
        self.engine.recovered = self.outgoing.doubt_all
        self.watch = Watch(
            self.database, self.consumer, self.engine, self.intake, ring, metrics, settings,
            ageing.of_service(service.revisions, settings.kept_periods),
        )  # fmt: skip

    @property
    def topics(self) -> list[str]:
        """Topics that must be there: what is heard, and what is told to all."""
        told = (topic for topic in self._numbered if "{" not in topic)
        return sorted({*self.intake.topics, *told})

    def database(self) -> asyncpg.Pool:
        """The pool of the cycle and its neighbours."""
        return self.pool

    async def _committed(
        self, done: Committed, sent: Sequence[int], answered: Sequence[int]
    ) -> None:
        """After every commit: hand on what was written."""
        self.outgoing.deleted(sent, answered)
        await self.outgoing.committed(done.bundles, done.calls, done.foreign_partitions)
        self.watch.committed(done)

    def _outcome(self, work: Work) -> None:
        self.engine.hold([work])

    async def _lose(self, partitions: frozenset[int]) -> None:
        await self.engine.lose()
        await self.outgoing.give_up(partitions)

    def stalled(self) -> str:
        """Why the service is not doing its work, or nothing."""
        quiet = time.monotonic() - self.engine.finished_at
        if self.engine.waiting and quiet > STALLED_SECONDS:
            return f"records wait and no cycle has ended for {quiet:.0f} s"
        unread, since = sum(self.consumer.lag().values()), self.consumer.quiet_seconds
        if unread and since > STALLED_SECONDS:
            return f"{unread} records lie in the log and none was read for {since:.0f} s"
        return ""
