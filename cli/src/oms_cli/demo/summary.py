"""What came of a demo: states, money, stock, mails, and how long orders took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from oms_cli.stack import System

_TOOK = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY seconds)::float[] FROM (
  SELECT extract(
    epoch FROM min(at) FILTER (WHERE type = 'oms.shipping.Shipped.v1') - min(at)) AS seconds
  FROM inbox WHERE at >= $1 GROUP BY key) AS orders WHERE seconds IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one demo."""

    ends: Counter[str]
    took_seconds: Sequence[float]
    """p50 and p99 from accepted to handed over to the carrier."""
    ledger: list[tuple[str, str, int]]
    """Account, currency and balance (debit less credit, in minor units)."""
    on_hand: int
    reserved: int
    backordered: int
    mails: int


async def summarise(system: System, ends: Iterable[str], since: datetime) -> Summary:
    """Read the figures with read-only roles."""
    [took] = await _read(system, "order", _TOOK, since)
    balances = await _read(
        system,
        "billing",
        "SELECT e.account, j.currency, sum(e.debit_minor - e.credit_minor)::bigint AS balance "
        "FROM journal_entry e JOIN journal j USING (tenant, journal_id) "
        "GROUP BY e.account, j.currency ORDER BY e.account, j.currency",
    )
    [stock] = await _read(
        system,
        "inventory",
        "SELECT coalesce(sum(on_hand), 0)::bigint AS on_hand, "
        "coalesce(sum(reserved), 0)::bigint AS reserved FROM stock",
    )
    [queue] = await _read(
        system, "inventory", "SELECT coalesce(sum(qty), 0)::bigint AS units FROM backorder"
    )
    return Summary(
        ends=Counter(ends),
        took_seconds=took[0] or (),
        ledger=[(r["account"], r["currency"], r["balance"]) for r in balances],
        on_hand=stock["on_hand"],
        reserved=stock["reserved"],
        backordered=queue["units"],
        mails=sum(1 for _ in (Path(system.data_dir) / "mails").rglob("*.eml")),
    )


async def _read(system: System, service: str, query: str, *values: object) -> list[asyncpg.Record]:
    db = await asyncpg.connect(system.check_dsns[service])
    try:
        return list(await db.fetch(query, *values))
    finally:
        await db.close()
