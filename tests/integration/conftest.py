"""One running system for all stories of a run: six processes, a broker, six databases."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from merchant import Merchant

from oms_cli.stack import Stack

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The system, with time running faster."""
    policies = Path(__file__).with_name("policies.toml")
    with asyncio.Runner() as runner:
        stack = Stack(CHECKOUT, run_dir=tmp_path_factory.mktemp("system"), policies=policies)
        runner.run(stack.up())
        try:
            yield stack
        finally:
            runner.run(stack.down())


@pytest.fixture
async def merchant(stack: Stack) -> AsyncIterator[Merchant]:
    """Somebody to tell a story with."""
    merchant = Merchant(stack)
    await merchant.open()
    yield merchant
    await merchant.close()
