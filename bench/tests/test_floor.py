"""The floor writes as many rows as were counted, each once, and the right ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bench.floor.rows import COPY_ROWS_MIN, Table
from bench.floor.shape import TableRows

COLUMNS = ("tenant", "order_id", "head", "seq", "doc")
TYPES = ("text", "text", "bytea", "bigint", "bytea")


class Database:
    """Remembers what it is told instead of doing it."""

    def __init__(self) -> None:
        self.inserted: list[str] = []
        self.updated: list[list[str]] = []
        self.deleted: list[str] = []

    async def execute(self, statement: str, tenants: Any, keys: list[str], *_: Any) -> None:
        if statement.startswith("INSERT"):
            self.inserted += keys
        elif statement.startswith("UPDATE"):
            self.updated.append(keys)
        else:
            self.deleted += keys

    async def copy_records_to_table(self, _: str, *, records: Any, columns: Any) -> None:
        assert len(records) >= COPY_ROWS_MIN
        self.inserted += [record[1] for record in records]


def table(per_order: TableRows, rows: int = 50) -> Table:
    sample = [("main", f"order-{n:030}", b"head", n, b"doc %d" % n) for n in range(rows)]
    return Table("orders", COLUMNS, TYPES, (0, 1), per_order, sample)


async def write(one: Table, orders: int, steps: int) -> Database:
    db = Database()
    one.make(orders)
    for step in range(1, steps + 1):
        await one.write(db, orders * step / steps)
    return db


async def test_every_row_is_inserted_once_under_a_key_of_its_own() -> None:
    for steps in (100, 2):
        db = await write(table(TableRows(insert=1.5)), 200, steps)
        assert len(db.inserted) == len(set(db.inserted)) == 300
        assert {len(key) for key in db.inserted} == {36}


async def test_what_is_deleted_was_inserted_before() -> None:
    db = await write(table(TableRows(insert=2.0, delete=2.0)), 100, 40)
    assert db.deleted == db.inserted[: len(db.deleted)]
    assert len(db.inserted) - len(db.deleted) <= 5  # the last transaction's rows stay


async def test_roots_are_updated_as_often_as_they_were_and_once_in_a_statement() -> None:
    db = await write(table(TableRows(insert=1.0, update=4.0)), 200, 100)
    assert all(len(keys) == len(set(keys)) for keys in db.updated)
    times = Counter(key for keys in db.updated for key in keys)
    assert set(times) <= set(db.inserted)
    assert sum(times.values()) >= 0.95 * 4 * 200


async def test_rows_that_were_there_before_take_turns() -> None:
    db = await write(table(TableRows(update=3.0)), 100, 20)
    assert not db.inserted
    assert all(len(keys) == len(set(keys)) == 15 for keys in db.updated)
    assert len({key for keys in db.updated for key in keys}) == 50
