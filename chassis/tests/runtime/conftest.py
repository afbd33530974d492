"""The toy service as a real process, on a real broker and a real database."""

import asyncio
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms_chassis import migrate
from oms_platform import LocalPlatform, TopicSpec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where the toy package lies

import toy.migrations
from toy.ground import PARTITIONS, Toy
from toy.service import BalanceChanged, Deposited

REVISIONS = toy.migrations


@pytest.fixture(scope="session")
def toy_runner() -> Iterator[asyncio.Runner]:
    """The loop that keeps the platform's children."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def toy(toy_runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """The ground that all runtime tests share; each uses accounts of its own."""
    run_dir = tmp_path_factory.mktemp("toy")
    topics = [
        TopicSpec(name, "toy", (), 168, PARTITIONS)
        for name in (Deposited.TOPIC, BalanceChanged.TOPIC)
    ]
    platform = LocalPlatform(run_dir, topics=topics, services=["toy"], shared_buffers_mb=32)
    toy_runner.run(platform.up())
    try:
        toy_runner.run(migrate.migrate(platform.state.dsn("toy"), REVISIONS))
        yield Toy(platform, run_dir)
    finally:
        toy_runner.run(platform.down())


@pytest.fixture
def account() -> str:
    """An account nobody used before."""
    return f"account-{uuid.uuid4().hex[:12]}"
