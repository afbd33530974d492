"""Partitions by time: what is made, what leaves, and that nothing is lost meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import ModuleType
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_chassis.ageing import (
    HISTORY,
    INBOX,
    Aged,
    Period,
    Span,
    keep,
    missing,
    of_service,
)
from oms_chassis.decision import mint_id
from oms_chassis.schema import MACHINERY

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LINES = Aged(("line", "side"), "at", Period.MONTH, kept=2, by_id=False, newest="said_at")
TABLES = """
CREATE TABLE line (
  n int, at timestamptz NOT NULL, said_at timestamptz NOT NULL, PRIMARY KEY (n, at)
) PARTITION BY RANGE (at);
CREATE TABLE line_rest PARTITION OF line DEFAULT;
CREATE TABLE side (n int, at timestamptz NOT NULL, PRIMARY KEY (n, at)) PARTITION BY RANGE (at);
CREATE TABLE side_rest PARTITION OF side DEFAULT;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'never' USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER never BEFORE UPDATE OR DELETE OR TRUNCATE ON line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse();
"""

moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
periods = st.sampled_from(Period)
spans = st.lists(st.tuples(moments, st.integers(1, 90)), max_size=5).map(
    lambda found: [Span(begin, begin + timedelta(days=days)) for begin, days in found]
)


@given(periods, spans, moments, st.integers(0, 900))
def test_what_is_made_fills_every_gap_and_covers_nothing_twice(period, have, begin, days) -> None:
    end = begin + timedelta(days=days)
    made = missing(period, have, begin, end)
    for piece in made:
        assert piece.begin < piece.end
        assert period.begin(piece.begin) == period.begin(piece.end - timedelta(microseconds=1))
        assert not any(s.begin < piece.end and piece.begin < s.end for s in have)
    both = sorted([*made, *have])
    at = begin
    for span in both:
        if span.begin <= at:
            at = max(at, span.end)
    assert at >= end
    assert made == sorted(made)


@given(periods, moments, st.integers(-50, 50))
def test_periods_follow_each_other(period, at, n) -> None:
    begin = period.begin(at)
    assert begin <= at < period.shift(begin, 1)
    assert period.shift(period.shift(begin, n), -n) == begin
    assert period.begin(period.shift(begin, n)) == period.shift(begin, n)


@given(moments)
def test_an_id_is_on_the_same_side_of_a_bound_as_its_moment(at) -> None:
    bound = UUID(INBOX.bound(at).strip("'"))
    assert mint_id(at, "x") >= bound > mint_id(at - timedelta(milliseconds=2), "x")
    assert abs(INBOX.instant(str(bound)) - at) < timedelta(milliseconds=2)


def test_a_policy_may_keep_more_and_must_name_what_there_is() -> None:
    revisions = ModuleType("migrations")
    assert of_service(revisions) == [INBOX]
    revisions.AGED = (HISTORY, LINES)  # type: ignore[attr-defined]
    history, lines = of_service(revisions, {"line": 30})
    assert (history, lines.kept) == (HISTORY, 30)
    with pytest.raises(ValueError, match="liens"):
        of_service(revisions, {"liens": 30})


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A database with the machinery, and tables that age."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("DROP SCHEMA IF EXISTS aged CASCADE")
    for _, sql in MACHINERY:
        await connection.execute(sql)
    await connection.execute(TABLES)
    yield connection
    await connection.close()


async def hear(db: asyncpg.Connection, *moments: datetime) -> list[UUID]:
    """Rows of the inbox as inputs of those moments leave them."""
    ids = [mint_id(at, f"{n}") for n, at in enumerate(moments)]
    await db.execute("INSERT INTO inbox (id) SELECT unnest($1::uuid[])", ids)
    return ids


async def say(
    db: asyncpg.Connection, n: int, at: datetime, said_at: datetime | None = None
) -> None:
    await db.execute("INSERT INTO line VALUES ($1, $2, $3)", n, at, said_at or at)
    await db.execute("INSERT INTO side VALUES ($1, $2)", n, at)


async def where(db: asyncpg.Connection, table: str) -> list[str]:
    """Which partition each row lies in, in the order of rows."""
    rows = await db.fetch(f"SELECT tableoid::regclass::text AS part FROM {table} ORDER BY 1")
    return [row["part"] for row in rows]


async def test_weeks_of_the_inbox_are_made_ahead_and_old_ones_are_dropped(db) -> None:
    await keep(db, INBOX, NOW, leave=True)
    await hear(db, NOW - timedelta(weeks=1), NOW, NOW + timedelta(weeks=4))
    parts = ["inbox_20261116", "inbox_20261123", "inbox_20261221"]
    assert await where(db, "inbox") == parts
    assert await keep(db, INBOX, NOW, leave=True) == []
    later = NOW + timedelta(weeks=8)
    done = await keep(db, INBOX, later, leave=True)
    assert [deed for deed in done if deed.startswith("dropped")] == ["dropped inbox_20261116"]
    assert await where(db, "inbox") == parts[1:]


async def test_weeks_without_upkeep_lose_nothing_and_are_made_up_for(db) -> None:
    await keep(db, INBOX, NOW, leave=True)
    asleep = [NOW + timedelta(weeks=n) for n in range(12)]
    ids = await hear(db, *asleep)
    assert (await where(db, "inbox")).count("inbox_rest") == 7
    await keep(db, INBOX, asleep[-1], leave=True)
    assert "inbox_rest" not in await where(db, "inbox")
    kept = {row["id"] for row in await db.fetch("SELECT id FROM inbox")}
    assert set(ids) - kept == set(ids[:3])


async def test_what_is_dated_beyond_reason_stays_where_it_is(db) -> None:
    ids = await hear(db, datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    await keep(db, INBOX, NOW, leave=True)
    assert await where(db, "inbox") == ["inbox_rest"] * 2
    again = await db.fetch(
        "INSERT INTO inbox (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id", ids
    )
    assert again == []


async def test_a_history_goes_on_by_months_where_its_weeks_end(db) -> None:
    await keep(db, INBOX, NOW, leave=False)
    done = await keep(db, HISTORY, NOW, leave=True)
    assert done[-1] == "created inbox_20270101"
    assert "created inbox_20261228" in done
    await keep(db, HISTORY, NOW + timedelta(days=31 * 26), leave=True)
    assert await db.fetchval("SELECT count(*) FROM aged.inbox_20261116") == 0


async def test_months_of_tables_that_belong_together_leave_together(db) -> None:
    await keep(db, LINES, NOW, leave=True)
    await say(db, 1, datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    await say(db, 2, datetime(2026, 11, 1, tzinfo=UTC))
    assert await where(db, "line") == ["line_20261001", "line_20261101"]
    done = await keep(db, LINES, datetime(2027, 1, 1, tzinfo=UTC), leave=True)
    assert [deed for deed in done if deed.startswith("moved")] == [
        "moved line_20261001 to schema aged", "moved side_20261001 to schema aged",
    ]  # fmt: skip
    for table in ("line", "side"):
        assert await where(db, table) == [f"{table}_20261101"]
        assert await db.fetchval(f"SELECT n FROM aged.{table}_20261001") == 1


async def test_a_month_stays_while_something_in_it_is_newer_than_its_key(db) -> None:
    await keep(db, LINES, NOW, leave=True)
    await say(db, 1, datetime(2026, 10, 2, tzinfo=UTC), said_at=datetime(2026, 12, 1, tzinfo=UTC))
    february = datetime(2027, 2, 1, tzinfo=UTC)
    done = await keep(db, LINES, february, leave=True)
    assert [deed for deed in done if deed.startswith("moved line")] == [
        "moved line_20261101 to schema aged"
    ]
    march = datetime(2027, 3, 1, tzinfo=UTC)
    done = await keep(db, LINES, march, leave=True)
    assert "moved line_20261001 to schema aged" in done


@pytest.mark.parametrize("deed", ["UPDATE {} SET n = 9", "DELETE FROM {}", "TRUNCATE {}"])
async def test_what_the_table_refuses_its_months_refuse_too_attached_or_not(db, deed) -> None:
    await keep(db, LINES, NOW, leave=True)
    await say(db, 1, datetime(2026, 10, 2, tzinfo=UTC))
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.execute(deed.format("line_20261001"))
    await keep(db, LINES, datetime(2027, 1, 1, tzinfo=UTC), leave=True)
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.execute(deed.format("aged.line_20261001"))


async def test_a_month_that_left_can_be_brought_back(db) -> None:
    await keep(db, LINES, NOW, leave=True)
    await say(db, 1, datetime(2026, 10, 2, tzinfo=UTC))
    later = datetime(2027, 1, 1, tzinfo=UTC)
    await keep(db, LINES, later, leave=True)
    await db.execute("ALTER TABLE aged.line_20261001 SET SCHEMA public")
    await db.execute(
        "ALTER TABLE line ATTACH PARTITION line_20261001 "
        "FOR VALUES FROM ('2026-10-01 00:00+00') TO ('2026-11-01 00:00+00')"
    )
    assert await where(db, "line") == ["line_20261001"]


async def test_replicas_that_look_at_once_take_turns(db, dsn) -> None:
    others = [await asyncpg.connect(dsn) for _ in range(3)]
    done = await asyncio.gather(*(keep(each, LINES, NOW, leave=True) for each in others))
    assert sum(len(deeds) for deeds in done) == 2 * 4
    for each in others:
        await each.close()


async def test_a_table_in_use_is_not_waited_for_and_left_as_it_was(db, dsn, monkeypatch) -> None:
    monkeypatch.setattr("oms_chassis.ageing.LOCK_TIMEOUT_SECONDS", 0.1)
    await keep(db, LINES, NOW, leave=True)
    reader = await asyncpg.connect(dsn)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    async with reader.transaction():
        await reader.fetch("SELECT * FROM line")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await keep(db, LINES, later, leave=True)
    await reader.close()
    assert "moved line_20261001 to schema aged" in await keep(db, LINES, later, leave=True)


async def test_rows_may_come_in_while_their_partition_is_made(db, dsn) -> None:
    writer = await asyncpg.connect(dsn)
    write = writer.transaction()
    await write.start()
    await writer.execute("INSERT INTO line VALUES (1, $1, $1)", NOW)
    making = asyncio.create_task(keep(db, LINES, NOW, leave=True))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(5):
        while not await writer.fetchval(waiting):
            await asyncio.sleep(0)
    await writer.execute("INSERT INTO line VALUES (2, $1, $1)", NOW)
    await write.commit()
    await making
    assert await where(db, "line") == ["line_20261101"] * 2
    await writer.close()
