"""A real PostgreSQL with the order service's tables, and the service's own cycle on top of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from running import Running

from oms_chassis.migrate import migrate
from oms_order import migrations
from oms_platform import LocalPlatform


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a migrated database on a server of our own, for the whole run."""
    platform = LocalPlatform(
        tmp_path_factory.mktemp("platform"), services=["order"], shared_buffers_mb=32
    )
    with pytest.MonkeyPatch.context() as environment, asyncio.Runner() as runner:
        # Naming a broker keeps the platform from starting one; nothing here talks to it.
        environment.setenv("OMS_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        environment.delenv("OMS_POSTGRES_DSN", raising=False)
        try:
            dsn = runner.run(platform.up()).dsn("order")
            runner.run(migrate(dsn, migrations, say=lambda _: None))
            yield dsn
        finally:
            runner.run(platform.down())


@pytest.fixture
async def dsn(database: str) -> str:
    """The DSN of a migrated database without a row."""
    db = await asyncpg.connect(database)
    tables = await db.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT IN ('migration', 'machinery_version')"
    )
    names = ", ".join(row["tablename"] for row in tables)
    await db.execute(f"TRUNCATE {names}")
    await db.close()
    return database


@pytest.fixture
async def running(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The service without a broker: what it hears is handed to it."""
    async with Running.start(dsn, tmp_path_factory.mktemp("service")) as service:
        yield service
