"""Tables that grow with time: a partition per period is made ahead, and leaves when it is old.

What a partition covers is read from the database, never from its name: periods may change their
length, and a table that was there before it was partitioned may be one partition itself. Rows
for which there is no partition wait in `<table>_rest` and move out once there is one, so nothing
is lost while nobody looks after the partitions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import ModuleType
from uuid import UUID

import asyncpg

AGED_SCHEMA = "aged"
"""Where a partition goes that is detached and not dropped."""
LOCK_TIMEOUT_SECONDS = 2
"""Attaching and detaching need their table for a moment. Whoever uses it longer is not waited
for: others would queue behind; the next look tries again."""


BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
STATEMENT_TIMEOUT_SECONDS = 60
"""Longer than the service's own statements may run: months may have to be moved or summed up."""

_REMEMBER = """
INSERT INTO aged_out (partition, of, begins, ends) VALUES ($1, $2, $3, $4)
ON CONFLICT (partition) DO UPDATE SET at = now()
"""


class Period(Enum):
    """How much time a partition covers."""

    WEEK = "week"
    MONTH = "month"

    def begin(self, at: datetime) -> datetime:
        """When the period around `at` began, in UTC."""
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1)

    def shift(self, begin: datetime, n: int) -> datetime:
        """The begin of the period `n` periods later (earlier, if negative)."""
        if self is Period.WEEK:
            return begin + timedelta(weeks=n)
        months = begin.year * 12 + begin.month - 1 + n
        return begin.replace(year=months // 12, month=months % 12 + 1)


AHEAD = {Period.WEEK: 4, Period.MONTH: 2}
"""Periods that get their partition before they begin; a service may sleep that long."""


@dataclass(frozen=True)
class Aged:
    """Tables that share a key which tells the time, and how long a period of theirs stays.

    `key` is a column of ids shaped like UUIDv7, or with `by_id=False` of instants. `kept` counts
    whole periods behind the current one; None keeps for ever. What is older is detached and
    dropped, or with `drop=False` detached and kept in the schema `aged`. `newest` names an
    instant of the first table that may be later than the key says: a period stays as long as
    one of its rows has a later one. `before` is SQL that is run before a period leaves, with
    the tables' names in braces standing for its partitions.
    """

    tables: tuple[str, ...]
    key: str
    period: Period
    kept: int | None
    by_id: bool = True
    drop: bool = False
    newest: str = ""
    before: str = ""

    @property
    def name(self) -> str:
        """What a policy calls them: the first table's name."""
        return self.tables[0]

    def bound(self, at: datetime) -> str:
        """The least key of that moment or later, as a literal."""
        return f"'{UUID(int=_unix_ms(at) << 80)}'" if self.by_id else f"'{at.isoformat()}'"

    def cutoff(self, now: datetime) -> datetime:
        """What ended before this is old."""
        return self.period.shift(self.period.begin(now), -(self.kept or 0))

    def instant(self, literal: str) -> datetime:
        """The moment a key tells."""
        if self.by_id:
            return datetime.fromtimestamp((UUID(literal).int >> 80) / 1000, UTC)
        return datetime.fromisoformat(literal)


INBOX = Aged(("inbox",), "id", Period.WEEK, kept=8, drop=True)
"""Kept longer than any way an id can come back: topic retention, a parked input, a replay."""
HISTORY = Aged(("inbox",), "id", Period.MONTH, kept=24)
"""Of a service whose inbox is the history of its aggregates."""


@dataclass(frozen=True, order=True)
class Span:
    """What a partition covers: from `begin` up to, and without, `end`."""

    begin: datetime
    end: datetime
    partition: str = ""


def of_service(revisions: ModuleType, kept: Mapping[str, int] | None = None) -> list[Aged]:
    """What ages in a service: its inbox, and what its `migrations` declare as `AGED`.

    `kept` are the numbers of periods an operator wants to keep. Raises ValueError where it names
    what does not age: a misspelt rule must not be silent.
    """
    kept = kept or {}
    declared = {a.name: a for a in (INBOX, *getattr(revisions, "AGED", ()))}
    if unknown := kept.keys() - declared.keys():
        raise ValueError(f"nothing here ages by the name of {sorted(unknown)}")
    return [replace(a, kept=kept.get(name, a.kept)) for name, a in declared.items()]


def missing(period: Period, have: Iterable[Span], begin: datetime, end: datetime) -> list[Span]:
    """What of the periods from `begin` to `end` no partition covers; no piece crosses a period."""
    pieces, at = [], begin
    covered = sorted(s for s in have if s.end > begin)
    while at < end:
        over = next((s for s in covered if s.begin <= at < s.end), None)
        if over is not None:
            at = over.end
            continue
        bounds = [period.shift(period.begin(at), 1), *(s.begin for s in covered if s.begin > at)]
        pieces.append(Span(at, min(bounds)))
        at = min(bounds)
    return pieces


async def keep(db: asyncpg.Connection, aged: Aged, now: datetime, *, leave: bool) -> list[str]:
    """Make the partitions that are missing and, with `leave`, let go of the old ones.

    Returns what was done: nothing while another replica is at it. Raises what the database
    raises, LockNotAvailableError among it.
    """
    done: list[str] = []
    async with _turn(db, aged) as mine:
        begin, end = await _wanted(db, aged, now)
        for piece in missing(aged.period, await _spans(db, aged), begin, end) if mine else ():
            done += await _create(db, aged, piece)
    if leave and aged.kept is not None:
        async with _turn(db, aged) as mine:
            for span in await _old(db, aged, aged.cutoff(now)) if mine else ():
                done += await _let_go(db, aged, span)
    return done


async def partitions(db: asyncpg.Connection) -> set[str]:
    """Names of all tables that are a part of another."""
    rows = await db.fetch("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    return {row["relname"] for row in rows}


@asynccontextmanager
async def _turn(db: asyncpg.Connection, aged: Aged) -> AsyncIterator[bool]:
    """A transaction, and whether no other replica is at the same. Instants are in UTC in it."""
    async with db.transaction():
        await db.execute(
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; SET LOCAL TimeZone = 'UTC';"
            f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'"
        )
        yield await db.fetchval("SELECT pg_try_advisory_xact_lock(hashtext($1))", aged.name)


async def _spans(db: asyncpg.Connection, aged: Aged) -> list[Span]:
    rows = await db.fetch(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_inherits i "
        "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass",
        aged.name,
    )
    spans = []
    for name, bound in rows:
        if bound != "DEFAULT":
            low, high = bound.removeprefix("FOR VALUES FROM (").rstrip(")").split(") TO (")
            begin = BEFORE_ALL if low == "MINVALUE" else aged.instant(low.strip("'"))
            spans.append(Span(begin, aged.instant(high.strip("'")), name))
    return spans


async def _wanted(db: asyncpg.Connection, aged: Aged, now: datetime) -> tuple[datetime, datetime]:
    """From the period of the oldest row that has none, if it is to be kept; else from the last."""
    period, current = aged.period, aged.period.begin(now)
    begin = period.shift(current, -1)
    kept = "" if aged.kept is None else f"AND {aged.key} >= {aged.bound(aged.cutoff(now))}"
    oldest = await db.fetchval(
        f"SELECT {aged.key}::text FROM {aged.name}_rest WHERE {aged.key} < {aged.bound(begin)} "
        f"{kept} ORDER BY {aged.key} LIMIT 1"
    )
    if oldest is not None:
        begin = period.begin(aged.instant(oldest))
    return begin, period.shift(current, AHEAD[period] + 1)


async def _create(db: asyncpg.Connection, aged: Aged, piece: Span) -> list[str]:
    """Rows that came before there was a partition for them move into it.

    The rest is locked first: a row that came in between would be in the way of the partition.
    """
    low, high = aged.bound(piece.begin), aged.bound(piece.end)
    done = []
    for table in aged.tables:
        name = f"{table}_{piece.begin:%Y%m%d}"
        await db.execute(
            f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL);"
            f"LOCK TABLE {table}_rest IN ACCESS EXCLUSIVE MODE;"
            f"WITH early AS (DELETE FROM {table}_rest "
            f"WHERE {aged.key} >= {low} AND {aged.key} < {high} RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM early"
        )
        for guard in await _guards(db, table):
            await db.execute(guard.replace(f" {table} ", f" {name} ", 1))
        await db.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})"
        )
        done.append(f"created {name}")
    return done


