"""What is parked runs again in line, once, as it was last edited, however it was read meanwhile."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from toy.ground import PARTITIONS, Toy
from toy.service import UNDECIDABLE, service

from oms_chassis import parking
from oms_chassis.replica import Replica
from oms_chassis.work import Work

BAD = b'{"amount": %d}' % UNDECIDABLE
LONG_LINE = parking.REDRIVE_ROWS_MAX + 20


@pytest.fixture
async def replica(toy: Toy) -> AsyncIterator[Replica]:
    """The toy in this process."""
    async with toy.parts(service) as parts:
        yield parts


async def test_an_edit_outlives_a_redrive_that_was_read_before_it(
    toy: Toy, replica: Replica, account: str
) -> None:
    await _park(toy, replica, account, BAD, BAD)
    first, second = await _line(toy, account)
    await _ask(replica, first, 1)
    read_before = await _read(replica, account)
    await _ask(replica, second, 4)
    await _run(replica, read_before)
    assert await _line(toy, account) == [second]
    await _run(replica, await _read(replica, account))
    assert await toy.balance(account) == 5


async def test_what_was_read_twice_runs_once(toy: Toy, replica: Replica, account: str) -> None:
    await _park(toy, replica, account, BAD)
    [place] = await _line(toy, account)
    await _ask(replica, place, 3)
    await _run(replica, [*await _read(replica, account), *await _read(replica, account)])
    assert await toy.balance(account) == 3


async def test_a_line_longer_than_one_pass_goes_on_and_nothing_overtakes_it(
    toy: Toy, replica: Replica, account: str
) -> None:
    await _park(toy, replica, account, BAD, *[b'{"amount": 1}'] * LONG_LINE)
    [first, *_] = await _line(toy, account)
    await _ask(replica, first, 1)
    some = (await _read(replica, account))[:-1]
    replica.engine.hold(some)
    await _park(toy, replica, account, b'{"amount": 7}')
    assert len(await _line(toy, account)) == LONG_LINE + 2 - len(some)
    assert await toy.balance(account) == len(some)
    await _run(replica, await _read(replica, account))
    assert await _line(toy, account) == []
    assert await toy.balance(account) == LONG_LINE + 8
    [row] = await toy.fetch("SELECT seq FROM account WHERE account = $1", account)
    assert row["seq"] == LONG_LINE + 2


async def _park(toy: Toy, replica: Replica, account: str, *values: bytes) -> None:
    for value in values:
        await replica.engine.deliver(toy.batch(replica, account, value))
        await replica.engine.flush()


async def _line(toy: Toy, account: str) -> list[int]:
    rows = await toy.fetch("SELECT position FROM parked WHERE key = $1 ORDER BY position", account)
    return [row["position"] for row in rows]


async def _ask(replica: Replica, place: int, amount: int) -> None:
    told = msgspec.json.encode({"amount": amount})
    sealed = replica.ring.seal(told, f"{place}|{amount}".encode()).encode()
    async with replica.pool.acquire() as db:
        assert await parking.ask_retry(db, place, "op", sealed)


async def _read(replica: Replica, account: str) -> list[Work]:
    async with replica.pool.acquire() as db:
        works = await parking.requested(db, replica.ring, replica.intake, range(PARTITIONS))
    return [w for w in works if w.ref[1] == account]


async def _run(replica: Replica, works: list[Work]) -> None:
    replica.engine.hold(works)
    await replica.engine.flush()
