"""Reading the services' databases as they were at one moment, by roles that can write nothing."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any, NamedTuple

import asyncpg

from oms_chassis.app import Service
from oms_chassis.outbox import unpack
from oms_chassis.store import Root
from oms_platform import SERVICES

ROWS_AT_ONCE = 2_000
"""Rows fetched at a time, so that documents are decoded while others are still on their way."""
IDS_AT_ONCE = 10_000


class Kept(NamedTuple):
    """A root as its service keeps it."""

    state: Any
    sequences: tuple[int, ...]
    """The last number given, per topic of the kind."""


class Outgoing(NamedTuple):
    """A fact in an outbox: not published yet, or not known to be."""

    service: str
    topic: str
    key: str
    sequence: int


class Parked(NamedTuple):
    """An input that waits for a person, and holds its aggregate."""

    service: str
    id: str
    key: str


@cache
def service(name: str) -> Service:
    """What a service is made of, its tables and codecs among it."""
    found: Service = importlib.import_module(f"oms_{name}.main").service
    return found


class Stores:
    """One open read-only transaction per service: what is read of it is of one moment."""

    def __init__(self, connections: Mapping[str, asyncpg.Connection], tenant: str) -> None:
        self._connections = connections
        self.tenant = tenant

    async def rows(self, name: str, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """Rows of one service's database."""
        rows: Sequence[asyncpg.Record] = await self._connections[name].fetch(statement, *values)
        return rows

    async def roots(self, name: str) -> dict[str, dict[str, Kept]]:
        """Every aggregate of a service, by kind and key."""
        found: dict[str, dict[str, Kept]] = {}
        for root in service(name).store.roots:
            found[root.kind] = {
                key: Kept(state, tuple(row[column] for column in root.sequences))
                async for key, state, row in self.each(name, root)
            }
        return found

    async def each(self, name: str, root: Root) -> AsyncIterator[tuple[str, Any, asyncpg.Record]]:
        """Every aggregate of a kind: its key, its state, and the row that it was read from."""
        columns = ", ".join(f'"{column}"' for column in root.columns)
        statement = f'SELECT {columns} FROM "{root.table.__tablename__}" WHERE tenant = $1'
        rows = self._connections[name].cursor(statement, self.tenant, prefetch=ROWS_AT_ONCE)
        async for row in rows:
            yield row[root.key], root.read(row), row

    async def outgoing(self) -> list[Outgoing]:
        """What every outbox holds."""
        return [
            Outgoing(name, fact.topic, fact.key, fact.sequence)
            for name in SERVICES
            for row in await self.rows(name, "SELECT body FROM outbox")
            for fact in unpack(row["body"])
        ]

    async def calling(self) -> set[str]:
        """Keys of what has a call outside that is not answered yet, everywhere."""
        statement = "SELECT key FROM open_call"
        return {row[0] for name in SERVICES for row in await self.rows(name, statement)}

    async def parked(self) -> list[Parked]:
        """What waits for a person, everywhere."""
        statement = "SELECT id::text, key FROM parked"
        return [Parked(name, *row) for name in SERVICES for row in await self.rows(name, statement)]

    async def unheard(self, name: str, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that no inbox row of the service says were heard."""
        missing: set[str] = set()
        for start in range(0, len(ids), IDS_AT_ONCE):
            rows = await self.rows(
                name,
                "SELECT u.id::text FROM unnest($1::uuid[]) AS u(id) "
                "WHERE NOT EXISTS (SELECT FROM inbox WHERE inbox.id = u.id)",
                ids[start : start + IDS_AT_ONCE],
            )
            missing.update(row[0] for row in rows)
        return missing


@asynccontextmanager
async def open_stores(dsns: Mapping[str, str], tenant: str) -> AsyncIterator[Stores]:
    """Connect to every store and fix the moment that is read; raises OSError if one is away."""
    async with AsyncExitStack() as stack:
        connections: dict[str, asyncpg.Connection] = {}
        for name in SERVICES:
            db = connections[name] = await asyncpg.connect(dsns[name])
            stack.push_async_callback(db.close)
        for db in connections.values():
            transaction = db.transaction(isolation="repeatable_read", readonly=True)
            await transaction.start()
            await db.execute("SELECT 1")  # the first statement takes the snapshot
        yield Stores(connections, tenant)
