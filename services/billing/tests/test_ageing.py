"""A month of the ledger ends: on a real PostgreSQL, with the service's own store and door."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from uuid import UUID

import asyncpg
import httpx
from builders import TOTAL, requested, shipped
from database import Database
from test_api import client, database, door, http  # noqa: F401 (fixtures)

from oms_billing import migrations
from oms_billing.migrations import LEDGER
from oms_billing.store import STORE
from oms_chassis import ageing
from oms_chassis.decision import mint_id
from oms_chassis.migrate import drift, migrate
from oms_contracts.order import PaymentRequested

JANUARY = datetime(2031, 1, 31, 23, 59, 59, tzinfo=UTC)
MARCH = datetime(2031, 3, 1, tzinfo=UTC)
EVER = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
WHERE = """
SELECT j.tableoid::regclass::text AS journals, e.tableoid::regclass::text AS entries
FROM journal j JOIN journal_entry e USING (tenant, journal_id) GROUP BY 1, 2 ORDER BY 1
"""


def asked(at: datetime) -> PaymentRequested:
    """A payment in advance that was asked for then."""
    request_id = str(mint_id(at, "ask"))
    return requested("ref", method="prepaid").model_copy(update={"request_id": request_id})


def order_of(at: datetime) -> str:
    """An order of that month."""
    return str(mint_id(at, "order"))


async def pay(db: asyncpg.Connection, at: datetime) -> None:
    """An order is paid in advance, and shipped a month later."""
    await Database(db, at).tell(asked(at), key=order_of(at))
    later = Database(db, at + timedelta(days=31))
    await later.tell(shipped("S-1", ("1", 2)), key=order_of(at))


async def exported(http: httpx.AsyncClient) -> list[str]:  # noqa: F811
    """The ledger as accounting gets it."""
    return (await http.get("/ledger/journals.csv", params=EVER)).text.splitlines()[1:]


async def balances(http: httpx.AsyncClient) -> dict[str, int]:  # noqa: F811
    """The trial balance."""
    rows = (await http.get("/ledger/trial-balance", params={"at": EVER["to"]})).json()
    return {row["account"]: row["balance_minor"] for row in rows}


async def test_a_month_of_the_ledger_rolls_over_and_leaves_when_it_is_old(
    db: asyncpg.Connection,
    http: httpx.AsyncClient,  # noqa: F811
) -> None:
    await ageing.keep(db, LEDGER, MARCH, leave=False)
    for at in (JANUARY, JANUARY + timedelta(seconds=1), MARCH):
        await ageing.keep(db, LEDGER, at, leave=False)
        await pay(db, at)
    months = ("20310101", "20310201", "20310301")
    assert [tuple(row) for row in await db.fetch(WHERE)] == [
        (f"journal_{month}", f"journal_entry_{month}") for month in months
    ]
    ledger, sums = await exported(http), await balances(http)
    assert sums["cash"] == 3 * TOTAL and sum(sums.values()) == 0

    shipped_later = datetime(2041, 2, 1, tzinfo=UTC)
    await ageing.keep(db, LEDGER, shipped_later, leave=True)
    assert await exported(http) == ledger
    done = await ageing.keep(db, LEDGER, datetime(2041, 4, 1, tzinfo=UTC), leave=True)
    assert "moved journal_20310101 to schema aged" in done
    left = await exported(http)
    assert left == [line for line in ledger if order_of(MARCH) in line or line[37:44] > "2031-03"]
    assert await balances(http) == sums
    assert await db.fetchval("SELECT count(*) FROM aged.journal_entry_20310101") > 0


async def test_nothing_is_lost_while_nobody_makes_months(
    db: asyncpg.Connection,
    http: httpx.AsyncClient,  # noqa: F811
) -> None:
    april = datetime(2050, 4, 1, tzinfo=UTC)
    await pay(db, april)
    await pay(db, april + timedelta(days=40))
    assert [tuple(row) for row in await db.fetch(WHERE)] == [("journal_rest", "journal_entry_rest")]
    ledger, sums = await exported(http), await balances(http)
    await ageing.keep(db, LEDGER, april + timedelta(days=70), leave=True)
    assert [tuple(row) for row in await db.fetch(WHERE)] == [
        (f"journal_{month}", f"journal_entry_{month}") for month in ("20500401", "20500501")
    ]
    assert (await exported(http), await balances(http)) == (ledger, sums)


async def test_a_ledger_that_was_kept_before_months_becomes_the_first(
    db: asyncpg.Connection,
    dsn: str,
    http: httpx.AsyncClient,  # noqa: F811
    tmp_path: Path,
) -> None:
    await db.execute("DROP SCHEMA public, aged CASCADE; CREATE SCHEMA public")
    revisions = tmp_path / "before"
    revisions.mkdir()
    for revision in sorted(Path(migrations.__path__[0]).glob("000[12]_*.py")):
        shutil.copy(revision, revisions)
    before = ModuleType("before")
    before.__path__ = [str(revisions)]
    await migrate(dsn, before, say=lambda _: None)
    await pay(db, JANUARY)
    ledger = await exported(http)
    assert ledger
    await migrate(dsn, migrations, say=lambda _: None)
    assert [tuple(row) for row in await db.fetch(WHERE)] == [
        ("journal_before", "journal_entry_before")
    ]
    assert await exported(http) == ledger
    newest = UUID(int=max(row[0].int for row in await db.fetch("SELECT journal_id FROM journal")))
    following = LEDGER.period.shift(LEDGER.period.begin(LEDGER.instant(str(newest))), 1)
    await ageing.keep(db, LEDGER, following, leave=False)
    await pay(db, following)
    assert (await db.fetch(WHERE))[0]["journals"] == f"journal_{following:%Y%m%d}"
    assert await drift(dsn, STORE.base.metadata) == []
