"""The warehouse without a broker: its cycle, store and HTTP door are the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from builders import NOW, ORDER, POLICY
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from oms_chassis.cycle import Committed, Cycle
from oms_chassis.decision import Input, Ref, mint_id
from oms_chassis.engine import Engine
from oms_chassis.http import Door, application
from oms_chassis.keys import new_key
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import Writer, unpack
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Tracer
from oms_chassis.work import Source, Work
from oms_contracts import wire
from oms_contracts.event import Event
from oms_warehouse.inputs import roots
from oms_warehouse.main import service
from oms_warehouse.store import STORE

PARTITIONS = 6
SCOPES = (
    "warehouse:pick", "warehouse:pack", "warehouse:receive", "warehouse:count",
    "warehouse:purchase", "warehouse:read",
)  # fmt: skip


@dataclass
class Running:
    """One replica at work."""

    cycle: Cycle
    pool: asyncpg.Pool
    ring: KeyRing
    http: httpx.AsyncClient
    """With a key that may do everything."""
    stranger: httpx.AsyncClient
    """With a key that may do nothing."""
    app: FastAPI

    @classmethod
    @asynccontextmanager
    async def start(cls, dsn: str, folder: Path) -> AsyncIterator[Running]:
        """Everything but reading from and writing to Kafka."""
        ring = KeyRing.create(folder / "ring.json", "2026-11")
        ann, ann_s_line = new_key("ann", SCOPES)
        eve, eve_s_line = new_key("eve", ())
        keys = folder / "keys.json"
        keys.write_bytes(msgspec.json.encode([ann_s_line, eve_s_line]))
        settings = Settings(
            service="warehouse", kafka_bootstrap="-", database_dsn=dsn, api_keys_file=keys,
            data_dir=folder, trace_ratio=0.0, cycle_ms_min=0,
        )  # fmt: skip
        metrics = Metrics()
        writer = Writer("test", PARTITIONS, Tracer(settings))
        cycle = Cycle(service.core(POLICY), STORE, writer, ring, settings.tenant, PARTITIONS)
        async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
            engine = Engine(cycle, lambda: pool, settings, metrics, _nothing_to_hand_on)
            door = Door(settings, ring, engine.command)
            app = application("warehouse", door, service.routes(door), {}, CollectorRegistry())
            transport = httpx.ASGITransport(app)
            cycles = asyncio.create_task(engine.run())
            async with _client(transport, ann) as http, _client(transport, eve) as stranger:
                yield cls(cycle, pool, ring, http, stranger, app)
            cycles.cancel()
            await door.close()

    async def hear(self, *told: Event | tuple[str, Event], at: datetime = NOW) -> Committed:
        """Facts from Kafka, as one batch; each about the order unless a key stands before it."""
        works = [
            _record(*(fact if isinstance(fact, tuple) else (ORDER, fact)), n, at)
            for n, fact in enumerate(told)
        ]
        return await self.run(works)

    async def run(self, works: Sequence[Work]) -> Committed:
        """One cycle."""
        async with self.pool.acquire() as db:
            return await self.cycle.run(db, works)

    async def wake(self, ref: Ref, at: datetime) -> Committed:
        """A deadline that has passed."""
        item = Input(mint_id(at, f"wake {ref}"), ref[1], None, at)
        return await self.run([Work(item, Source.WAKE, ref, "Woke")])

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """What the database holds."""
        return await self.pool.fetch(query, *values)

    async def facts(self) -> list[tuple[str, int, dict[str, Any]]]:
        """What stands in the outbox: type, sequence, body."""
        rows = await self.rows("SELECT body FROM outbox ORDER BY id")
        return [
            (fact.type.split(".")[2], fact.sequence, msgspec.json.decode(fact.body))
            for row in rows
            for fact in unpack(row["body"])
        ]


async def _nothing_to_hand_on(
    done: Committed, sent: Sequence[int], answered: Sequence[int]
) -> None:
    """There is no broker to hand anything to."""


def _client(transport: httpx.ASGITransport, key: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://warehouse", headers=headers)


def _record(key: str, fact: Event, n: int, at: datetime) -> Work:
    raw = wire.encode(fact)
    item = Input(mint_id(at, f"{n} {key} {raw!r}"), key, fact, at, topic=fact.topic())
    return Work(item, Source.RECORD, roots(item)[0], fact.TYPE, raw=raw)
