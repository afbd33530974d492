"""Inventory on a real database: what `memory` does, by the service's own store."""

from __future__ import annotations

from datetime import datetime

import asyncpg
from builders import NOW

from oms_chassis.decision import Input
from oms_chassis.fold import Held, Outcome, fold
from oms_contracts.event import Event
from oms_inventory.codecs import decode_reservation, decode_sku
from oms_inventory.domain import Policy, Reservation, Sku
from oms_inventory.inputs import roots
from oms_inventory.main import service
from oms_inventory.store import STORE

TENANT = "main"
PARTITIONS = 12


class Database:
    """Decides batches of inputs, one transaction each, as the service would."""

    def __init__(
        self, db: asyncpg.Connection, policy: Policy | None = None, now: datetime = NOW
    ) -> None:
        self.db, self.now = db, now
        self.core = service.core(policy or Policy())

    async def hear(self, *inputs: Input) -> list[Event]:
        """One batch; what was said about it. An input that cannot be decided fails the test."""
        async with self.db.transaction():
            out = await self.decide(*inputs)
        return [fact.body for fact in out.facts]

    async def decide(self, *inputs: Input) -> Outcome:
        """Load, decide and save within the transaction at hand."""
        refs = dict.fromkeys(ref for item in inputs for ref in roots(item))
        held = await STORE.load(self.db, TENANT, refs, inputs, PARTITIONS)
        before = {ref: root.state for ref, root in held.items()}
        out = fold(self.core, held, [(roots(i)[0], i) for i in inputs], self.now, set())
        for failed in out.failed:
            raise AssertionError(f"{failed.input.body} was parked") from failed.error
        await STORE.save(self.db, TENANT, before, held, out.rows)
        return out

    async def loaded(self, *inputs: Input) -> dict[tuple[str, str], Held]:
        """What these inputs would be decided over."""
        refs = dict.fromkeys(ref for item in inputs for ref in roots(item))
        async with self.db.transaction():
            return await STORE.load(self.db, TENANT, refs, inputs, PARTITIONS)

    async def sku(self, key: str = "A-1") -> Sku:
        """A SKU's document."""
        return decode_sku(await self.db.fetchval("SELECT doc FROM sku WHERE sku = $1", key))

    async def reservation(self, order_id: str) -> Reservation:
        """A reservation's document."""
        query = "SELECT doc FROM reservation WHERE order_id = $1"
        return decode_reservation(await self.db.fetchval(query, order_id))

    async def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What the database holds."""
        return [tuple(row) for row in await self.db.fetch(query, *values)]


async def empty(db: asyncpg.Connection) -> None:
    """Forget everything, the stock book included: only a test may."""
    tables = await db.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT IN ('migration', 'machinery_version')"
    )
    guarded = await db.fetch(
        "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'never_changed'"
    )
    async with db.transaction():
        for table in guarded:
            await db.execute(f"ALTER TABLE {table['name']} DISABLE TRIGGER never_changed")
        await db.execute(f"TRUNCATE {', '.join(row['tablename'] for row in tables)}")
        for table in guarded:
            await db.execute(f"ALTER TABLE {table['name']} ENABLE TRIGGER never_changed")
