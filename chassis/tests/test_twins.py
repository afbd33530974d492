"""Two replicas hear the same for a moment: who comes second decides on what the first left."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from oms_chassis import migrate
from oms_chassis.cycle import Cycle
from oms_chassis.decision import Decision, Input, mint_id
from oms_chassis.fold import Core
from oms_chassis.outbox import Writer
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Tracer
from oms_chassis.work import Source, Work

sys.path.insert(0, str(Path(__file__).parent))  # where the toy package lies

import toy.migrations
from toy.service import Account, Deposited, Policy, decide, service

DEADLINE_SECONDS = 20.0
NOW = datetime.now(UTC)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def _strict(account: Account | None, item: Input, now: datetime) -> Decision:
    """A later deposit about an account that is not there cannot be decided."""
    if account is None and item.body.amount != 1:
        raise ValueError("there is no such account")
    return decide(Policy(), account, item, now)


def _deposit(amount: int) -> Work:
    item = Input(mint_id(NOW, f"deposit {amount}"), "a-1", Deposited(amount=amount), NOW)
    return Work(item, Source.RECORD, ("account", "a-1"), Deposited.TYPE)


async def test_what_the_first_gave_birth_to_is_seen_by_the_second(dsn: str, tmp_path: Path) -> None:
    await migrate.migrate(dsn, toy.migrations, say=lambda _: None)
    settings = Settings(service="toy", kafka_bootstrap="-", database_dsn=dsn, data_dir=tmp_path)
    toys = service.core(Policy())
    core = Core(toys.kinds, toys.roots_of, _strict, toys.deadline)
    tracer, ring = Tracer(settings), KeyRing.create(tmp_path / "ring.json")
    second = Cycle(core, service.store, Writer("second", 6, tracer), ring, "main", 6)
    async with asyncpg.create_pool(dsn, min_size=3, max_size=3) as pool:
        async with pool.acquire() as db, db.transaction():  # the first, before its commit
            first = Cycle(
                core, service.store, Writer("first", 6, Tracer(settings)), ring, "main", 6
            )
            await first.run(db, [_deposit(1)])
            task = asyncio.create_task(_run(pool, second, [_deposit(1), _deposit(4)]))
            await _waits(pool)
        assert (await task).newly_parked == 0
        assert await pool.fetchval("SELECT balance FROM account") == 5


async def _run(pool: asyncpg.Pool, cycle: Cycle, works: list[Work]) -> Any:
    async with pool.acquire() as db:
        return await cycle.run(db, works)


async def _waits(pool: asyncpg.Pool) -> None:
    give_up = time.monotonic() + DEADLINE_SECONDS
    while not await pool.fetchval(WAITING):
        assert time.monotonic() < give_up, "the second never waited for the first"
        await asyncio.sleep(0.02)
