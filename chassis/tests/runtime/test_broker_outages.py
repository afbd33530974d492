"""The broker, or a topic, is not there: accepting goes on, and what was missed is made up for."""

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from toy.ground import DEADLINE_SECONDS, PARTITIONS, Replica, Toy, until
from toy.service import Deposited
from toy.stray import UNTOLD, Strayed

from oms_platform import TopicSpec
from oms_platform.topics import create_topics


async def test_without_a_broker_at_boot_http_accepts_and_the_rest_is_made_up_for(
    toy: Toy, account: str
) -> None:
    [broker] = toy.platform.kafka.nodes
    await toy.deposit((account, 5))
    broker.kill()
    try:
        async with toy.starting() as replica:
            assert (await replica.post(f"/accounts/{account}/withdraw/0")).json() == {"balance": 0}
            assert "broker" in await until(lambda: replica.reason("broker"))
            assert (await replica.get("/ready")).status_code == 503
            await broker.restart()
            await replica.ready()
            await until(lambda: toy.holds(account, 5))
            await until(lambda: toy.has_told(account, [(1, 0), (2, 5)]))
    finally:
        await broker.restart()


async def test_missing_topics_are_named_and_once_they_are_there_work_begins(
    toy: Toy, account: str
) -> None:
    async with toy.starting(module="toy.stray") as replica:
        for topic in (Strayed.TOPIC, UNTOLD):  # what it would hear, and what it would tell
            reason = await until(lambda topic=topic: _naming(replica, topic))
            assert f"need {PARTITIONS} partitions" in reason
            assert (await replica.get("/ready")).status_code == 503
            missing = [TopicSpec(topic, "toy", (), 168, PARTITIONS)]
            await create_topics(toy.platform.state.bootstrap, missing)
        await replica.ready()
        await toy.deposit((account, 3), of=Strayed)
        await until(lambda: toy.holds(account, 3))


async def test_an_outage_of_the_broker_delays_offsets_and_facts_and_nothing_else(
    toy: Toy, account: str
) -> None:
    [broker] = toy.platform.kafka.nodes
    try:
        async with toy.held_up("INSERT", "entry", account) as held, toy.replica() as replica:
            before = await _committed(toy)
            await toy.deposit(*((account, 1) for _ in range(10)))
            await until(held.waiting)
            broker.kill()
            await held.release()
            await until(lambda: replica.metric("oms_offsets_commit_failures_total"))
            assert replica.logged("offsets not committed")
            drawn = await replica.post(f"/accounts/{account}/withdraw/4")
            assert drawn.json() == {"balance": 6}
            await broker.restart()
            await until(lambda: _committed_since(toy, before, 10))
            await toy.deposit((account, 1))
            told = [*((n, n) for n in range(1, 11)), (11, 6), (12, 7)]
            await until(lambda: toy.has_told(account, told))
    finally:
        await broker.restart()


async def test_a_replica_told_to_stop_while_the_broker_is_away_stops(
    toy: Toy, account: str
) -> None:
    [broker] = toy.platform.kafka.nodes
    try:
        async with toy.replica(OMS_REVOKE_TIMEOUT_SECONDS="2") as replica:
            broker.kill()
            assert (await replica.post(f"/accounts/{account}/withdraw/0")).status_code == 200
            assert await replica.process.stop(DEADLINE_SECONDS) == 0
    finally:
        await broker.restart()
    async with toy.replica():
        await until(lambda: toy.has_told(account, [(1, 0)]))


async def _naming(replica: Replica, topic: str) -> str:
    reason = await replica.reason("broker")
    return reason if topic in reason else ""


async def _committed(toy: Toy) -> int:
    """How many deposits the toy's group says it is done with."""
    admin = AIOKafkaAdminClient(bootstrap_servers=toy.platform.state.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets("oms-toy")
    finally:
        await admin.close()
    places = [TopicPartition(Deposited.TOPIC, p) for p in range(PARTITIONS)]
    return sum(offsets[place].offset for place in places if place in offsets)


async def _committed_since(toy: Toy, before: int, deposits: int) -> bool:
    return await _committed(toy) == before + deposits
