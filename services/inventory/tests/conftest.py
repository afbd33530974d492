"""A real PostgreSQL with inventory's tables, for the tests that need one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from database import empty

from oms_chassis.migrate import migrate
from oms_inventory import migrations
from oms_platform import LocalPlatform


@pytest.fixture(scope="session")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database on a server of our own, for the whole run."""
    platform = LocalPlatform(
        tmp_path_factory.mktemp("platform"), services=["inventory"], shared_buffers_mb=32
    )
    with pytest.MonkeyPatch.context() as environment, asyncio.Runner() as runner:
        # Naming a broker keeps the platform from starting one; nothing here talks to it.
        environment.setenv("OMS_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        environment.delenv("OMS_POSTGRES_DSN", raising=False)
        try:
            found = runner.run(platform.up()).dsn("inventory")
            runner.run(migrate(found, migrations, say=lambda _: None))
            yield found
        finally:
            runner.run(platform.down())


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to tables with nothing in them."""
    connection = await asyncpg.connect(dsn)
    await empty(connection)
    yield connection
    await connection.close()
