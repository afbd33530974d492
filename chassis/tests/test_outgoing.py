"""From the outbox to relay and gateways: every row once, whatever happens while it is read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from oms_chassis.calls import Calls
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import READ_MAX, pack, read
from oms_chassis.outgoing import Outgoing
from oms_chassis.schema import MACHINERY
from oms_chassis.work import Bundle, FactRow

_WRITE = """
INSERT INTO outbox (partition, facts, body, writer)
SELECT 0, 1, body, $2 FROM unnest($1::bytea[]) body RETURNING id
"""

_ADD = "INSERT INTO outbox (partition, facts, body, writer) VALUES (0, $2, $1, 'us')"
_FORMER = """
INSERT INTO outbox (fact_id, destination, partition, kind, key, type, at, sequence, cause,
                    traceparent, body, writer)
VALUES ($1, $2, 0, 'thing', 'key', 'Told', '2026-03-02T08:00:00.123456Z', 7, $1, '', $3, 'us')
"""


class Taken:
    """Takes bundles as a relay would; nothing is sent."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def feed(self, bundles: Iterable[Bundle]) -> None:
        self.rows += [fact.sequence for bundle in bundles for fact in bundle.facts]

    async def give_up(self, partitions: frozenset[int]) -> list[int]:
        return []


class Table:
    """The database as a pool; `after_read` happens between a read's snapshot and its answer."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self._db = db
        self.after_read: Callable[[], Awaitable[None]] | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Table"]:
        yield self

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        rows = await self._db.fetch(statement, *values)
        if self.after_read is not None:
            await self.after_read()
        return rows

    async def write(self, *sequences: int, writer: str = "us") -> list[int]:
        """Put facts into the outbox; their ids."""
        bodies = [pack([_fact(sequence)]) for sequence in sequences]
        rows = await self._db.fetch(_WRITE, bodies, writer)
        return [row["id"] for row in rows]

    async def add(self, body: bytes, facts: int) -> None:
        """Put one row into the outbox."""
        await self._db.execute(_ADD, body, facts)

    async def delete(self, ids: list[int]) -> None:
        """Take them out."""
        await self._db.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", ids)


@pytest.fixture
async def table(dsn: str) -> AsyncIterator[Table]:
    """An empty outbox."""
    db = await asyncpg.connect(dsn)
    for _, statements in MACHINERY:
        await db.execute(statements)
    yield Table(db)
    await db.close()


@pytest.fixture
def taken() -> Taken:
    """What was handed over."""
    return Taken()


@pytest.fixture
def outgoing(table: Table, taken: Taken) -> Outgoing:
    """Nothing owned yet."""
    calls = Calls({}, lambda _: None, Metrics())
    return Outgoing(lambda: table, "us", 1, taken, calls)


async def test_a_delete_that_commits_while_the_table_is_read_sends_nothing_again(
    table: Table, taken: Taken, outgoing: Outgoing
) -> None:
    ids = await table.write(1, 2)
    await outgoing.own(frozenset({0}))
    assert taken.rows == [1, 2]

    async def acknowledged_and_deleted() -> None:
        await table.delete(ids)
        outgoing.deleted(ids, ())

    table.after_read = acknowledged_and_deleted
    outgoing.doubt({0})
    await outgoing.look()
    assert taken.rows == [1, 2]


async def test_a_doubt_that_comes_up_while_the_table_is_read_outlives_the_read(
    table: Table, taken: Taken, outgoing: Outgoing
) -> None:
    await outgoing.own(frozenset({0}))

    async def another_writes() -> None:
        table.after_read = None
        await table.write(1, writer="another")
        outgoing.doubt({0})

    table.after_read = another_writes
    outgoing.doubt({0})
    await outgoing.look()
    assert taken.rows == []
    await outgoing.committed([], [], ())
    assert taken.rows == [1]


async def test_a_table_that_cannot_be_read_at_takeover_is_read_later_and_in_order(
    table: Table, taken: Taken, outgoing: Outgoing
) -> None:
    await table.write(1)

    async def away() -> None:
        raise ConnectionError("the database is away")

    table.after_read = away
    await outgoing.own(frozenset({0}))
    table.after_read = None
    [id_] = await table.write(2)
    await outgoing.committed([Bundle(id_, 0, [_fact(2)])], [], ())
    assert taken.rows == [1, 2]


async def test_more_than_one_look_holds_is_taken_over_look_by_look(
    table: Table, taken: Taken, outgoing: Outgoing
) -> None:
    facts = [_fact(n) for n in range(READ_MAX)]
    first = await table.write(-2, -1)
    await table.add(pack(facts), len(facts))
    await table.write(READ_MAX, READ_MAX + 1)
    await outgoing.own(frozenset({0}))
    assert taken.rows == [*range(-2, READ_MAX)]
    await table.delete(first)
    await table.delete([first[-1] + 1])
    await outgoing.look()
    assert taken.rows == [*range(-2, READ_MAX + 2)]


async def test_rows_of_the_former_kind_are_sent_and_called_after_migrating(dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    for _, statements in MACHINERY[:3]:
        await db.execute(statements)
    for destination, body in (("gateway:bank", b'{"amount": 5}'), ("toy.v1", b'{"e":"\xc3\xa9"}')):
        await db.execute(_FORMER, UUID(int=1), destination, body)
    await db.execute(MACHINERY[3][1])
    bundles, calls, whole = await read(db, [0])
    await db.close()
    assert whole
    [(fact,)] = [bundle.facts for bundle in bundles]
    assert (fact.id, fact.topic, fact.key, fact.sequence) == (UUID(int=1), "toy.v1", "key", 7)
    assert bytes(fact.body) == b'{"e":"\xc3\xa9"}'
    assert fact.at == datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
    [call] = calls
    assert (call.gateway, call.method, call.kind, call.key) == ("bank", "Told", "thing", "key")
    assert call.body == b'{"amount": 5}'


def _fact(sequence: int) -> FactRow:
    told = ("toy.balances.v1", "key", "Told", datetime.now(UTC))
    return FactRow(UUID(int=1), *told, sequence, UUID(int=1), "", msgspec.Raw(b"{}"))
