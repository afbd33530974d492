"""From the outbox to relay and gateways: every row once, whatever happens while it is read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from oms_chassis.outgoing import Outgoing
from oms_chassis.schema import MACHINERY
from oms_chassis.work import OutRow

_WRITE = """
INSERT INTO outbox (fact_id, destination, partition, kind, key, type, at, sequence, cause,
                    traceparent, body, writer)
SELECT $2, 'toy.balances.v1', 0, '', 'key', 'Told', now(), n, $2, '', '', $3
FROM unnest($1::bigint[]) n RETURNING id
"""


class Taken:
    """Takes rows as relay and gateways would; nothing is sent."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def feed(self, rows: Iterable[OutRow], **_: bool) -> None:
        self.rows += [row.sequence for row in rows]

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
        rows = await self._db.fetch(_WRITE, sequences, UUID(int=1), writer)
        return [row["id"] for row in rows]

    async def delete(self, ids: list[int]) -> None:
        """Take them out."""
        await self._db.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", ids)


@pytest.fixture
async def table(dsn: str) -> AsyncIterator[Table]:
    """An empty outbox."""
    db = await asyncpg.connect(dsn)
    await db.execute(MACHINERY[0][1])
    yield Table(db)
    await db.close()


@pytest.fixture
def taken() -> Taken:
    """What was handed over."""
    return Taken()


@pytest.fixture
def outgoing(table: Table, taken: Taken) -> Outgoing:
    """Nothing owned yet."""
    return Outgoing(lambda: table, "us", 1, taken, taken)


async def test_a_delete_that_commits_while_the_table_is_read_sends_nothing_again(
    table: Table, taken: Taken, outgoing: Outgoing
) -> None:
    ids = await table.write(1, 2)
    await outgoing.own(frozenset({0}))
    assert taken.rows == [1, 2]

    async def acknowledged_and_deleted() -> None:
        await table.delete(ids)
        outgoing.deleted(ids)

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
    await outgoing.committed([], ())
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
    await outgoing.committed([_row(id_, 2)], ())
    assert taken.rows == [1, 2]


def _row(id_: int, sequence: int) -> OutRow:
    told = ("toy.balances.v1", 0, "", "key", "Told")
    return OutRow(id_, UUID(int=1), *told, None, sequence, UUID(int=1), "", b"")
