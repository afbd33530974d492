"""A history tells what every input said once it came through, and nothing of what did not."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from toy.ground import PARTITIONS, Toy
from toy.service import STORE, UNDECIDABLE, UNSAVABLE, service

from oms_chassis import parking
from oms_chassis.replica import Replica
from oms_chassis.store import Store

REMEMBERING = replace(service, store=Store(STORE.base, STORE.roots, STORE.rows, history=True))
IMPOSSIBLE = b'{"amount": "Ada Lovelace, Main Street 1"}'
DEPOSIT = b'{"amount": 4}'


@pytest.fixture
async def remembering(toy: Toy) -> AsyncIterator[Replica]:
    """The toy with a history."""
    async with toy.parts(REMEMBERING) as parts:
        yield parts


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(IMPOSSIBLE, id="impossible"),
        pytest.param(b'{"amount": %d}' % UNDECIDABLE, id="undecidable"),
        pytest.param(b'{"amount": %d}' % UNSAVABLE, id="unsavable"),
    ],
)
async def test_a_parked_input_stands_in_the_history_without_its_words_until_it_comes_through(
    toy: Toy, remembering: Replica, account: str, bad: bytes
) -> None:
    await _hear(toy, remembering, account, bad, DEPOSIT)
    assert await _words(toy, account) == [None, None]
    edited = b'{"amount": 5}'
    await _edit(toy, remembering, account, edited)
    assert await _words(toy, account) == [edited, DEPOSIT]
    assert await toy.balance(account) == 9


async def test_what_was_set_aside_never_gets_its_words_back(
    toy: Toy, remembering: Replica, account: str
) -> None:
    await _hear(toy, remembering, account, IMPOSSIBLE)
    [parked] = await toy.fetch("SELECT position, parked_at FROM parked WHERE key = $1", account)
    async with remembering.pool.acquire() as db:
        assert await parking.skip(db, parked["position"], "op", parked["parked_at"])
    await _hear(toy, remembering, account, DEPOSIT)
    assert await _words(toy, account) == [None, DEPOSIT]


async def _hear(toy: Toy, replica: Replica, account: str, *values: bytes) -> None:
    for value in values:
        await replica.engine.deliver(toy.batch(replica, account, value))
        await replica.engine.flush()


async def _edit(toy: Toy, replica: Replica, account: str, value: bytes) -> None:
    [first, *_] = await toy.fetch(
        "SELECT position FROM parked WHERE key = $1 ORDER BY position", account
    )
    ring = replica.ring
    sealed = ring.seal(value, b"edited").encode()
    async with replica.pool.acquire() as db:
        assert await parking.ask_retry(db, first["position"], "op", sealed)
        again = await parking.requested(db, ring, replica.intake, range(PARTITIONS))
    replica.engine.hold(again)
    await replica.engine.flush()


async def _words(toy: Toy, account: str) -> list[bytes | None]:
    rows = await toy.fetch("SELECT body FROM inbox WHERE key = $1 ORDER BY at, id", account)
    return [row["body"] for row in rows]
