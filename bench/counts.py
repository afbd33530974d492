"""What the stores, the services and the log counted themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import httpx

from oms_cli.stack import Stack

Figures = dict[str, float]
SERVICE_COUNTERS = {
    "oms_relay_publishes_total": "publishes",
    "oms_inputs_total": "inputs",
    "oms_skipped_total": "skips",
    "oms_cycle_seconds_count": "transactions",
    "oms_effect_outcomes_total": "calls",
    "oms_dead_letters_total": "dead_letters",
}
"""Prometheus metrics and what they are called here."""
_TABLES = """
SELECT coalesce(whole.relname, s.relname), n_tup_ins AS inserted, n_tup_upd AS updated,
  n_tup_del AS deleted
FROM pg_stat_user_tables s LEFT JOIN pg_inherits i ON i.inhrelid = s.relid
LEFT JOIN pg_class whole ON whole.oid = i.inhparent
"""
"""A partition's rows are its table's."""
_SIZES = """
SELECT coalesce(whole.relname, c.relname), sum(pg_total_relation_size(c.oid))
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class whole ON whole.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1
"""


async def by_services(stack: Stack) -> Figures:
    """Counters of all services and their replicas together; `consumes` are inputs that were
    records of the log."""
    totals = dict.fromkeys([*SERVICE_COUNTERS.values(), "consumes"], 0.0)
    async with httpx.AsyncClient(timeout=30) as client:
        for name in stack.services:
            text = (await client.get(f"{stack.system.urls[name]}/metrics")).text
            for metric, label in SERVICE_COUNTERS.items():
                totals[label] += _sum(text, metric)
            totals["consumes"] += _records(text)
    return totals


def _sum(text: str, metric: str) -> float:
    return sum(float(v) for v in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.M))


def _records(text: str) -> float:
    """Inputs that have the type of an event; outcomes, wake-ups and commands have none."""
    found = re.findall(r"^oms_inputs_total{(.*)} (\S+)$", text, re.M)
    return sum(float(v) for labels, v in found if 'type="oms.' in labels)


async def table_rows(stack: Stack) -> dict[str, Figures]:
    """Rows inserted, updated and deleted so far, by `service.table`."""
    rows: dict[str, Figures] = {}
    for name, dsn in stack.system.check_dsns.items():
        db = await asyncpg.connect(dsn)
        try:
            for table, inserted, updated, deleted in await db.fetch(_TABLES):
                kept = rows.setdefault(f"{name}.{table}", {})
                for kind, n in (("insert", inserted), ("update", updated), ("delete", deleted)):
                    kept[kind] = kept.get(kind, 0.0) + n
        finally:
            await db.close()
    return rows


async def stored_bytes(stack: Stack) -> Figures:
    """Bytes that tables take with their indexes, by `service.table`."""
    sizes: Figures = {}
    for name, dsn in stack.system.check_dsns.items():
        db = await asyncpg.connect(dsn)
        try:
            for table, size in await db.fetch(_SIZES):
                sizes[f"{name}.{table}"] = float(size)
        finally:
            await db.close()
    return sizes


def written(rows: Mapping[str, Figures]) -> float:
    """All row writes together."""
    return sum(sum(kinds.values()) for kinds in rows.values())


async def database(stack: Stack) -> Figures:
    """Bytes of write-ahead log, commits and connections, by the server's own account."""
    db = await asyncpg.connect(stack.platform.state.admin_dsn)
    try:
        wal = await db.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        commits = await db.fetchval(
            "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname LIKE 'oms_%'"
        )
        held = await db.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'oms_%'")
    finally:
        await db.close()
    return {"wal_bytes": float(wal), "commits": float(commits), "connections": float(held)}


def log_bytes(stack: Stack) -> Figures:
    """Bytes that each topic takes on the broker's disk."""
    sizes: Figures = {}
    for file in Path(stack.run_dir).glob("kafka/*/data/oms.*/*.log"):
        topic = file.parent.name.rpartition("-")[0]
        sizes[topic] = sizes.get(topic, 0.0) + file.stat().st_size
    return sizes
