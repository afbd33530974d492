"""What came of a demo: money, stock, mails, and how long orders took; read by read-only roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from oms_cli.stack import System

_TOOK = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY seconds)::float[] FROM (
  SELECT extract(
    epoch FROM min(at) FILTER (WHERE type = 'oms.shipping.Shipped.v1') - min(at)) AS seconds
  FROM inbox WHERE key = ANY($1::text[]) GROUP BY key) AS orders WHERE seconds IS NOT NULL
"""
_CHARGED = """
SELECT currency, sum(net_minor + tax_minor)::bigint AS minor FROM invoice
WHERE order_id = ANY($1::text[]) GROUP BY currency ORDER BY currency
"""
_LEDGER = """
SELECT e.account, j.currency, sum(e.debit_minor - e.credit_minor)::bigint AS balance
FROM journal_entry e JOIN journal j USING (tenant, journal_id)
GROUP BY e.account, j.currency ORDER BY e.account, j.currency
"""
_STOCK = """
SELECT coalesce(sum(on_hand), 0)::bigint AS on_hand, coalesce(sum(reserved), 0)::bigint AS reserved,
       (SELECT coalesce(sum(qty), 0)::bigint FROM backorder) AS backordered FROM stock
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures: of this demo's orders, and (ledger, stock, mails) of the whole system."""

    took_seconds: Sequence[float]
    """p50 and p99 from accepted to handed over to the carrier; empty if nothing was."""
    charged: Counter[str]
    """What customers were charged whose charge was predicted, in minor units by currency."""
    ledger: list[tuple[str, str, int]]
    """Account, currency and balance (debit less credit, in minor units)."""
    on_hand: int
    reserved: int
    backordered: int
    mails: int


async def summarise(system: System, orders: Sequence[str], charged: Sequence[str]) -> Summary:
    """Read the figures; `orders` are the ids of all, `charged` of those with a predicted charge."""
    [took] = await _read(system, "order", _TOOK, orders)
    [stock] = await _read(system, "inventory", _STOCK)
    return Summary(
        took_seconds=took[0] or (),
        charged=Counter(dict(await _read(system, "billing", _CHARGED, charged))),
        ledger=[tuple(row) for row in await _read(system, "billing", _LEDGER)],
        on_hand=stock["on_hand"],
        reserved=stock["reserved"],
        backordered=stock["backordered"],
        mails=sum(1 for _ in (Path(system.data_dir) / "mails").rglob("*.eml")),
    )


async def _read(system: System, service: str, query: str, *values: object) -> list[asyncpg.Record]:
    db = await asyncpg.connect(system.check_dsns[service])
    try:
        return list(await db.fetch(query, *values))
    finally:
        await db.close()
