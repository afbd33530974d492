"""What has ended leaves the stores of all six services, and what still matters stays."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio
from conftest import Played
from world import TENANT

from oms_chassis.retiring import MONTHS_MIN, of_service, retire
from oms_cli.reconcile.stores import service
from oms_platform import SERVICES

in_one_loop = pytest.mark.asyncio(loop_scope="session")
LATER = datetime(2046, 3, 1, tzinfo=UTC)
ALL = 10_000


@pytest_asyncio.fixture(loop_scope="session")
async def stores(
    played: Played, dsns: dict[str, str]
) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """The stores of the played world, in transactions that are rolled back."""
    async with AsyncExitStack() as stack:
        found = {}
        for name, dsn in dsns.items():
            db = found[name] = await asyncpg.connect(dsn)
            stack.push_async_callback(db.close)
            transaction = db.transaction()
            await transaction.start()
            stack.push_async_callback(transaction.rollback)
        yield found


async def leave(
    stores: dict[str, asyncpg.Connection], now: datetime = LATER, rows_max: int = ALL
) -> dict[str, int]:
    """One pass over every store."""
    gone = {}
    for name, db in stores.items():
        for ended in of_service(importlib.import_module(f"oms_{name}.migrations")):
            gone[ended.table] = await retire(db, TENANT, ended, now, 36, rows_max)
    return gone


@in_one_loop
async def test_every_service_declares_its_roots_of_orders_by_the_names_the_store_has() -> None:
    for name in SERVICES:
        (ended,) = of_service(importlib.import_module(f"oms_{name}.migrations"))
        roots = {r.kind: (r.table.__tablename__, r.key) for r in service(name).store.roots}
        assert roots[ended.kind] == (ended.table, ended.key)


@in_one_loop
async def test_what_has_ended_leaves_with_all_that_hangs_on_it(
    stores: dict[str, asyncpg.Connection],
) -> None:
    gone = await leave(stores)
    assert all(gone.values()), gone
    order = stores["order"]
    statuses = {row[0] for row in await order.fetch("SELECT DISTINCT status FROM aged.orders")}
    assert statuses and statuses <= {"completed", "cancelled"}
    assert not await order.fetchval(
        "SELECT count(*) FROM orders o WHERE status IN ('completed', 'cancelled') "
        "AND NOT EXISTS (SELECT FROM due WHERE key = o.order_id)"
    )
    warehouse = stores["warehouse"]
    assert await warehouse.fetchval("SELECT count(*) FROM aged.delivery_address")
    assert not await warehouse.fetchval(
        "SELECT count(*) FROM delivery_address d WHERE NOT EXISTS "
        "(SELECT FROM fulfilment f WHERE f.fulfilment_id = d.fulfilment_id)"
    )
    assert not await stores["inventory"].fetchval(
        "SELECT count(*) FROM aged.reservation r JOIN allocation a USING (tenant, order_id)"
    )
    assert not await stores["billing"].fetchval(
        "SELECT count(*) FROM aged.payment p JOIN open_item i USING (tenant, order_id)"
    )


@in_one_loop
async def test_what_awaits_something_or_is_parked_stays(
    stores: dict[str, asyncpg.Connection],
) -> None:
    db = stores["notify"]
    keys = [row[0] for row in await db.fetch("SELECT order_id FROM messages ORDER BY 1 LIMIT 2")]
    await db.execute(
        "INSERT INTO due (kind, key, partition, at) VALUES ('messages', $1, 0, now()) "
        "ON CONFLICT DO NOTHING", keys[0],
    )  # fmt: skip
    await db.execute(
        "INSERT INTO parked (kind, key, source, id, input_key, partition, topic, type, "
        "happened_at, traceparent, body, reason) VALUES "
        "('messages', $1, 'record', gen_random_uuid(), $1, 0, '', '', now(), '', '', '')", keys[1],
    )  # fmt: skip
    await leave(stores)
    left = {row[0] for row in await db.fetch("SELECT order_id FROM messages")}
    assert set(keys) <= left


@in_one_loop
async def test_no_more_leave_at_once_than_was_asked_and_none_too_early(
    stores: dict[str, asyncpg.Connection],
) -> None:
    assert not any((await leave(stores, datetime.now(UTC))).values())
    before = await stores["order"].fetchval("SELECT count(*) FROM orders")
    gone = await leave(stores, rows_max=2)
    assert max(gone.values()) == 2
    assert await stores["order"].fetchval("SELECT count(*) FROM orders") == before - 2
    (ended,) = of_service(importlib.import_module("oms_order.migrations"))
    with pytest.raises(ValueError, match=f"{MONTHS_MIN} months at least"):
        await retire(stores["order"], TENANT, ended, LATER, MONTHS_MIN - 1)
