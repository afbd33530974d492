"""Loading and saving aggregates, set-based: the only SQL on a service's hot path.

A root is one row: its key, columns that never change, its partition and sequences, columns
that are queried, and a document. What a service writes down is how its state becomes such a
row and comes back; a service whose aggregates own rows besides overrides the three hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeVar

import asyncpg
import msgspec
from aiokafka.partitioner import murmur2
from sqlmodel import SQLModel

from oms_chassis import sql
from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Held

T = TypeVar("T")


def codec(of: type[T]) -> tuple[Callable[[T], bytes], Callable[[bytes], T]]:
    """How a document is written and read: JSON by msgspec, checked against the type."""
    return msgspec.json.Encoder().encode, msgspec.json.Decoder(of).decode


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """Kafka's default partition of a key (murmur2, as the Java client computes it)."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


@dataclass(frozen=True)
class Root:
    """How roots of one kind are stored. `sequences` follow the kind's topics, in order."""

    kind: str
    table: type[SQLModel]
    key: str
    sequences: tuple[str, ...]
    moving: tuple[str, ...]
    moving_values: Callable[[Any], tuple[Any, ...]]
    read: Callable[[Mapping[str, Any]], Any]
    fixed: tuple[str, ...] = ()
    fixed_values: Callable[[Any], tuple[Any, ...]] = lambda _: ()

    def __post_init__(self) -> None:
        if odd := set(self.columns) ^ set(sql.columns(self.table)):
            raise TypeError(f"{self.table.__name__}: table and store disagree about {sorted(odd)}")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column of the table but the tenant, in the order `born` gives them."""
        return (
            self.key, *self.fixed, "partition", *self.sequences, "changed_at", *self.moving
        )  # fmt: skip

    @cached_property
    def lock(self) -> str:
        """Lock and read by key."""
        return sql.lock(self.table, self.key, self.columns[1:])

    @cached_property
    def birth(self) -> str:
        """Insert new roots."""
        return sql.insert(self.table, self.columns)

    @cached_property
    def change(self) -> str:
        """Write what moves."""
        return sql.update(self.table, self.key, (*self.sequences, "changed_at", *self.moving))

    def born(self, key: str, root: Held) -> tuple[Any, ...]:
        """A new root's row."""
        fixed, moving = self.fixed_values(root.state), self.moving_values(root.state)
        return (key, *fixed, root.partition, *root.seqs, root.changed_at, *moving)

    def moved(self, key: str, root: Held) -> tuple[Any, ...]:
        """What a changed root writes."""
        return (key, *root.seqs, root.changed_at, *self.moving_values(root.state))

    def held(self, row: asyncpg.Record) -> Held:
        """A root as it was loaded."""
        sequences = [row[name] for name in self.sequences]
        return Held(self.read(row), row["partition"], sequences, row["changed_at"])


@dataclass(frozen=True)
class Rows:
    """Where a decision's `rows` of one class go. `update`: a projection, the newest row counts."""

    table: type[SQLModel]
    on_conflict: Literal["error", "nothing", "update"] = "error"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns, which are the row class' fields."""
        return sql.columns(self.table)

    @cached_property
    def statement(self) -> str:
        """Insert, or as `on_conflict` says."""
        conflict = {
            "error": "",
            "nothing": sql.ignore(),
            "update": sql.replace(self.table, self.names),
        }
        return sql.insert(self.table, self.names, conflict[self.on_conflict])


class Store:
    """Where a service's aggregates live. The order of `roots` is the order of locking.

    With `history` the inbox keeps the inputs themselves, so that an aggregate's life can be
    read, and replayed, afterwards.
    """

    def __init__(
        self, base: type[SQLModel], roots: Sequence[Root],
        rows: Mapping[type, Rows] | None = None, *, history: bool = False,
    ) -> None:  # fmt: skip
        self.base = base
        self.roots = tuple(roots)
        self.rows = dict(rows or {})
        self.history = history

    async def more_roots(
        self, db: asyncpg.Connection, tenant: str, held: dict[Ref, Held], inputs: Sequence[Input]
    ) -> Iterable[Ref]:
        """Roots that the ones locked so far reveal; asked before a later kind is locked."""
        return ()

    async def load_children(
        self, db: asyncpg.Connection, tenant: str, held: dict[Ref, Held], inputs: Sequence[Input]
    ) -> None:
        """Complete the states of locked roots with rows of other tables.

        Read after the locks were taken, never in the same statement: a join under FOR UPDATE
        returns the newest root with children from before the wait.
        """

    async def save_children(
        self,
        db: asyncpg.Connection,
        tenant: str,
        before: Mapping[Ref, Any],
        held: Mapping[Ref, Held],
    ) -> None:
        """Write what `load_children` would read back. `before` holds the states as loaded."""

    async def load(
        self, db: asyncpg.Connection, tenant: str, refs: Iterable[Ref],
        inputs: Sequence[Input], partitions: int,
    ) -> dict[Ref, Held]:  # fmt: skip
        """Lock and read every root in `refs`; a root that does not exist is held as None."""
        wanted = set(refs)
        held: dict[Ref, Held] = {}
        for n, root in enumerate(self.roots):
            if n:
                wanted.update(await self.more_roots(db, tenant, held, inputs))
            keys = sorted(key for kind, key in wanted if kind == root.kind)
            if not keys:
                continue
            for row in await db.fetch(root.lock, tenant, keys):
                held[root.kind, row[root.key]] = root.held(row)
            for key in keys:
                if (root.kind, key) not in held:
                    held[root.kind, key] = Held(
                        None, partition_of(key, partitions), [0] * len(root.sequences), born=True
                    )
        await self.load_children(db, tenant, held, inputs)
        return held

    async def save(
        self, db: asyncpg.Connection, tenant: str,
        before: Mapping[Ref, Any], held: Mapping[Ref, Held], rows: Sequence[Any],
    ) -> None:  # fmt: skip
        """One statement per table, for what changed and nothing else."""
        for root in self.roots:
            changed = [
                (key, h) for (kind, key), h in sorted(held.items(), key=_by_ref)
                if kind == root.kind and h.changed and h.state is not None
            ]  # fmt: skip
            born = [root.born(key, h) for key, h in changed if h.born]
            moved = [root.moved(key, h) for key, h in changed if not h.born]
            if born:
                await db.execute(root.birth, tenant, *zip(*born, strict=True))
            if moved:
                await db.execute(root.change, tenant, *zip(*moved, strict=True))
        await self.save_children(db, tenant, before, held)
        for of, target in self.rows.items():
            values = [_values(row, target.names) for row in rows if type(row) is of]
            if target.on_conflict == "update":
                values = _newest(values, target)
            if values:
                await db.execute(target.statement, tenant, *zip(*values, strict=True))


def _by_ref(item: tuple[Ref, Held]) -> Ref:
    return item[0]


def _values(row: Any, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(v.value if isinstance(v, Enum) else v for v in (getattr(row, n) for n in names))


def _newest(values: list[tuple[Any, ...]], target: Rows) -> list[tuple[Any, ...]]:
    """The last row per primary key, in key order: two batches never lock rows crosswise."""
    key = [target.names.index(n) for n in sql.primary_key(target.table)]
    newest = {tuple(v[i] for i in key): v for v in values}
    return [newest[k] for k in sorted(newest)]
