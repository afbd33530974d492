"""A month of the stock book ends: on a real PostgreSQL, with the service's own store and door."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest
from builders import SKU, accepted, alloc, line, received, shipped
from database import Database
from test_api import client

from oms_chassis import ageing
from oms_chassis.http import Door
from oms_chassis.migrate import drift, migrate
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_inventory import migrations
from oms_inventory.migrations import MOVEMENTS
from oms_inventory.tables import Base

JANUARY = datetime(2031, 1, 31, 23, 59, 59, tzinfo=UTC)
FEBRUARY = JANUARY + timedelta(seconds=1)
MARCH = datetime(2031, 3, 1, tzinfo=UTC)
WHERE = "SELECT number, tableoid::regclass::text AS part FROM movement ORDER BY number"


@pytest.fixture
async def door(dsn: str, tmp_path: Path) -> AsyncIterator[Door]:
    settings = Settings(
        service="inventory", kafka_bootstrap="-", database_dsn=dsn,
        api_keys_file=tmp_path / "keys.json",
    )  # fmt: skip

    async def no_commands(*_: object) -> dict[str, object]:
        return {}

    made = Door(settings, KeyRing.create(tmp_path / "ring.json"), no_commands)
    yield made
    await made.close()


async def listed(door: Door) -> list[tuple[int, int, int]]:
    """The stock book as people read it, page by page: numbers and balances, newest first."""
    seen: list[tuple[int, int, int]] = []
    params: dict[str, object] = {"location": "main", "limit": 2}
    async with client(door, "stock:read") as http:
        while True:
            page = (await http.get(f"/stock/{SKU}/movements", params=params)).json()
            seen += [
                (m["number"], m["on_hand_after"], m["reserved_after"]) for m in page["movements"]
            ]
            if page["next"] is None:
                return seen
            params["before"] = page["next"]


async def story(db: asyncpg.Connection) -> None:
    """Goods come in January; they are set aside and leave in February and March."""
    await Database(db, now=JANUARY).hear(received(5, cause_id="r-1"))
    await Database(db, now=FEBRUARY).hear(accepted("o1", line(2)))
    await Database(db, now=MARCH).hear(shipped("o1", alloc(2)))


async def test_a_month_of_the_book_rolls_over_and_leaves_when_it_is_old(
    db: asyncpg.Connection, door: Door
) -> None:
    await ageing.keep(db, MOVEMENTS, FEBRUARY, leave=False)
    await story(db)
    assert [tuple(row) for row in await db.fetch(WHERE)] == [
        (1, "movement_20310101"), (2, "movement_20310201"), (3, "movement_20310301"),
    ]  # fmt: skip
    assert await listed(door) == [(3, 3, 0), (2, 5, 2), (1, 5, 0)]
    february_2033 = datetime(2033, 2, 1, tzinfo=UTC)
    done = await ageing.keep(db, MOVEMENTS, february_2033, leave=True)
    assert "moved movement_20310101 to schema aged" in done
    assert await listed(door) == [(3, 3, 0), (2, 5, 2)]
    assert await db.fetchval("SELECT number FROM aged.movement_20310101") == 1
    assert await db.fetchval("SELECT max(ends) FROM aged_out WHERE of = 'movement'") == FEBRUARY
    await Database(db, now=february_2033).hear(received(1))
    assert (await listed(door))[0] == (4, 4, 0)


async def test_nothing_is_lost_while_nobody_makes_months(
    db: asyncpg.Connection, door: Door
) -> None:
    years = [JANUARY.replace(year=2040), FEBRUARY.replace(year=2040), MARCH.replace(year=2040)]
    for n, now in enumerate(years):
        assert await Database(db, now=now).hear(received(1, cause_id=f"r-{n}"))
        assert await Database(db, now=now).hear(received(1, cause_id=f"r-{n}")) == []
    assert {row["part"] for row in await db.fetch(WHERE)} == {"movement_rest"}
    book = await listed(door)
    await ageing.keep(db, MOVEMENTS, years[-1], leave=True)
    assert [row["part"] for row in await db.fetch(WHERE)] == [
        "movement_20400101", "movement_20400201", "movement_20400301",
    ]  # fmt: skip
    assert await listed(door) == book
    assert await Database(db, now=years[-1]).hear(received(1, cause_id="r-0")) == []


async def test_a_book_that_was_kept_before_months_becomes_the_first(
    db: asyncpg.Connection, dsn: str, door: Door, tmp_path: Path
) -> None:
    await db.execute("DROP SCHEMA public, aged CASCADE; CREATE SCHEMA public")
    for revision in sorted(Path(migrations.__path__[0]).glob("000[12]_*.py")):
        shutil.copy(revision, tmp_path)
    before = ModuleType("before")
    before.__path__ = [str(tmp_path)]
    await migrate(dsn, before, say=lambda _: None)
    await story(db)
    await migrate(dsn, migrations, say=lambda _: None)
    assert {row["part"] for row in await db.fetch(WHERE)} == {"movement_before"}
    assert await listed(door) == [(3, 3, 0), (2, 5, 2), (1, 5, 0)]
    april = datetime(2031, 4, 1, tzinfo=UTC)
    await ageing.keep(db, MOVEMENTS, april, leave=False)
    await Database(db, now=april).hear(received(1))
    assert (await db.fetch(WHERE))[-1]["part"] == "movement_20310401"
    assert await drift(dsn, Base.metadata) == []
