"""From Kafka records to inputs: what is skipped, what is decoded, what goes to dead letters.

Nothing in here raises for bad data. Garbage is kept as a dead letter and parks nothing, or
anyone could freeze an order; a known fact of our own with an impossible value parks its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord, TopicPartition

from oms_chassis.decision import Input, Invalid, Malformed, Ref, mint_id
from oms_chassis.metrics import Metrics
from oms_chassis.sealing import KeyRing
from oms_chassis.telemetry import traceparent_of_key
from oms_chassis.work import Batch, DeadLetter, Source, Work
from oms_contracts import wire
from oms_contracts.event import Event

STRANGER_PATTERN = r"oms\.channel\.[a-z0-9-]+\.v1"
"""Topics that the outside world writes."""
KEY_MAX_CHARS = 128


@dataclass(frozen=True)
class Strangers:
    """How a service takes what the outside world says on topics of its own.

    `key(tenant, channel, external id)` names the aggregate; `prepare(ring, input id, channel,
    body, digest)` turns the message into something the core may see: nothing personal is left
    in clear. A message with a readable key and an unacceptable body arrives as `Malformed`.
    """

    hears: tuple[type[Event], ...]
    key: Callable[[str, str, str], str]
    prepare: Callable[[KeyRing, UUID, str, Any, str], Any]
    external_id: str = "external_id"


class Intake:
    """Decodes batches of records for one service."""

    def __init__(
        self, hears: Sequence[type[Event]], strangers: Strangers | None,
        home: Callable[[Input], Ref], tenant: str, ring: KeyRing, metrics: Metrics,
        trace_ratio: float,
    ) -> None:  # fmt: skip
        self._own: Mapping[str, type[Event]] = {c.TYPE: c for c in hears}
        self._majors = {name.rpartition(".")[0] for name in self._own}
        self._foreign = {c.TYPE: c for c in strangers.hears} if strangers else {}
        self._strangers = strangers
        self._home = home
        self._stranger_topic = re.compile(STRANGER_PATTERN)
        self._tenant = tenant
        self._ring = ring
        self._metrics = metrics
        self._ratio = trace_ratio
        self.topics = sorted({c.TOPIC for c in hears})

    @property
    def pattern(self) -> str:
        """What to subscribe to: our own topics by name, every channel's by pattern."""
        names = [re.escape(t) for t in self.topics]
        return "^(" + "|".join(names + ([STRANGER_PATTERN] if self._strangers else [])) + ")$"

    def is_stranger(self, topic: str) -> bool:
        """Whether the outside world writes this topic."""
        return self._stranger_topic.fullmatch(topic) is not None

    def batch(self, records: Iterable[ConsumerRecord]) -> Batch:
        """Everything in `records` that concerns this service."""
        batch = Batch([], [], {}, {})
        for record in records:
            place = TopicPartition(record.topic, record.partition)
            batch.first.setdefault(place, record.offset)
            batch.after[place] = record.offset + 1
            taken = self.take(record)
            if isinstance(taken, DeadLetter):
                batch.dead.append(taken)
            elif taken is not None:
                batch.works.append(taken)
        return batch

    def take(self, record: ConsumerRecord) -> Work | DeadLetter | None:
        """One record as an input, as a dead letter, or as nothing to us."""
        stranger = self._strangers is not None and self.is_stranger(record.topic)
        name = wire.type_of(record.headers)
        known = (self._foreign if stranger else self._own).get(name or "")
        if name is not None and known is None and not self._newer(name, stranger):
            self._metrics.skipped(name if not stranger else "stranger")
            return None
        try:
            envelope = wire.envelope(record.headers)
            if stranger:
                return self._from_stranger(record, known, envelope)
            return self._from_us(record, envelope)
        except (wire.WireError, UnicodeDecodeError, ValueError) as error:
            return self._dead(record, name or "", str(error))

    def _newer(self, name: str, stranger: bool) -> bool:
        """A version we do not know of a type we hear: it must not be skipped."""
        return not stranger and name.rpartition(".")[0] in self._majors

    def _from_us(self, record: ConsumerRecord, envelope: wire.Envelope) -> Work | DeadLetter:
        if envelope.id is None or envelope.at is None or not record.key:
            return self._dead(record, envelope.type, "id, time or key is missing")
        if envelope.tenant != self._tenant:
            return self._dead(
                record, envelope.type, f"tenant {envelope.tenant!r} is not served here"
            )
        item = Input(
            envelope.id, record.key.decode(), self.body(envelope.type, record.value or b""),
            envelope.at, record.partition, record.topic,
        )  # fmt: skip
        trace = envelope.traceparent or ""
        return Work(
            item, Source.RECORD, self._home(item), envelope.type, trace, record.value or b""
        )

    def body(self, name: str, value: bytes) -> Event | Invalid:
        """The event in a value of our own, or why there is none."""
        known = self._own.get(name)
        if known is None:
            return Invalid(f"{name} is newer than this service")
        try:
            return wire.decode(known, value).upcast()
        except wire.InvalidBody as error:
            return Invalid(str(error))
        except Exception as error:  # a fault in an event's own code; its text may quote the body
            return Invalid(f"{type(error).__name__} while {name} was read")

    def _from_stranger(
        self, record: ConsumerRecord, known: type[Event] | None, envelope: wire.Envelope
    ) -> Work | DeadLetter:
        """Nothing but the topic's name is believed: the id is minted from where the record lies."""
        assert self._strangers is not None
        channel = record.topic.split(".")[2]
        if known is None:
            return self._dead(record, envelope.type, "no such message from a channel")
        value = record.value or b""
        digest = sha256(value).hexdigest()
        at = _time_of(record)
        input_id = mint_id(at, f"{record.topic}|{record.partition}|{record.offset}")
        external = (record.key or b"").decode()
        body, said = self._understood(known, value, channel, external, digest)
        external = external or said
        if not external or len(external) > KEY_MAX_CHARS or not external.isprintable():
            return self._dead(record, envelope.type, "neither key nor body names an order")
        key = self._strangers.key(self._tenant, channel, external)
        prepared = self._strangers.prepare(self._ring, input_id, channel, body, digest)
        item = Input(input_id, key, prepared, at, record.partition, record.topic)
        trace = traceparent_of_key(key, input_id, self._ratio)
        return Work(item, Source.RECORD, self._home(item), known.TYPE, trace, value, stranger=True)

    def _understood(
        self, known: type[Event], value: bytes, channel: str, external: str, digest: str
    ) -> tuple[Event | Malformed, str]:
        """What a stranger said, or what is wrong with it; and the order that its body names."""
        assert self._strangers is not None
        try:
            body = wire.decode(known, value).upcast()
        except wire.InvalidBody as error:
            reasons = tuple((r.field, r.code, r.text) for r in error.reasons)
            return Malformed(known.TYPE, reasons, digest, channel, external), ""
        said = str(getattr(body, self._strangers.external_id))
        if external and external != said:
            fault = (self._strangers.external_id, "key_mismatch", "differs from the record's key")
            return Malformed(known.TYPE, (fault,), digest, channel, external), said
        return body, said

    def prepared(self, name: str, value: bytes, topic: str, input_id: UUID) -> Any:
        """A stranger's message once more, as it was before it was parked (or as it was edited)."""
        assert self._strangers is not None
        channel, digest = topic.split(".")[2], sha256(value).hexdigest()
        body, _ = self._understood(self._foreign[name], value, channel, "", digest)
        return self._strangers.prepare(self._ring, input_id, channel, body, digest)

    def _dead(self, record: ConsumerRecord, name: str, reason: str) -> DeadLetter:
        self._metrics.dead_letters.inc()
        key = (record.key or b"")[:KEY_MAX_CHARS].decode(errors="replace")
        return DeadLetter(
            record.topic, record.partition, record.offset, key, name[:KEY_MAX_CHARS], reason[:500],
            record.value or b"",
        )  # fmt: skip


def _time_of(record: ConsumerRecord) -> datetime:
    return datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC)
