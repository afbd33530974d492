"""Headers that a stranger may put on a record harm nobody."""

from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from toy.ground import PARTITIONS, Toy, until
from toy.service import BalanceChanged, Deposited

from oms_chassis.decision import mint_id
from oms_chassis.store import partition_of
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


async def test_a_header_whose_name_is_no_text_is_stepped_over(toy: Toy, account: str) -> None:
    others = [f"{account}-{n}" for n in range(30)]
    partition = partition_of(account, PARTITIONS)
    async with toy.replica():
        await toy.deposit(*((other, 1) for other in others), (account, 1))
        await _write_unreadable(toy, partition)
        await toy.deposit((account, 2), *((other, 2) for other in others))
        await until(lambda: _told(toy, account, [(1, 1), (2, 3)]))
        for other in others:
            await until(lambda other=other: _told(toy, other, [(1, 1), (2, 3)]))
    letters = await toy.fetch(
        'SELECT "partition" FROM dead_letter WHERE topic = $1', Deposited.TOPIC
    )
    assert [letter["partition"] for letter in letters] == [partition, partition]


class NoText(str):
    """A header's name as a client in Latin-1 would send it."""

    def encode(self, *_: str) -> bytes:
        return b"gr\xf6\xdfe"


async def _write_unreadable(toy: Toy, partition: int) -> None:
    """A batch of two records, the first of which no Python client would let through."""
    batch = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1_000)
    now_ms = int(datetime.now(UTC).timestamp() * 1_000)
    for offset, headers in enumerate(([(NoText("size"), b"L")], [])):
        batch.append(offset, timestamp=now_ms, key=b"k", value=b"{}", headers=headers)
    request = ProduceRequest(
        transactional_id=None, required_acks=-1, timeout=5_000,
        topics=[(Deposited.TOPIC, [(partition, bytes(batch.build()))])],
    )  # fmt: skip
    async with AIOKafkaProducer(bootstrap_servers=toy.platform.state.bootstrap) as producer:
        [node] = producer.client.cluster.brokers()
        answer = await producer.client.send(node.nodeId, request)
    [(_, [(_, error_code, *_)])] = answer.topics
    assert error_code == 0


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
