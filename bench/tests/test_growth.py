"""Orders stored before: as many rows as real ones would have, in every table that keeps them."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from bench.growth import admin_dsns, fill
from bench.guard import ORDERS, count, databases

from oms_platform import SERVICES

WANTED = 1_000
_TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
AND relnamespace = 'public'::regnamespace
"""


async def rows(dsns: dict[str, str]) -> dict[str, int]:
    found = {}
    for service in SERVICES:
        db = await asyncpg.connect(dsns[service])
        for (table,) in await db.fetch(_TABLES):
            found[f"{service}.{table}"] = await db.fetchval(f"SELECT count(*) FROM {table}")
        await db.close()
    return found


async def test_every_table_grows_with_the_orders(tmp_path: Path) -> None:
    async with databases(tmp_path) as state:
        await count(state.dsns, tmp_path)
        dsns = admin_dsns(state)
        before = await rows(dsns)
        of_orders = {name: n / ORDERS for name, n in before.items() if n >= ORDERS / 2}
        assert await fill(dsns, of_orders, WANTED) == WANTED - ORDERS
        after = await rows(dsns)
    assert after["order.orders"] == WANTED
    for name, per_order in of_orders.items():
        assert after[name] == before[name] + round(per_order * (WANTED - ORDERS)), name
