"""What waits for a cycle: an input, where it came from, and what is needed if it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from aiokafka import TopicPartition

from oms_chassis.decision import Input, Ref


class Source(Enum):
    """The five ways into a cycle."""

    REDRIVE = "redrive"
    RECORD = "record"
    OUTCOME = "outcome"
    WAKE = "wake"
    COMMAND = "command"


@dataclass(slots=True)
class Work:
    """One input on its way into a cycle, with the root it is about.

    `type` is its name for people and metrics; `raw` are the bytes it can be rebuilt from when
    it is parked. `row` is the open call that an outcome answers, or the place in `parked`
    that a redrive comes from; `asked_at` is when a person last asked for that one.
    `place` is its turn in the cycle that takes it on.
    """

    item: Input
    source: Source
    ref: Ref
    type: str
    traceparent: str = ""
    raw: bytes = b""
    stranger: bool = False
    row: int = 0
    place: int = 0
    asked_at: datetime | None = None
    result: asyncio.Future[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Bytes that are nobody's input; kept sealed, with the reason."""

    topic: str
    partition: int
    offset: int
    key: str
    type: str
    reason: str
    value: bytes


@dataclass(slots=True)
class Batch:
    """What one poll brought: inputs in order, and how far each partition is done with them."""

    works: list[Work]
    dead: list[DeadLetter]
    first: dict[TopicPartition, int]
    after: dict[TopicPartition, int]


class FactRow(msgspec.Struct, array_like=True, frozen=True):
    """A fact as the outbox keeps it; `body` is its JSON."""

    id: UUID
    topic: str
    key: str
    type: str
    at: datetime
    sequence: int
    cause: UUID
    traceparent: str
    body: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Bundle:
    """A row of the outbox: what one cycle has to publish to one partition number, in order."""

    id: int
    partition: int
    facts: list[FactRow]


@dataclass(frozen=True, slots=True)
class CallRow:
    """A row of `open_call`: a call to make, on behalf of the root `kind`, `key`."""

    id: int
    call_id: UUID
    gateway: str
    partition: int
    kind: str
    key: str
    method: str
    cause: UUID
    traceparent: str
    body: bytes


def brief(error: BaseException) -> str:
    """An error in one line. PostgreSQL's further lines quote the row, and with it its content."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def from_(works: Iterable[Work], *sources: Source) -> list[Work]:
    """Those works that came by one of `sources`, in order."""
    return [w for w in works if w.source in sources]


_LATER = {Source.WAKE: 1, Source.COMMAND: 2}


def in_turn(works: Iterable[Work]) -> list[Work]:
    """A batch as it is decided: streams in order, then deadlines, then people's commands."""
    return sorted(works, key=lambda work: _LATER.get(work.source, 0))
