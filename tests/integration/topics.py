"""Everything that is said on the system's topics, read and written as a plain Kafka client does."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from oms_contracts import wire
from oms_platform import SERVICES, load_topics

DECLARED = load_topics(Path(__file__).parents[2] / "deploy/topics.toml")
OURS = tuple(t.name for t in DECLARED if t.owner in SERVICES)
"""Topics that nobody but our own services writes."""
INTERNAL = tuple(t.name for t in DECLARED if t.owner in SERVICES and t.readers[0] in SERVICES)
"""Those of them that our own services read."""
FETCH_MS = 100
REQUEST_MAX_BYTES = 16 * 2**20
"""More than a broker takes: what is too much, it says itself."""
Spot = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True)
class Record:
    """A record of a topic."""

    topic: str
    partition: int
    key: str
    name: str
    """What happened, without service and version: `OrderPlaced`."""
    id: str
    value: bytes
    headers: Sequence[tuple[str, bytes]]

    @property
    def data(self) -> Any:
        """The event's own fields."""
        return json.loads(self.value)


class Topics:
    """All topics from their first records on."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=FETCH_MS
        )
        # Asks on a connection of its own: the other one waits for news most of the time.
        self._asker = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, max_request_size=REQUEST_MAX_BYTES
        )
        self._records: dict[str, list[Record]] = defaultdict(list)
        self._read_to: dict[TopicPartition, int] = defaultdict(int)
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and begin to read."""
        await asyncio.gather(self._producer.start(), self._asker.start(), self._consumer.start())
        self._consumer.assign([place for topic in DECLARED for place in _places(topic.name)])
        self._reading = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
        await asyncio.gather(self._producer.stop(), self._asker.stop(), self._consumer.stop())

    async def records(self, topic: str, key: str | None = None) -> list[Record]:
        """What a topic holds at this moment, perhaps under one key alone, in log order."""
        ends = await self._asker.end_offsets(_places(topic))
        while any(self._read_to[place] < end for place, end in ends.items()):
            assert self._reading is not None and not self._reading.done(), "the reader has ended"
            await asyncio.sleep(FETCH_MS / 1000 / 4)
        return [r for r in self._records[topic] if key in (None, r.key)]

    async def events(self, topic: str, key: str) -> dict[str, Record]:
        """The same by event id: what was delivered twice is one event."""
        return {r.id: r for r in await self.records(topic, key)}

    async def write(
        self, topic: str, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]],
        partition: int | None = None,
    ) -> Spot:  # fmt: skip
        """Write a record and wait until the broker has it; tells where it lies."""
        at = await self._producer.send_and_wait(
            topic, value, key=key, headers=headers, partition=partition
        )
        return at.topic, at.partition, at.offset

    async def repeat(self, records: Sequence[Record]) -> None:
        """Write records once more, byte for byte, in their order."""
        sent = [
            await self._producer.send(
                r.topic, r.value, key=r.key.encode(), headers=list(r.headers), partition=r.partition
            )
            for r in records
        ]
        await asyncio.gather(*sent)

    async def are_heard(self) -> bool:
        """Whether every service has told the broker that it is through with all its topics."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            groups = [await admin.list_consumer_group_offsets(f"oms-{name}") for name in SERVICES]
        finally:
            await admin.close()
        ends = await self._asker.end_offsets({place for group in groups for place in group})
        return all(at.offset >= ends[place] for group in groups for place, at in group.items())

    async def _read(self) -> None:
        while True:
            for place, found in (await self._consumer.getmany(timeout_ms=FETCH_MS)).items():
                self._records[place.topic] += map(_record, found)
                self._read_to[place] = found[-1].offset + 1


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(DECLARED[0].partitions)]


def _record(found: ConsumerRecord) -> Record:
    headers = tuple(found.headers)
    name = wire.type_of(headers) or ""
    return Record(
        topic=found.topic,
        partition=found.partition,
        key=(found.key or b"").decode(errors="replace"),
        name=name.split(".")[2] if name.count(".") > 1 else name,
        id=dict(headers).get("ce_id", b"").decode(errors="replace"),
        value=found.value or b"",
        headers=headers,
    )
