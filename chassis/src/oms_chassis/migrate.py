"""Schema changes: first the machinery's tables, then the service's own alembic revisions.

Run on purpose (`python -m oms_<name> migrate`), never at import or start. Replicas that do so at
the same time take turns; whoever comes second finds nothing to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, TypeVar

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from oms_chassis import ageing
from oms_chassis.schema import MACHINERY, is_machinery

LOCK_TIMEOUT_SECONDS = 5
"""A change that cannot get its table gives up: queries of the running service queue behind it."""
TURN_TIMEOUT_SECONDS = 300
"""How long to wait for another replica's migration."""
REVISIONS_TABLE = "migration"
MACHINERY_TABLE = "machinery_version"
_TURN = 0x6F6D73  # "oms": any number that nothing else in this database locks
_PLUGINS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname")

T = TypeVar("T")


async def migrate(
    dsn: str,
    revisions: ModuleType,
    machinery: Sequence[tuple[int, str]] = MACHINERY,
    say: Callable[[str], None] = print,
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> None:
    """Bring a database up to date and tell what was done. `revisions` is `oms_<name>.migrations`.

    Every step is a transaction of its own; one that fails raises and leaves those before it.
    """
    done: list[str] = []
    try:
        async with _turn(dsn, lock_timeout_seconds) as db:
            await _run_machinery(db, machinery, done)
            await _with_connection(
                dsn, lambda connection: _upgrade(connection, revisions, done), lock_timeout_seconds
            )
            for aged in ageing.of_service(revisions):
                done += await ageing.keep(db, aged, datetime.now(UTC), leave=False)
    finally:
        for step in done:
            say(step)
    if not done:
        say("nothing was to be done")


async def drift(dsn: str, metadata: MetaData) -> list[str]:
    """How a migrated database differs from the tables in the code; empty where they agree."""

    def named(name: str | None, kind: str, parents: Any) -> bool:
        table = name if kind == "table" else parents.get("table_name")
        return table is None or not (
            is_machinery(table) or table == MACHINERY_TABLE or table in parts
        )

    def compare(connection: Connection) -> list[str]:
        how = {"version_table": REVISIONS_TABLE, "include_name": named, "compare_type": True}
        how |= {"compare_server_default": True, "autogenerate_plugins": _PLUGINS}
        context = MigrationContext.configure(connection, opts=how)
        return [str(difference) for difference in compare_metadata(context, metadata)]

    db = await asyncpg.connect(dsn)
    parts = await ageing.partitions(db)
    await db.close()
    return await _with_connection(dsn, compare)


@asynccontextmanager
async def _turn(dsn: str, lock_timeout_seconds: float) -> AsyncIterator[asyncpg.Connection]:
    """One migration at a time; the lock ends with the connection, also if the process dies."""
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(f"SET lock_timeout = '{TURN_TIMEOUT_SECONDS}s'")
        await db.execute("SELECT pg_advisory_lock($1)", _TURN)
        await db.execute(f"SET lock_timeout = '{lock_timeout_seconds}s'")
        yield db
    finally:
        await db.close()


async def _run_machinery(
    db: asyncpg.Connection, machinery: Sequence[tuple[int, str]], done: list[str]
) -> None:
    await db.execute(
        f"CREATE TABLE IF NOT EXISTS {MACHINERY_TABLE} "
        "(version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"
    )
    there = {row["version"] for row in await db.fetch(f"SELECT version FROM {MACHINERY_TABLE}")}
    for version, sql in sorted(item for item in machinery if item[0] not in there):
        async with db.transaction():
            await db.execute(sql)
            await db.execute(f"INSERT INTO {MACHINERY_TABLE} (version) VALUES ($1)", version)
        done.append(f"machinery {version}")


def _upgrade(connection: Connection, revisions: ModuleType, done: list[str]) -> None:
    """Run the revisions that are missing, as alembic's own command does, without its files."""
    folder = revisions.__path__[0]
    script = ScriptDirectory(folder, version_locations=[folder])

    def missing(current: Any, _: MigrationContext) -> Any:
        return script._upgrade_revs("heads", current)

    def applied(ctx: Any, step: MigrationInfo, heads: Any, run_args: Any) -> None:
        done.append(f"revision {step.up_revision_id}")

    with EnvironmentContext(Config(), script, fn=missing) as environment:
        environment.configure(
            connection=connection,
            version_table=REVISIONS_TABLE,
            transaction_per_migration=True,
            on_version_apply=applied,
        )
        with environment.begin_transaction():
            environment.run_migrations()


async def _with_connection(
    dsn: str, work: Callable[[Connection], T], lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS
) -> T:
    """Run what SQLAlchemy can only do synchronously, on the DSN as asyncpg understands it."""

    async def connect() -> asyncpg.Connection:
        patience = {"lock_timeout": f"{lock_timeout_seconds}s"}
        return await asyncpg.connect(dsn, server_settings=patience)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.connect() as connection:
        return await connection.run_sync(work)
