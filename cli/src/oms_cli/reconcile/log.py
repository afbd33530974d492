"""Reading every topic from its beginning, in no group, and how far the services have come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from oms_contracts import wire
from oms_order.domain import order_key
from oms_platform import SERVICES
from oms_platform.topics import TopicSpec

POLL_MS = 500
ORDER_TOPIC = "oms.order.v1"
LEVEL_TOPIC = "oms.stock-level.v1"
_READ_AGAIN = (ORDER_TOPIC, LEVEL_TOPIC)
"""Of all other facts of ours it is enough to know them apart: their values are not kept."""
_CHANNEL = re.compile(r"oms\.channel\.([a-z0-9-]+)(\.answers)?\.v1")

Place = tuple[str, int]
"""Topic and partition."""
Spot = tuple[str, int, int]
"""Topic, partition and offset."""


class Told(NamedTuple):
    """One record, as far as a check needs it."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    """Empty where there is none that can be read."""
    type: str
    sequence: int
    at_ms: int
    digest: bytes
    """Of everything in the record: copies have the same."""
    value: bytes
    tenant: str = ""
    secret: str = ""
    """What was looked for and stands in it, if anything does."""

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.topic, self.partition

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset} {self.type} of {self.key}"


class Secrets:
    """Words that must stand nowhere but where people are meant to read them."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(sorted({word for word in words if word}))
        found = "|".join(re.escape(word) for word in self.words)
        self._pattern = re.compile(found.encode(), re.IGNORECASE) if self.words else None

    def within(self, content: bytes) -> str:
        """The first of them in `content`, or nothing."""
        match = self._pattern.search(content) if self._pattern else None
        return match[0].decode(errors="replace") if match else ""


@dataclass(frozen=True)
class Log:
    """What the topics hold. `heard` says up to which offset each service's group has processed."""

    topics: Mapping[str, TopicSpec]
    told: Sequence[Told]
    begins: Mapping[Place, int] = field(default_factory=dict)
    """Where partitions begin whose oldest records are gone."""
    ends: Mapping[Place, int] = field(default_factory=dict)
    """Where partitions ended before the stores were read."""
    heard: Mapping[str, Mapping[Place, int]] = field(default_factory=dict)
    """By service."""

    def was_heard(self, told: Told, reader: str) -> bool:
        """Whether a service has processed a record, for sure."""
        return told.offset < self.heard.get(reader, {}).get(told.place, 0)

    def readers(self, topic: str) -> list[str]:
        """The services that read a topic."""
        return [reader for reader in self.topics[topic].readers if reader in SERVICES]


def channel_of(topic: str) -> str:
    """The channel whose topic it is; empty for one of ours."""
    match = _CHANNEL.fullmatch(topic)
    return match[1] if match else ""


def is_answers(topic: str) -> bool:
    """Whether channels hear it, rather than write it."""
    match = _CHANNEL.fullmatch(topic)
    return bool(match and match[2])


def root_key(tenant: str, topic: str, key: str) -> str:
    """The key of the aggregate that a record is about: channels name orders in their own way."""
    channel = channel_of(topic)
    return order_key(tenant, channel, key) if channel else key


async def positions(
    bootstrap: str, topics: Iterable[TopicSpec]
) -> tuple[dict[Place, int], dict[str, dict[Place, int]]]:
    """Where each partition ends now, and how far each service has committed."""
    places = [TopicPartition(t.name, n) for t in topics for n in range(t.partitions)]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await admin.start()
    await consumer.start()
    try:
        heard = {
            name: {
                (tp.topic, tp.partition): found.offset
                for tp, found in (await admin.list_consumer_group_offsets(f"oms-{name}")).items()
            }
            for name in SERVICES
        }
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
        await admin.close()
    return {(tp.topic, tp.partition): end for tp, end in ends.items()}, heard


async def read_all(
    bootstrap: str, topics: Iterable[TopicSpec], secrets: Secrets | None = None
) -> tuple[list[Told], dict[Place, int]]:
    """Every record of every topic up to its present end, and where the partitions begin."""
    places = [TopicPartition(t.name, n) for t in topics for n in range(t.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_bytes=8 * 2**20
    )
    await consumer.start()
    try:
        begins = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            # Without a pause after `assign`, or the consumer begins to look for a position itself.
            consumer.seek(place, begins[place])
        told: list[Told] = []
        left = {tp for tp in places if ends[tp] > begins[tp]}
        while left:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                told += (told_by(record, secrets) for record in records)
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
    return told, {(tp.topic, tp.partition): n for tp, n in begins.items() if n}


def told_by(record: ConsumerRecord, secrets: Secrets | None = None) -> Told:
    """What a record tells, as far as checks need it."""
    key, value = record.key or b"", record.value or b""
    whole = b"\0".join((key, value, *(name.encode() + value for name, value in record.headers)))
    try:
        found = wire.envelope(record.headers)
        id_, name, sequence, tenant = found.id, found.type, found.sequence, found.tenant
    except wire.WireError:
        id_, name, sequence, tenant = None, wire.type_of(record.headers) or "", 0, ""
    kept = value if record.topic in _READ_AGAIN or channel_of(record.topic) else b""
    return Told(
        record.topic, record.partition, record.offset, key.decode(errors="replace"), _text(id_),
        name, sequence, record.timestamp, blake2b(whole, digest_size=16).digest(), kept, tenant,
        secrets.within(whole) if secrets else "",
    )  # fmt: skip


def _text(id_: UUID | None) -> str:
    return str(id_) if id_ is not None else ""
