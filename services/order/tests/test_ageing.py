"""A month of the history ends: on a real PostgreSQL, with the service's own cycle and door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
from running import Running
from story import ORDER_ID, placed

from oms_chassis import ageing
from oms_chassis.ageing import HISTORY, INBOX
from oms_chassis.decision import mint_id

WHERE = """
SELECT DISTINCT tableoid::regclass::text AS part FROM inbox WHERE type LIKE 'Said%' ORDER BY 1
"""
HEARD = """
INSERT INTO inbox (id, key, at, happened_at, type, actor, topic, body)
VALUES ($1, $2, $3, $3, $4, 'ann', '', '{}')
"""
JANUARY = datetime(2031, 1, 31, 23, 59, 59, tzinfo=UTC)
MOMENTS = (JANUARY, JANUARY + timedelta(seconds=1), datetime(2031, 3, 1, tzinfo=UTC))


async def told(running: Running) -> list[str]:
    """The history as the order's page shows it."""
    page = (await running.clients["ann"].get(f"/orders/{ORDER_ID}")).json()
    return [entry["type"] for entry in page["history"]]


async def hear(dsn: str, *moments: datetime) -> None:
    """Inputs about the order, heard at those moments."""
    db = await asyncpg.connect(dsn)
    for n, at in enumerate(moments):
        await db.execute(HEARD, mint_id(at, f"{n}"), ORDER_ID, at, f"Said{at:%Y%m}")
    await db.close()


async def keep(dsn: str, now: datetime, *, leave: bool = True) -> list[str]:
    """What the hourly upkeep does."""
    db = await asyncpg.connect(dsn)
    done = await ageing.keep(db, HISTORY, now, leave=leave)
    await db.close()
    return done


async def test_a_month_of_the_history_rolls_over_and_leaves_when_it_is_old(
    running: Running, dsn: str
) -> None:
    await running.receive(placed())
    first = await told(running)
    for at in MOMENTS:
        await keep(dsn, at, leave=False)
    await hear(dsn, *MOMENTS)
    parts = [row["part"] for row in await running.rows(WHERE)]
    assert parts == ["inbox_20310101", "inbox_20310201", "inbox_20310301"]
    assert await told(running) == [*first, "Said203101", "Said203102", "Said203103"]
    done = await keep(dsn, datetime(2033, 2, 15, tzinfo=UTC))
    assert "moved inbox_20310101 to schema aged" in done
    assert await told(running) == ["Said203102", "Said203103"]
    [row] = await running.rows("SELECT type FROM aged.inbox_20310101")
    assert row["type"] == "Said203101"


async def test_nothing_is_lost_while_nobody_makes_months(running: Running, dsn: str) -> None:
    await running.receive(placed())
    moments = [at.replace(year=2040) for at in MOMENTS]
    await hear(dsn, *moments)
    assert "inbox_rest" in [row["part"] for row in await running.rows(WHERE)]
    history = await told(running)
    await keep(dsn, moments[-1], leave=False)
    assert "inbox_rest" not in [row["part"] for row in await running.rows(WHERE)]
    assert await told(running) == history


async def test_the_weeks_of_an_earlier_release_stay_as_they_are(running: Running, dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    at = datetime(2060, 5, 17, tzinfo=UTC)
    await ageing.keep(db, INBOX, at, leave=False)
    await db.close()
    await running.receive(placed())
    await hear(dsn, at, at + timedelta(weeks=7))
    await keep(dsn, at + timedelta(weeks=7), leave=False)
    parts = [row["part"] for row in await running.rows(WHERE)]
    assert parts == ["inbox_20600517", "inbox_20600701"]
    assert len(await told(running)) == 3
