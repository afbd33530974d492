"""Reading: what a failure or a rebalance in the middle of a batch must not do."""

from toy.ground import PARTITIONS, Replica, Toy, until
from toy.service import Deposited

from oms_chassis.consumer import Consumer
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.work import Batch

SLOW = {"OMS_MAX_RECORDS": "20", "OMS_STATEMENT_TIMEOUT_MS": "60000"}
"""Small batches, so that some wait while one is held up."""
OTHERS, DEPOSITS_EACH = 20, 5
GIVEN_UP = "partitions given up with work in flight"


async def test_an_exception_out_of_the_batch_handler_skips_nothing(toy: Toy, account: str) -> None:
    heard: list[int] = []
    failures = 3

    async def deliver(batch: Batch) -> None:
        nonlocal failures
        heard_now = [w.item.body.amount for w in batch.works if w.item.key == account]
        if heard_now and failures:
            failures -= 1
            raise RuntimeError("a fault of ours")
        heard.extend(heard_now)
        consumer.done.update(batch.after)
        await consumer.commit()

    async def ignore(partitions: frozenset[int]) -> None: ...

    settings = Settings(
        service="witness", kafka_bootstrap=toy.platform.state.bootstrap, database_dsn="-",
        max_records=4, partitions=PARTITIONS,
    )  # fmt: skip
    metrics, ring = Metrics(), KeyRing(toy.run_dir / "ring.json")
    intake = Intake(
        (Deposited,), None, lambda item: ("account", item.key), "main", ring, metrics, 0.0
    )
    consumer = Consumer(settings, intake, metrics, deliver, ignore, ignore)
    await toy.deposit(*((account, n) for n in range(1, 21)))
    await consumer.join()
    try:
        await until(lambda: _is_there(heard, 20))
    finally:
        await consumer.stop()
    assert failures == 0
    assert heard == list(range(1, 21))


async def test_a_revoke_in_mid_batch_loses_doubles_and_reorders_nothing(
    toy: Toy, account: str
) -> None:
    """The new owner reads what the old one is still working on."""
    others = [f"{account}-{n}" for n in range(OTHERS)]
    async with (
        toy.held_up("INSERT", "entry", account) as held,
        toy.replica(f"{account}-old", OMS_REVOKE_TIMEOUT_SECONDS="1", **SLOW) as old,
    ):
        await toy.deposit((account, 1))
        await until(held.waiting)
        await toy.deposit(*((o, 1) for _ in range(DEPOSITS_EACH) for o in others))
        async with toy.replica(f"{account}-new", **SLOW):
            assert old.logged(GIVEN_UP)
            await held.release()
            await _each_once(toy, account, others)


async def test_a_cycle_that_outlasts_the_poll_interval_costs_the_partitions_and_doubles_nothing(
    toy: Toy, account: str
) -> None:
    """A static member joins again at once, and reads what its own cycle is still working on."""
    others = [f"{account}-{n}" for n in range(OTHERS)]
    poll = {"OMS_MAX_POLL_INTERVAL_MS": "2000", "OMS_REVOKE_TIMEOUT_SECONDS": "1"}
    async with (
        toy.held_up("INSERT", "entry", account) as held,
        toy.replica(f"{account}-slow", **poll, **SLOW) as slow,
    ):
        await toy.deposit((account, 1))
        await until(held.waiting)
        await toy.deposit(*((o, 1) for _ in range(DEPOSITS_EACH) for o in others))
        await until(lambda: _logged(slow, GIVEN_UP))
        await held.release()
        await _each_once(toy, account, others)
        await slow.ready()


async def _each_once(toy: Toy, account: str, others: list[str]) -> None:
    await until(lambda: toy.has_told(account, [(1, 1)]))
    for other in others:
        told = [(n, n) for n in range(1, DEPOSITS_EACH + 1)]
        await until(lambda other=other, told=told: toy.has_told(other, told))


async def _logged(replica: Replica, event: str) -> bool:
    return replica.logged(event)


async def _is_there(heard: list[int], amount: int) -> bool:
    return amount in heard
