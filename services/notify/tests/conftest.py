"""A real PostgreSQL, with notify's tables, for the tests that need one."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from oms_chassis.migrate import migrate
from oms_notify import migrations
from oms_notify.store import STORE
from oms_platform import LocalPlatform


@pytest.fixture(scope="session")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database on a server of our own, for the whole run."""
    before = dict(os.environ)
    # Naming a broker keeps the platform from starting one; nothing here talks to it.
    os.environ["OMS_KAFKA_BOOTSTRAP"] = "127.0.0.1:1"
    run_dir = tmp_path_factory.mktemp("platform")
    platform = LocalPlatform(run_dir, services=["notify"], shared_buffers_mb=32)
    with asyncio.Runner() as runner:
        try:
            found = runner.run(platform.up()).dsn("notify")
            runner.run(migrate(found, migrations, say=lambda _: None))
            yield found
        finally:
            runner.run(platform.down())
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to tables with nothing in them."""
    connection = await asyncpg.connect(dsn)
    tables = ", ".join(f'"{name}"' for name in STORE.base.metadata.tables)
    await connection.execute(f"TRUNCATE {tables}")
    yield connection
    await connection.close()
