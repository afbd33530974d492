"""Rows like those of a real run, made beforehand, and the statements that write them."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from bench.floor.shape import TableRows

SAMPLE_ROWS = 500
KEYS_MAX = 10_000
COPY_ROWS_MIN = 100
"""Fewer rows are inserted from arrays: COPY costs a round trip and a statement more."""
FRESH = frozenset(
    ["order_id", "key", "id", "journal_id", "invoice_no", "tracking_no", "fulfilment_id", "cause",
     "number"]
)  # fmt: skip
"""Columns that tell rows apart; each row gets a value of its own there."""
FIXED = frozenset(["head", "channel", "external_id", "order_no", "received_at", "partition"])
"""Columns that no update writes."""

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       coalesce(a.attnum = ANY(i.indkey), false) AS in_key
FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
Row = tuple[Any, ...]


@dataclass
class Table:
    """One table: how its rows look, and which were written so far."""

    name: str
    columns: Sequence[str]
    types: Sequence[str]
    key: Sequence[int]
    per_order: TableRows
    sample: Sequence[Row]
    made: list[Row] = field(default_factory=list)
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    _turn: int = 0

    @property
    def moving(self) -> list[int]:
        """Columns that an update writes."""
        left_out = FIXED | FRESH | {"tenant"}
        return [
            n for n, name in enumerate(self.columns)
            if n not in self.key and name not in left_out
        ]  # fmt: skip

    @property
    def insert_sql(self) -> str:
        """One statement that inserts, where COPY would be the dearer way."""
        arrays = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(self.types, 1))
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) SELECT * FROM unnest({arrays})"

    @property
    def update_sql(self) -> str:
        """One statement that writes what moves."""
        names = self.columns
        changes = ", ".join(f"{names[n]} = u.{names[n]}" for n in self.moving)
        return f"UPDATE {self.name} t SET {changes} FROM {self._given([*self.key, *self.moving])}"

    @property
    def delete_sql(self) -> str:
        """One statement that deletes by key."""
        if len(self.key) == 1:  # the planner then never searches the table
            (n,) = self.key
            return f"DELETE FROM {self.name} WHERE {self.columns[n]} = ANY($1::{self.types[n]}[])"
        return f"DELETE FROM {self.name} t USING {self._given(self.key)}"

    def _given(self, which: Sequence[int]) -> str:
        arrays = ", ".join(f"${n}::{self.types[c]}[]" for n, c in enumerate(which, 1))
        names = ", ".join(self.columns[c] for c in which)
        match = " AND ".join(f"t.{self.columns[c]} = u.{self.columns[c]}" for c in self.key)
        return f"unnest({arrays}) AS u({names}) WHERE {match}"

    def make(self, orders: int) -> None:
        """Prepare all rows, so that making them is not measured."""
        count = int(orders * self.per_order.insert)
        if not count:
            self.made = list(self.sample)
            return
        fresh = [n for n, name in enumerate(self.columns) if name in FRESH]
        values = {n: _values(self.types[n]) for n in fresh}
        for row in itertools.islice(itertools.cycle(self.sample), count):
            changed = list(row)
            for n in fresh:
                changed[n] = _like(row[n], next(values[n]))
            self.made.append(tuple(changed))

    def next_inserts(self, orders: float) -> list[Row]:
        """Rows to insert until `orders` orders are through."""
        upto = min(int(orders * self.per_order.insert), len(self.made))
        rows = self.made[self.inserted : upto] if self.per_order.insert else []
        self.inserted = max(upto, self.inserted) if self.per_order.insert else 0
        return rows

    def next_updates(self, orders: float) -> list[Row]:
        """Rows to update: the youngest there are, each once a statement."""
        count = int(orders * self.per_order.update) - self.updated
        self.updated += count
        if not self.per_order.insert:  # rows that were there before, in turn
            return sorted(self._from(self.updated, min(count, len(self.made))))
        return self.made[max(self.inserted - count, 0) : self.inserted]

    def next_deletes(self, orders: float) -> list[Row]:
        """Rows to delete: the oldest there are."""
        upto = min(int(orders * self.per_order.delete), self.inserted)
        rows = self.made[self.deleted : upto]
        self.deleted = max(upto, self.deleted)
        return rows

    def _others(self, rows: Sequence[Row]) -> list[Row]:
        """As many other rows: an update that changes nothing would hardly be logged."""
        self._turn += 1
        return self._from(self._turn * len(rows), len(rows))

    def _from(self, start: int, count: int) -> list[Row]:
        """So many rows from there on, round and round."""
        start %= len(self.made)
        rows = self.made[start : start + count]
        return rows + self.made[: count - len(rows)]

    async def write(self, db: asyncpg.Connection, orders: float) -> int:
        """Everything this table gets until `orders` orders are through; the rows written."""
        gone, changed = self.next_deletes(orders), self.next_updates(orders)
        new = self.next_inserts(orders)
        if gone:
            await db.execute(self.delete_sql, *_arrays(gone, self.key))
        if changed:
            keys, values = _arrays(changed, self.key), _arrays(self._others(changed), self.moving)
            await db.execute(self.update_sql, *keys, *values)
        if len(new) >= COPY_ROWS_MIN:
            await db.copy_records_to_table(self.name, records=new, columns=self.columns)
        elif new:
            await db.execute(self.insert_sql, *_arrays(new, range(len(self.columns))))
        return len(gone) + len(changed) + len(new)


def _arrays(rows: Sequence[Row], which: Sequence[int]) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in which]


def _values(type_: str) -> Iterator[Any]:
    if type_ == "uuid":
        return _uuids()
    if type_ in ("bigint", "integer", "smallint"):
        return itertools.count(time.time_ns())  # above what earlier cells wrote
    return (os.urandom(18).hex() for _ in itertools.count())


def _uuids() -> Iterator[UUID]:
    """Ids that grow with time, as ours do."""
    begin = int(time.time() * 1000)
    for n in itertools.count():
        yield UUID(int=((begin + n // 4) << 80) | int.from_bytes(os.urandom(10), "big"))


def _like(old: Any, new: Any) -> Any:
    """A text of the same length; other values are what they are."""
    return new[: max(len(old), 20)] if isinstance(old, str) else new


async def table(
    db: asyncpg.Connection, name: str, per_order: TableRows,
    sample: Sequence[Mapping[str, Any]] = (),
) -> Table:  # fmt: skip
    """A table with rows of its own as the sample, or made up by type where it has none left."""
    described = await db.fetch(_COLUMNS, name)
    names, types = [r["name"] for r in described], [r["type"] for r in described]
    key = [n for n, r in enumerate(described) if r["in_key"]]
    limit = SAMPLE_ROWS if per_order.insert else KEYS_MAX
    made_up = {name: _made_up(type_) for name, type_ in zip(names, types, strict=True)}
    rows = [tuple({**made_up, **one}[name] for name in names) for one in sample]
    if not rows:
        found = await db.fetch(f"SELECT {', '.join(names)} FROM {name} LIMIT {limit}")
        rows = [tuple(r) for r in found] or [tuple(made_up.values())]
    return Table(name, names, types, key, per_order, rows)


def _made_up(type_: str) -> Any:
    match type_:
        case "uuid":
            return UUID(int=1)
        case "bytea":
            return b"." * 300
        case "bigint" | "integer" | "smallint":
            return 1
        case "timestamp with time zone":
            return datetime.now(UTC)
        case _:
            return "." * 36
