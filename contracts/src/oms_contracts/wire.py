"""How an event looks in a Kafka record: CloudEvents 1.0, binary mode.

Attributes are headers, the record's key is the event's subject, the value is the JSON of the
data alone. Whoever writes calls `headers_of` and `encode`; whoever reads asks `type_of` first
(most records concern somebody else), then `envelope` and `decode`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError

from oms_contracts.event import Event, Reason

VALUE_MAX_BYTES = 256 * 1024
"""Most bytes in a record's value.

An order of 500 lines needs half of it, and four of the largest still fit into one of Kafka's
record batches (1 MiB by default), so that no legal event can get stuck in front of a partition.
"""
HEADER_MAX_BYTES = 256
"""Most bytes in the value of a header that is read."""
REASONS_MAX = 50
"""Most faults named for one body; more help nobody and would swell the answer to a stranger."""

Headers = Collection[tuple[str, bytes]]
AnyEvent = TypeVar("AnyEvent", bound=Event)

_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", b"application/json")
_TRACEPARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class WireError(ValueError):
    """A record that is not an event, or an event that does not fit a record; says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidBody(ValueError):
    """A body that breaks its contract: every fault at once, none of the values."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__("; ".join(f"{r.field or 'body'}: {r.text}" for r in reasons))
        self.reasons = reasons


@dataclass(slots=True)
class Envelope:
    """Everything that is known about an event without its body.

    Strangers need not give more than CloudEvents demands: `id` is None where theirs is no UUID,
    `at` where they gave no time; `sequence` 0 and an empty `tenant` mean that none was told.
    """

    id: UUID | None
    type: str
    source: str
    at: datetime | None
    sequence: int = 0
    cause: UUID | None = None
    tenant: str = ""
    traceparent: str | None = None


def headers_of(
    id: UUID,
    type: str,
    source: str,
    at: datetime,
    sequence: int,
    cause: UUID | None,
    tenant: str,
    traceparent: str | None,
) -> list[tuple[str, bytes]]:
    """The headers of one event; absent optional attributes cost nothing.

    The sequence is padded because CloudEvents orders it as text.
    """
    headers = [
        *_constant(type, source, tenant),
        ("ce_id", str(id).encode()),
        ("ce_time", _in_utc(at).isoformat().encode()),
        ("ce_sequence", b"%012d" % sequence),
    ]
    if cause is not None:
        headers.append(("ce_causationid", str(cause).encode()))
    if traceparent is not None:
        headers.append(("traceparent", traceparent.encode()))
    return headers


@lru_cache(maxsize=1024)
def _constant(type: str, source: str, tenant: str) -> tuple[tuple[str, bytes], ...]:
    return (
        _SPECVERSION,
        ("ce_type", type.encode()),
        ("ce_source", source.encode()),
        ("ce_tenant", tenant.encode()),
        _CONTENT_TYPE,
    )


def type_of(headers: Headers) -> str | None:
    """The event type alone, or None where there is none that can be read."""
    for name, value in headers:
        if name == "ce_type":
            return value.decode() if value and value.isascii() else None
    return None


def envelope(headers: Headers) -> Envelope:
    """Read the headers of a record; raises WireError unless they are those of a CloudEvent."""
    found = dict(headers)
    if len(found) != len(headers):
        _refuse_repeated(headers)
    if found.get("ce_specversion") != b"1.0":
        raise WireError("ce_specversion is not 1.0: not a CloudEvent in binary mode")
    return Envelope(
        id=_uuid(_text(found, "ce_id")),
        type=_text(found, "ce_type"),
        source=_text(found, "ce_source"),
        at=_moment(_text(found, "ce_time")) if "ce_time" in found else None,
        sequence=_number(_text(found, "ce_sequence")) if "ce_sequence" in found else 0,
        cause=_uuid(_text(found, "ce_causationid")) if "ce_causationid" in found else None,
        tenant=_text(found, "ce_tenant") if "ce_tenant" in found else "",
        traceparent=_trace(found.get("traceparent")),
    )


def _refuse_repeated(headers: Headers) -> None:
    """Of two values for an attribute no reader could know which one the next reader takes."""
    for name, count in Counter(name for name, _ in headers).items():
        if count > 1 and name.startswith("ce_"):
            raise WireError(f"{name[:HEADER_MAX_BYTES]!a} is given {count} times")


def _text(found: dict[str, bytes], name: str) -> str:
    """A header's text. Printable ASCII alone, because it goes into logs and metrics."""
    value = found.get(name)
    if not value:
        raise WireError(f"{name} is missing or empty")
    if len(value) > HEADER_MAX_BYTES:
        raise WireError(f"{name} is longer than {HEADER_MAX_BYTES} bytes")
    if not value.isascii() or not (text := value.decode()).isprintable():
        raise WireError(f"{name} is not printable ASCII")
    return text


def _uuid(text: str) -> UUID | None:
    if len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _trace(value: bytes | None) -> str | None:
    """W3C Trace Context: a header that cannot be read is ignored, the message is not."""
    return value.decode() if value and _TRACEPARENT.fullmatch(value) else None


def _moment(text: str) -> datetime:
    try:
        return _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise WireError("ce_time is not a moment in RFC 3339") from None


def _in_utc(at: datetime) -> datetime:
    """Raises ValueError for a time without offset, OverflowError at the calendar's ends."""
    if at.tzinfo is None:
        raise ValueError("a time without its offset is no moment")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > 18:
        raise WireError("ce_sequence is not a whole number of at most 18 digits")
    return int(text)


def encode(event: Event) -> bytes:
    """The value of the record: the event's data as JSON. Raises WireError if it is too large."""
    value = event.__pydantic_serializer__.to_json(event)
    if len(value) > VALUE_MAX_BYTES:
        raise WireError(f"{event.TYPE} has {len(value)} bytes; a record takes {VALUE_MAX_BYTES}")
    return value


def decode(event_class: type[AnyEvent], value: bytes) -> AnyEvent:
    """The event in the value of a record; raises InvalidBody with every fault there is."""
    if len(value) > VALUE_MAX_BYTES:
        text = f"{len(value)} bytes; a record takes {VALUE_MAX_BYTES}"
        raise InvalidBody((Reason(field="", code="too_large", text=text),))
    try:
        return event_class.model_validate_json(value)
    except ValidationError as error:
        raise InvalidBody(reasons_of(error)) from None


def reasons_of(error: ValidationError) -> tuple[Reason, ...]:
    """What pydantic found, in field, code and sentence; what it found it *in* stays out."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    # pydantic drops faulty items and then calls their list too short: that is no fault of its own.
    inside = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    return tuple(
        Reason(field=".".join(map(str, fault["loc"])), code=fault["type"], text=fault["msg"])
        for fault in faults
        if not fault["loc"] or fault["loc"] not in inside
    )[:REASONS_MAX]
