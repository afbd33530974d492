"""The engine of the toy in this process, on the real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from toy.ground import DEADLINE_SECONDS, Toy, until
from toy.service import service

from oms_chassis.replica import Replica

_OURS = "application_name = 'toy-parts' AND state <> 'idle'"


@pytest.fixture
async def replica(toy: Toy) -> AsyncIterator[Replica]:
    """The parts of a replica of the toy."""
    async with toy.parts(service) as parts:
        yield parts


async def test_a_cancelled_cycle_leaves_no_open_transaction_and_no_lock(
    toy: Toy, replica: Replica, account: str
) -> None:
    batch = toy.batch(replica, account, b'{"amount": 3}')
    async with toy.held_up("INSERT", "entry", account) as held:
        running = asyncio.create_task(replica.engine.run())
        await replica.engine.deliver(batch)
        await until(held.waiting)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        sessions = await toy.fetch(f"SELECT state FROM pg_stat_activity WHERE {_OURS}")
        assert sessions == []
        locks = await toy.fetch(
            "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE application_name = 'toy-parts'"
        )
        assert locks == []
    assert await toy.fetch("SELECT 1 FROM inbox WHERE id = $1", batch.works[0].item.id) == []
    await replica.engine.deliver(batch)
    await replica.engine.flush()
    assert await toy.balance(account) == 3


async def test_batches_not_begun_are_dropped_when_partitions_go(
    toy: Toy, replica: Replica, account: str
) -> None:
    await replica.engine.deliver(toy.batch(replica, account, b'{"amount": 1}'))
    waiting = asyncio.create_task(
        replica.engine.deliver(toy.batch(replica, account, b'{"amount": 2}'))
    )
    await asyncio.sleep(0)
    assert replica.engine.waiting and not waiting.done()
    await replica.engine.lose()
    await asyncio.wait_for(waiting, DEADLINE_SECONDS)
    await replica.engine.flush()
    assert await toy.balance(account) is None
