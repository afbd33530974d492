"""Headers that a stranger may put on a record harm nobody."""

from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from toy.ground import PARTITIONS, Toy, until
from toy.service import BalanceChanged, Deposited

from oms_chassis.decision import mint_id
from oms_contracts import wire

STRANGE = (("odd", b"\xff\xfe"), ("empty", None), ("reply_to", BalanceChanged.TOPIC.encode()))


async def test_a_header_that_is_no_text_loses_nothing_and_nobody_replies_to_one(
    toy: Toy, account: str
) -> None:
    async with toy.replica():
        await _deposit_strangely(toy, account, 1)
        await toy.deposit((account, 2))
        await until(lambda: _told(toy, account, [(1, 1), (2, 3)]))
        assert await _replies(toy) == []


async def _deposit_strangely(toy: Toy, account: str, amount: int) -> None:
    now = datetime.now(UTC)
    headers = wire.headers_of(
        mint_id(now, account), Deposited.TYPE, "/toy-test", now, 1, None, "main", None
    )
    producer = AIOKafkaProducer(bootstrap_servers=toy.platform.state.bootstrap)
    async with producer:
        await producer.send_and_wait(
            Deposited.TOPIC, wire.encode(Deposited(amount=amount)), key=account.encode(),
            headers=[*STRANGE, *headers],
        )  # fmt: skip


async def _replies(toy: Toy) -> list[bytes | None]:
    """What lies on the topic that was named in `reply_to` and is no fact of ours."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=toy.platform.state.bootstrap, auto_offset_reset="earliest"
    )
    async with consumer:
        places = [TopicPartition(BalanceChanged.TOPIC, p) for p in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[bytes | None] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [r.value for r in records if wire.type_of(r.headers) is None]
        return found


async def _told(toy: Toy, account: str, facts: list[tuple[int, int]]) -> bool:
    return await toy.told(account) == facts
