"""Orders that were there before: copies of real ones, made inside the databases.

Every table that keeps rows for a finished order gets as many more, each copied from a real row
with keys of its own. So tables, indexes and their caches are as large as they would be; what the
copies say of each other is not coherent, and the log never heard of them. Therefore a session is
reconciled before the first copy is made, and afterwards judged by the ends of its own orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bench.floor.rows import FRESH, SAMPLE_ROWS
from oms_platform import PlatformState

PIECE_ROWS = 200_000
"""Rows made in one transaction."""
_KEPT_ORDERS = "SELECT count(*) FROM orders"
_COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""
_UUID_NOW = (
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') "
    "|| substr(md5(random()::text || g), 1, 20))::uuid"
)
_TEXT = "md5(random()::text || g) || substr(md5(g::text), 1, 4)"
_NEW = {
    "uuid": _UUID_NOW,
    "bigint": "nextval('bench_copies')",
    "text": _TEXT,
    "character varying": _TEXT,
}
"""A value of its own for each row, by type."""


def admin_dsns(state: PlatformState) -> dict[str, str]:
    """The services' databases as the administrator, who may leave triggers out."""
    admin = urlsplit(state.admin_dsn)
    return {
        service: urlunsplit(admin._replace(path=urlsplit(dsn).path))
        for service, dsn in state.dsns.items()
    }


async def fill(dsns: Mapping[str, str], kept_rows: Mapping[str, float], wanted: int) -> int:
    """Copy until `wanted` orders lie in the stores; `kept_rows` are rows per order, by
    `service.table`. Returns how many were copied."""
    db = await asyncpg.connect(dsns["order"])
    try:
        missing = wanted - int(await db.fetchval(_KEPT_ORDERS))
    finally:
        await db.close()
    if missing > 0:
        await asyncio.gather(
            *(_fill(dsn, service, kept_rows, missing) for service, dsn in dsns.items())
        )
    return max(missing, 0)


async def _fill(dsn: str, service: str, kept_rows: Mapping[str, float], orders: int) -> None:
    db = await asyncpg.connect(dsn)
    try:
        await db.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        await db.execute(f"CREATE SEQUENCE IF NOT EXISTS bench_copies START {10**12}")
        for name, per_order in kept_rows.items():
            owner, _, table = name.partition(".")
            rows = round(per_order * orders)
            if owner == service and rows:
                await _copy(db, table, rows)
        await db.execute("DROP SEQUENCE bench_copies")
        await db.execute("VACUUM ANALYZE")
    finally:
        await db.close()


async def _copy(db: asyncpg.Connection, table: str, rows: int) -> None:
    described = await db.fetch(_COLUMNS, table)
    columns = ", ".join(r["name"] for r in described)
    values = ", ".join(
        _NEW[r["type"]] if r["name"] in FRESH and r["type"] in _NEW else f"s.{r['name']}"
        for r in described
    )
    await db.execute(
        f"CREATE TEMP TABLE sample AS SELECT {columns}, row_number() OVER () - 1 AS nth "
        f"FROM (SELECT * FROM {table} LIMIT {SAMPLE_ROWS}) AS picked"
    )
    known = await db.fetchval("SELECT count(*) FROM sample")
    for begin in range(0, rows if known else 0, PIECE_ROWS):
        end = min(begin + PIECE_ROWS, rows) - 1
        await db.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} "
            f"FROM generate_series({begin}, {end}) AS g JOIN sample s ON s.nth = g % {known}",
            timeout=None,
        )
    await db.execute("DROP TABLE sample")
