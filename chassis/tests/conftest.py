"""A real PostgreSQL for the tests that need one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from oms_platform import LocalPlatform

SERVICE = "chassis"


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a database on a server of our own, for the whole run."""
    run_dir: Path = tmp_path_factory.mktemp("platform")
    platform = LocalPlatform(run_dir, services=[SERVICE], shared_buffers_mb=32)
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as environment:
        try:
            # Naming a broker keeps the platform from starting one; nothing here talks to it.
            environment.setenv("OMS_KAFKA_BOOTSTRAP", "127.0.0.1:1")
            state = runner.run(platform.up())
            environment.undo()
            yield state.dsn(SERVICE)
        finally:
            runner.run(platform.down())


@pytest.fixture
async def dsn(database_server: str) -> str:
    """The DSN of a database with nothing in it."""
    db = await asyncpg.connect(database_server)
    await db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await db.close()
    return database_server
