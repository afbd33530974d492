"""Row 3: the broker dies and comes back; a cluster loses one node, then two."""

import pytest
from load import Load
from patience import until
from rows import row, smoke
from trial import Trial

HTTP_ORDERS_MIN = 5
"""So many orders must be taken by HTTP while no broker is there."""


@smoke
@row(3, "kill -9 of the only broker, orders go on by HTTP, it comes back")
async def test_the_broker_is_killed_and_orders_are_accepted_all_the_same(trial: Trial) -> None:
    assert trial.rig.platform.kafka is not None
    [broker] = trial.rig.platform.kafka.nodes
    async with trial.load(orders=90) as load:
        await load.reaches(0.2)
        broker.kill()
        taken = await _accepts(load)
        broker.start()
        await broker.wait_ready()
    trial.witness("orders accepted by HTTP without a broker", taken)
    trial.witness("messages that channels had to send again", load.channels.tried_again)


async def _accepts(load: Load) -> int:
    """Return once enough orders were taken by HTTP; how many."""
    before = load.taken_over_http

    async def enough() -> bool:
        return load.taken_over_http >= before + HTTP_ORDERS_MIN

    await until(enough)
    return load.taken_over_http - before


@row(3, "the broker is stopped in order and started, twice")
async def test_the_broker_restarts_under_load(trial: Trial) -> None:
    assert trial.rig.platform.kafka is not None
    [broker] = trial.rig.platform.kafka.nodes
    async with trial.load(orders=120) as load:
        for share in (0.2, 0.5):
            await load.reaches(share)
            await broker.restart()
    trial.witness("restarts of the broker", 2)


@pytest.mark.brokers(3)
@row(3, "three nodes: one dies, then a second, then both come back")
async def test_a_cluster_loses_one_node_and_works_then_two_and_waits(fresh_trial: Trial) -> None:
    assert fresh_trial.rig.platform.kafka is not None
    nodes = fresh_trial.rig.platform.kafka.nodes
    async with fresh_trial.load(orders=150, a_second=8) as load:
        await load.reaches(0.1)
        nodes[1].kill()
        await load.reaches(0.4)  # by Kafka as well: two of three are in sync, which is enough
        nodes[2].kill()
        taken = await _accepts(load)
        for node in nodes[1:]:
            node.start()
        for node in nodes[1:]:
            await node.wait_ready()
    fresh_trial.witness("nodes killed", 2)
    fresh_trial.witness("orders accepted by HTTP without a quorum", taken)
