"""The order service without a broker: its cycle, intake, store and HTTP door are the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from prometheus_client import CollectorRegistry
from story import CHANNEL, NOW, ORDER_ID

from oms_chassis import history
from oms_chassis.cycle import Committed, Cycle
from oms_chassis.decision import Input, Invalid, mint_id
from oms_chassis.engine import Engine
from oms_chassis.http import Door, application
from oms_chassis.keys import new_key
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import Writer, unpack
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Tracer
from oms_chassis.work import FactRow, Source, Work
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.event import Event
from oms_order.codecs import read
from oms_order.domain import NoOrder, Order, Policy, order_key
from oms_order.history import VERSION
from oms_order.inputs import prepare, roots
from oms_order.main import service
from oms_order.store import STORE

PARTITIONS = 6
SCOPES = ("orders:write", "orders:read", "orders:hold", "orders:cancel", "orders:approve")
KEYS: dict[str, tuple[tuple[str, ...], str]] = {
    "shop": (("orders:write", "orders:read", "orders:cancel"), CHANNEL),
    "rival": (("orders:write", "orders:read", "orders:cancel"), "rival"),
    "ann": ((*SCOPES, "orders:personal"), ""),
    "ben": (("orders:read",), ""),
    "eve": ((), ""),
}
"""Callers, their scopes and their channels."""


@dataclass
class Running:
    """One replica at work."""

    cycle: Cycle
    pool: asyncpg.Pool
    ring: KeyRing
    door: Door
    app: Any
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    told: Any = field(default_factory=count)

    @classmethod
    @asynccontextmanager
    async def start(
        cls, dsn: str, folder: Path, policy: Policy | None = None
    ) -> AsyncIterator[Running]:
        """Everything but reading from and writing to Kafka."""
        policy = policy or Policy()
        ring = KeyRing.create(folder / "ring.json", "2026-11")
        drawn = {name: new_key(name, *given) for name, given in KEYS.items()}
        keys = folder / "keys.json"
        keys.write_bytes(msgspec.json.encode([line for _, line in drawn.values()]))
        settings = Settings(
            service="order", kafka_bootstrap="-", database_dsn=dsn, api_keys_file=keys,
            data_dir=folder, trace_ratio=0.0, cycle_ms_min=0,
        )  # fmt: skip
        metrics = Metrics()
        writer = Writer("test", PARTITIONS, Tracer(settings))
        async with asyncpg.create_pool(dsn, min_size=1, max_size=3) as pool:
            number = await history.remember_policy(pool, VERSION, policy)
            core = service.core(policy)
            cycle = Cycle(core, STORE, writer, ring, settings.tenant, PARTITIONS, number)
            engine = Engine(cycle, lambda: pool, settings, metrics, _nothing_to_hand_on)
            door = Door(settings, ring, engine.command)
            app = application("order", door, service.routes(door), {}, CollectorRegistry())
            cycles = asyncio.create_task(engine.run())
            made = cls(cycle, pool, ring, door, app)
            for name, (key, _) in drawn.items():
                made.clients[name] = httpx.AsyncClient(
                    transport=httpx.ASGITransport(app),
                    base_url="http://order",
                    headers={"authorization": f"Bearer {key}"},
                )
            yield made
            for client in made.clients.values():
                await client.aclose()
            cycles.cancel()
            await door.close()

    async def hear(self, *told: Event, key: str = ORDER_ID, at: datetime = NOW) -> Committed:
        """Facts of participants from Kafka, as one batch."""
        return await self.run([self._record(key, fact, fact, at) for fact in told])

    async def hear_nonsense(self, fact: Event, raw: bytes) -> Committed:
        """A fact of a participant whose bytes break its contract."""
        work = self._record(ORDER_ID, fact, Invalid("breaks its contract"), NOW)
        work.raw = raw
        return await self.run([work])

    async def receive(
        self, *sent: OrderPlaced | CancellationRequested, channel: str = CHANNEL
    ) -> Committed:
        """What a channel wrote on its topic, as one batch."""
        works = []
        for body in sent:
            at = f"{channel} {next(self.told)}"
            input_id = mint_id(NOW, at)
            digest = sha256(wire.encode(body)).hexdigest()
            seen = prepare(self.ring, input_id, channel, body, digest)
            key = order_key("main", channel, body.external_id)
            item = Input(input_id, key, seen, NOW, topic=f"oms.channel.{channel}.v1")
            raw, ref = wire.encode(body), roots(item)[0]
            works.append(Work(item, Source.RECORD, ref, body.TYPE, raw=raw, stranger=True))
        return await self.run(works)

    async def run(self, works: Sequence[Work]) -> Committed:
        """One cycle."""
        async with self.pool.acquire() as db:
            return await self.cycle.run(db, works)

    def _record(self, key: str, fact: Event, body: Any, at: datetime) -> Work:
        raw = wire.encode(fact)
        item_id = mint_id(at, f"{key} {next(self.told)}")
        item = Input(item_id, key, body, at, topic=fact.topic())
        return Work(item, Source.RECORD, roots(item)[0], fact.TYPE, raw=raw)

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """What the database holds."""
        found: list[asyncpg.Record] = await self.pool.fetch(query, *values)
        return found

    async def order(self, order_id: str = ORDER_ID) -> Order | NoOrder:
        """The order as it is stored."""
        (row,) = await self.rows("SELECT * FROM orders WHERE order_id = $1", order_id)
        return read(row)

    async def facts(self) -> list[tuple[str, str, int]]:
        """What stands in the outbox: topic, type, sequence."""
        return [(f.topic, f.type.split(".")[2], f.sequence) for f in await self._outbox()]

    async def said(self, type_name: str) -> list[dict[str, Any]]:
        """Bodies of everything of a type in the outbox."""
        return [
            msgspec.json.decode(fact.body)
            for fact in await self._outbox()
            if fact.type.endswith(f".{type_name}.v1")
        ]

    async def kept(self, table: str) -> list[str]:
        """Rows of a table as one reads them; those of the outbox fact by fact."""
        if table == "outbox":
            return [repr(fact) for fact in await self._outbox()]
        return [repr(dict(row)) for row in await self.rows(f"SELECT * FROM {table}")]

    async def _outbox(self) -> list[FactRow]:
        rows = await self.rows("SELECT body FROM outbox ORDER BY id")
        return [fact for row in rows for fact in unpack(row["body"])]


async def _nothing_to_hand_on(
    done: Committed, sent: Sequence[int], answered: Sequence[int]
) -> None:
    """There is no broker to hand anything to."""
