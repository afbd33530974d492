"""A real PostgreSQL with billing's tables, for the tests that need one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from oms_billing import migrations
from oms_chassis.migrate import migrate
from oms_platform import LocalPlatform

GUARDED = "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'never_changed'"


@pytest.fixture(scope="session")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database on a server of our own, for the whole run."""
    platform = LocalPlatform(
        tmp_path_factory.mktemp("platform"), services=["billing"], shared_buffers_mb=32
    )
    with pytest.MonkeyPatch.context() as environment, asyncio.Runner() as runner:
        # Naming a broker keeps the platform from starting one; nothing here talks to it.
        environment.setenv("OMS_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        environment.delenv("OMS_POSTGRES_DSN", raising=False)
        try:
            found = runner.run(platform.up()).dsn("billing")
            runner.run(migrate(found, migrations, say=lambda _: None))
            yield found
        finally:
            runner.run(platform.down())


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to tables with nothing in them."""
    connection = await asyncpg.connect(dsn)
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT IN ('migration', 'machinery_version')"
    )
    names = ", ".join(row["tablename"] for row in tables)
    async with connection.transaction():
        # The ledger's guards are for everybody but the test that wants it empty.
        guarded = [row["name"] for row in await connection.fetch(GUARDED)]
        for table in guarded:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER never_changed")
        await connection.execute(f"TRUNCATE {names}")
        for table in guarded:
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER never_changed")
    yield connection
    await connection.close()
