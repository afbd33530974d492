"""The six services' cycles in one process: real stores on a real database, a log in memory.

Records, batches and their order are the same in every run, so what is counted is exact: a count
that grows tells of a change in the code and of nothing else.
"""

from __future__ import annotations

import importlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from aiokafka import ConsumerRecord

from bench.orders import Orders, all_skus
from bench.plan import Work as Load
from oms_chassis.app import Service
from oms_chassis.cycle import Cycle
from oms_chassis.decision import Done, Input, Refused, mint_id
from oms_chassis.gateway import Gateway, GatewayRefused
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import Writer
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings, load_policy
from oms_chassis.store import partition_of
from oms_chassis.telemetry import Tracer
from oms_chassis.work import CallRow, FactRow, Source, Work
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.goods import StockReceived
from oms_platform.topics import TopicSpec

TENANT, PARTITIONS = "main", 6
BATCH_RECORDS = 500
CANCELLED_AFTER_ROUNDS = 3
"""The customer changes their mind when the order is on its way."""
UNITS_PER_SKU = 1_000_000
_WRITTEN = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables"


@dataclass
class Log:
    """Topics in memory."""

    records: dict[str, list[ConsumerRecord]] = field(default_factory=lambda: defaultdict(list))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def append(
        self, topic: str, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        """One record more."""
        lie = self.records[topic]
        lie.append(
            ConsumerRecord(
                topic, partition_of(key, PARTITIONS), len(lie), int(self.at.timestamp() * 1000), 0,
                key.encode(), value, None, len(key), len(value), list(headers),
            )
        )  # fmt: skip

    def tell(self, topic: str, key: str, name: str, value: bytes, source: str) -> None:
        """One record of the outside world, or of a service that takes no part."""
        id_ = mint_id(self.at, f"{topic}|{len(self.records[topic])}")
        headers = wire.headers_of(id_, name, source, self.at, 1, id_, TENANT, None)
        self.append(topic, key, value, headers)

    def publish(self, source: str, fact: FactRow) -> None:
        """What a relay would send."""
        headers = wire.headers_of(
            fact.id, fact.type, source, fact.at, fact.sequence, fact.cause, TENANT, None
        )
        self.append(fact.topic, fact.key, bytes(fact.body), headers)


@dataclass
class Node:
    """One service: its cycle, what it reads, and what it has yet to carry out."""

    name: str
    db: asyncpg.Connection
    cycle: Cycle
    intake: Intake
    gateways: Mapping[str, Gateway]
    topics: Sequence[str]
    read_to: Counter[str] = field(default_factory=Counter)
    outcomes: list[Work] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    async def step(self, log: Log) -> bool:
        """One cycle over what waits; False if nothing does."""
        records = self._next(log)
        batch = self.intake.batch(records)
        assert not batch.dead, batch.dead[0].reason
        works, sent = [*batch.works, *self.outcomes], self.sent
        self.counted["skips"] += len(records) - len(batch.works)
        self.outcomes, self.sent = [], []
        if not works and not sent:
            return bool(records)
        with self._statements():
            done = await self.cycle.run(self.db, works, (), sent)
        assert not done.newly_parked, f"{self.name} parked an input"
        self.counted["transactions"] += 1
        self.counted["consumes"] += len(batch.works)
        for bundle in done.bundles:
            self.counted["publishes"] += len(bundle.facts)
            self.sent.append(bundle.id)
            for fact in bundle.facts:
                log.publish(f"/oms/{self.name}", fact)
        for call in done.calls:
            await self._call(call, log)
        return True

    def _next(self, log: Log) -> list[ConsumerRecord]:
        found: list[ConsumerRecord] = []
        for topic in self.topics:
            begin = self.read_to[topic]
            some = log.records[topic][begin : begin + BATCH_RECORDS - len(found)]
            self.read_to[topic] += len(some)
            found += some
        return found

    async def _call(self, row: CallRow, log: Log) -> None:
        self.counted["calls"] += 1
        name, method = row.gateway, row.method
        request = msgspec.json.decode(row.body)
        body: Done | Refused
        try:
            answer = await self.gateways[name].call(method, str(row.call_id), request)
            body = Done(row.call_id, name, method, answer)
        except GatewayRefused as no:
            body = Refused(row.call_id, name, method, no.code, no.text)
        item = Input(row.call_id, row.key, body, log.at, row.partition)
        ref = (row.kind, row.key)
        self.outcomes.append(Work(item, Source.OUTCOME, ref, type(body).__name__, row=row.id))

    @contextmanager
    def _statements(self) -> Iterator[None]:
        def count(_: Any) -> None:
            self.counted["statements"] += 1

        with self.db.query_logger(count):
            yield

    async def written(self) -> int:
        """Rows inserted, updated and deleted so far."""
        await self.db.execute("SELECT pg_stat_force_next_flush()")
        return int(await self.db.fetchval(_WRITTEN))


def node(
    name: str, db: asyncpg.Connection, topics: Sequence[TopicSpec], folder: Path, policies: Path
) -> Node:
    """A service with its own rules, sandboxes and store."""
    service: Service = importlib.import_module(f"oms_{name}.main").service
    settings = Settings(
        service=name, kafka_bootstrap="-", database_dsn="-", data_dir=folder, trace_ratio=0.0,
        partitions=PARTITIONS, policies_file=policies,
    )  # fmt: skip
    ring, metrics = KeyRing(folder / "ring.json"), Metrics()
    core = service.core(load_policy(policies, name, service.policy))
    writer = Writer("bench", PARTITIONS, Tracer(settings))
    return Node(
        name, db, Cycle(core, service.store, writer, ring, TENANT, PARTITIONS),
        Intake(service.hears, service.strangers, core.home, TENANT, ring, metrics, 0.0),
        service.gateways(settings, ring), [t.name for t in topics if name in t.readers],
    )  # fmt: skip


@dataclass
class Six:
    """All services around one log."""

    nodes: Sequence[Node]
    log: Log = field(default_factory=Log)

    async def receive(self, load: Load) -> None:
        """Stock of every SKU; what it costs is not counted."""
        for sku in all_skus(load):
            receipt = StockReceived(sku=sku, location="HUB", qty=UNITS_PER_SKU, cause_id=f"R-{sku}")
            value = wire.encode(receipt)
            self.log.tell(receipt.TOPIC, sku, receipt.TYPE, value, "/oms/warehouse")
        await self._until_quiet()

    async def run(self, load: Load, orders: int) -> dict[str, Counter[str]]:
        """So many orders from their placing to their end; what each service did for them."""
        before = {node.name: await node.written() for node in self.nodes}
        for node in self.nodes:
            node.counted.clear()
        made = Orders(load, 1)
        placed = [made.next(self.log.at.isoformat()) for _ in range(orders)]
        for order in placed:
            topic = f"oms.channel.{order.channel}.v1"
            self.log.tell(topic, order.number, OrderPlaced.TYPE, order.value, "/shops")
        for _ in range(CANCELLED_AFTER_ROUNDS):
            await self._round()
        for order in placed:
            if order.cancelled:
                topic = f"oms.channel.{order.channel}.v1"
                value = wire.encode(CancellationRequested(external_id=order.number))
                self.log.tell(topic, order.number, CancellationRequested.TYPE, value, "/shops")
        await self._until_quiet()
        for node in self.nodes:
            node.counted["row_writes"] = await node.written() - before[node.name]
        return {node.name: node.counted for node in self.nodes}

    async def _until_quiet(self) -> None:
        while await self._round():
            pass

    async def _round(self) -> bool:
        return any([await node.step(self.log) for node in self.nodes])


async def statuses(db: asyncpg.Connection) -> dict[str, int]:
    """How many orders stand where, in the order service's store."""
    rows = await db.fetch("SELECT status, count(*) AS orders FROM orders GROUP BY 1")
    return {row["status"]: row["orders"] for row in rows}
