"""Inventory in the chassis' own cycle: batches, deadlines and numbers on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from builders import SKU, accepted, heard, line, received
from database import PARTITIONS, TENANT

from oms_chassis import due
from oms_chassis.cycle import Committed, Cycle
from oms_chassis.decision import Input
from oms_chassis.outbox import Writer, unpack
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Tracer
from oms_chassis.work import FactRow, Source, Work
from oms_contracts import wire
from oms_contracts.goods import StockCounted
from oms_inventory.domain import Policy
from oms_inventory.inputs import WAITERS_MAX, roots
from oms_inventory.main import service
from oms_inventory.store import STORE

ALL = list(range(PARTITIONS))


@pytest.fixture
def cycle(dsn: str, tmp_path: Path) -> Cycle:
    settings = Settings(
        service="inventory", kafka_bootstrap="-", database_dsn=dsn, trace_ratio=0.0,
        data_dir=tmp_path,
    )  # fmt: skip
    core = service.core(Policy(level_every_seconds=3600))
    writer = Writer("test", PARTITIONS, Tracer(settings))
    return Cycle(core, STORE, writer, KeyRing.create(tmp_path / "ring"), TENANT, PARTITIONS)


async def hear(cycle: Cycle, db: asyncpg.Connection, *inputs: Input) -> Committed:
    works = [
        Work(i, Source.RECORD, cycle.core.home(i), i.body.TYPE, raw=wire.encode(i.body))
        for i in inputs
    ]
    return await cycle.run(db, works)


async def test_each_input_is_at_home_where_its_roots_say(cycle: Cycle) -> None:
    for item in (accepted("o1"), received(1)):
        assert cycle.core.home(item) == roots(item)[0]


async def test_a_queue_longer_than_one_transaction_serves_is_served_by_wake_ups(
    cycle: Cycle, db: asyncpg.Connection
) -> None:
    waiting = WAITERS_MAX + 20
    await hear(cycle, db, *(accepted(f"o{n:04}", line(1), minute=n) for n in range(waiting)))
    await hear(cycle, db, received(waiting))
    held = "SELECT count(*), max(order_id) FROM allocation"
    assert tuple(await db.fetchrow(held)) == (WAITERS_MAX, f"o{WAITERS_MAX - 1:04}")
    await cycle.run(db, await due.fired(db, ALL, 0.0))
    assert tuple(await db.fetchrow(held)) == (waiting, f"o{waiting - 1:04}")
    assert await db.fetchval("SELECT count(*) FROM backorder") == 0
    assert await db.fetchval("SELECT count(*) FROM parked") == 0


async def test_a_level_held_back_is_due_when_the_interval_is_over(
    cycle: Cycle, db: asyncpg.Connection
) -> None:
    await hear(cycle, db, received(1))
    await hear(cycle, db, received(1))
    [published] = await _said(db)
    at = await db.fetchval("SELECT at FROM due WHERE kind = 'sku' AND key = $1", published.key)
    assert at - published.at == timedelta(seconds=3600)


async def test_what_is_said_of_a_sku_and_of_an_order_is_numbered_apart(
    cycle: Cycle, db: asyncpg.Connection
) -> None:
    await hear(cycle, db, accepted("o1", line(1)), accepted("o2", line(1)), received(1))
    said = await _said(db)
    by_key: dict[str, list[tuple[str, int]]] = {}
    for fact in said:
        by_key.setdefault(fact.key, []).append((fact.type.split(".")[2], fact.sequence))
    assert by_key == {
        "o1": [("StockReserved", 1), ("BackorderFilled", 2)],
        "o2": [("StockReserved", 1)],
        SKU: [
            ("BackorderRaised", 1), ("StockLevelChanged", 1), ("BackorderRaised", 2),
            ("BackorderRaised", 3),
        ],
    }  # fmt: skip


async def test_a_fact_about_another_sku_than_its_key_parks_that_key_alone(
    cycle: Cycle, db: asyncpg.Connection
) -> None:
    count = StockCounted(sku="B-2", location="main", counted_qty=4, cause_id="c-1")
    await hear(cycle, db, heard(count, SKU), received(2, "C-3"))
    (parked,) = await db.fetch("SELECT kind, key FROM parked")
    assert tuple(parked) == ("sku", SKU)
    assert await db.fetchval("SELECT on_hand FROM stock WHERE sku = 'C-3'") == 2


async def _said(db: asyncpg.Connection) -> list[FactRow]:
    rows = await db.fetch("SELECT body FROM outbox ORDER BY id")
    return [fact for row in rows for fact in unpack(row["body"])]
