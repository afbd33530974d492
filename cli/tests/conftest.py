"""Real databases of all six services, for the tests that need them."""

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
from people import People
from world import Member, World

from oms_chassis.migrate import migrate
from oms_chassis.sealing import KeyRing
from oms_cli.generator import orders
from oms_platform import SERVICES, LocalPlatform

ORDERS = 70
"""Enough for every case of the generator to occur."""


@pytest.fixture(scope="session")
def dsns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Six migrated databases on a server of our own, for the whole run, as their superuser."""
    before = dict(os.environ)
    # Naming a broker keeps the platform from starting one; nothing here talks to it.
    os.environ["OMS_KAFKA_BOOTSTRAP"] = "127.0.0.1:1"
    platform = LocalPlatform(tmp_path_factory.mktemp("platform"), shared_buffers_mb=64)
    with asyncio.Runner() as runner:
        try:
            state = runner.run(platform.up())
            for name in SERVICES:
                migrations = importlib.import_module(f"oms_{name}.migrations")
                runner.run(migrate(state.dsn(name), migrations, say=lambda _: None))
            server = urlsplit(state.admin_dsn)
            yield {name: urlunsplit(server._replace(path=f"/oms_{name}")) for name in SERVICES}
        finally:
            runner.run(platform.down())
            os.environ.clear()
            os.environ.update(before)


@dataclass(frozen=True)
class Played:
    """A world in which everything has come to rest, and how each order ended."""

    people: People
    ends: dict[str, str]
    data_dir: Path

    @property
    def world(self) -> World:
        """The services and the broker."""
        return self.people.world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def played(
    dsns: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Played]:
    """Orders of every kind, played to their ends."""
    folder = tmp_path_factory.mktemp("data")
    ring = KeyRing.create(folder / "ring.json")
    async with AsyncExitStack() as stack:
        members = []
        for name, dsn in dsns.items():
            db = await asyncpg.connect(dsn)
            stack.push_async_callback(db.close)
            members.append(Member(name, db, ring, folder))
            await members[-1].remember_policy()
            stack.push_async_callback(members[-1].calls.stop)
        plan = list(orders(5, ORDERS, 60, datetime(2026, 3, 1, 9, tzinfo=UTC)))
        people = People(World(members, seed=5), plan)
        yield Played(people, await people.play(), folder)