async def _guards(db: asyncpg.Connection, table: str) -> list[str]:
    """Triggers that refuse statements on the table: its parts must refuse them as well."""
    rows = await db.fetch(
        "SELECT replace(pg_get_triggerdef(oid), 'public.', '') AS made FROM pg_trigger "
        "WHERE tgrelid = $1::text::regclass AND NOT tgisinternal AND tgtype & 3 = 2",
        table,
    )
    return [row["made"] for row in rows]


async def _old(db: asyncpg.Connection, aged: Aged, cutoff: datetime) -> list[Span]:
    found = []
    for span in sorted(s for s in await _spans(db, aged) if s.end <= cutoff):
        later = aged.newest and await db.fetchval(
            f"SELECT EXISTS (SELECT FROM {span.partition} WHERE {aged.newest} >= $1)", cutoff
        )
        if not later:
            found.append(span)
    return found


async def _let_go(db: asyncpg.Connection, aged: Aged, span: Span) -> list[str]:
    suffix = span.partition.removeprefix(aged.name)
    parts = {table: f"{table}{suffix}" for table in aged.tables}
    begins = None if span.begin == BEFORE_ALL else span.begin
    if aged.before:
        await db.execute(aged.before.format(**parts))
    done = []
    for table, part in parts.items():
        gone = f"DROP TABLE {part}" if aged.drop else f"ALTER TABLE {part} SET SCHEMA {AGED_SCHEMA}"
        await db.execute(f"ALTER TABLE {table} DETACH PARTITION {part}; {gone}")
        await db.execute(_REMEMBER, part, table, begins, span.end)
        done.append(f"dropped {part}" if aged.drop else f"moved {part} to schema {AGED_SCHEMA}")
    return done


def _unix_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
