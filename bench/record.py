"""The log as the record of a run: when each order was meant to be placed, and when it was done.

Both moments stand in the log: the channel's record carries the moment it was meant for, and the
order service's fact carries the moment it was published, which is after its commit. So nothing
has to be asked of the system while it is measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from oms_cli.reconcile.log import channel_of, is_answers
from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_contracts.order import OrderCancelled, OrderShipped
from oms_order.domain import order_key
from oms_platform.topics import TopicSpec

ENDS = {OrderShipped.TYPE: "shipped", OrderCancelled.TYPE: "cancelled"}
"""Facts that end the same work for an order."""
POLL_MS = 500
FETCH_MAX_BYTES = 8 * 2**20


@dataclass(slots=True)
class Life:
    """One order: moments in seconds since the epoch; `end` is empty while there is none."""

    placed: float
    done: float = 0.0
    end: str = ""


@dataclass
class Record:
    """All that the log tells of a run."""

    lives: dict[str, Life] = field(default_factory=dict)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records by topic and type."""
    bytes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Their keys, values and headers."""
    _ended: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, record: ConsumerRecord, tenant: str) -> None:
        """Take one record into account; the order of topics does not matter."""
        name = wire.type_of(record.headers) or ""
        kind = (record.topic, name)
        self.records[kind] += 1
        self.bytes[kind] += _size(record)
        channel = channel_of(record.topic)
        if channel and not is_answers(record.topic) and name == OrderPlaced.TYPE:
            key = order_key(tenant, channel, record.key.decode())
            self.lives[key] = Life(record.timestamp / 1000)
        elif name in ENDS:
            self._ended.setdefault(record.key.decode(), (record.timestamp / 1000, ENDS[name]))

    def close(self) -> None:
        """Join beginnings and ends."""
        for key, (at, end) in self._ended.items():
            if life := self.lives.get(key):
                life.done, life.end = at, end
        self._ended.clear()

    def between(self, start: float, end: float) -> list[Life]:
        """Orders meant to be placed in that time."""
        return [life for life in self.lives.values() if start <= life.placed < end]

    def done_between(self, start: float, end: float) -> int:
        """How many orders came to their end in that time."""
        return sum(1 for life in self.lives.values() if life.end and start <= life.done < end)

    def open_at(self, moment: float) -> int:
        """Orders placed by then and not done."""
        return sum(
            1
            for life in self.lives.values()
            if life.placed < moment and not (life.end and life.done < moment)
        )


def _size(record: ConsumerRecord) -> int:
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name) + len(value or b"") for name, value in record.headers)


def percentiles(lives: Iterable[Life], shares: Sequence[float]) -> list[float]:
    """Seconds from placed to shipped at each share (0.99 is p99); zeros where none was shipped."""
    took = sorted(life.done - life.placed for life in lives if life.end == "shipped")
    if not took:
        return [0.0 for _ in shares]
    return [took[min(int(share * len(took)), len(took) - 1)] for share in shares]


async def read(bootstrap: str, tenant: str, topics: Sequence[TopicSpec]) -> Record:
    """Read every topic from its beginning to its present end."""
    found = Record()
    places = [TopicPartition(t.name, n) for t in topics for n in range(t.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_bytes=FETCH_MAX_BYTES
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            # Without a pause after `assign`, or the consumer begins to look for a position itself.
            consumer.seek(place, 0)
        left = {tp for tp in places if ends[tp]}
        while left:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    found.add(record, tenant)
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
    found.close()
    return found
