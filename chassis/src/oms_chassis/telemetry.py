"""Traces: one per order, whose id is the order id's 128 bits.

A W3C traceparent travels as a plain string with every fact. Handing over a finished span costs
a cycle about a microsecond; one of the SDK's own, with extract and inject, costs 21. Those are
built in the background, and only where a collector is configured.
"""

from __future__ import annotations

import logging
import random
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import orjson
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Link, SpanContext, TraceFlags

from oms_chassis.settings import Settings

EXPORT_SECONDS = 1.0
SPANS_QUEUED_MAX = 50_000
SPANS_BATCH_MAX = 512
STOP_SECONDS = 5.0
FILE_MAX_BYTES = 256 * 2**20
"""A trace file is set aside as `<name>.1` at this size, replacing the one before."""
_SAMPLED = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f][13579bdf]")
_RANDOM_BITS = 56

log = logging.getLogger(__name__)


class Span(NamedTuple):
    """Something that was done. `parent_id` is empty at the root; `links` are traceparents."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, str | int | float | bool]
    links: Sequence[str]


Export = Callable[[Sequence[Span]], None]
"""Writes spans somewhere; may block, and raises if it could not."""


def traceparent_for(order_id: UUID, ratio: float = 1.0) -> str:
    """The root of an order's trace: the same wherever it is made, sampled for a share `ratio`."""
    sampled = order_id.int & (2**_RANDOM_BITS - 1) < ratio * 2**_RANDOM_BITS
    return f"00-{order_id.hex}-{order_id.hex[16:]}-{'01' if sampled else '00'}"


def traceparent_of_key(key: str, otherwise: UUID, ratio: float = 1.0) -> str:
    """The root of the trace of what `key` names; of `otherwise` where a key is no UUID."""
    try:
        return traceparent_for(UUID(key), ratio)
    except ValueError:
        return traceparent_for(otherwise, ratio)


class Tracer:
    """Takes finished spans; a thread exports them. What cannot be exported is dropped, counted."""

    def __init__(self, settings: Settings, export: Export | None = None) -> None:
        self.dropped = 0
        self._enabled = settings.trace_ratio > 0
        self._export = export or _export(settings)
        self._queue: deque[Span] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def span(
        self, name: str, traceparent: str, start_ns: int, end_ns: int,
        attributes: Mapping[str, str | int | float | bool], links: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Record a span below `traceparent` and return its own, for what it caused to carry.

        Without the sampled flag nothing is recorded and `traceparent` comes back as it is.
        Attributes must hold nothing personal.
        """
        context = _SAMPLED.fullmatch(traceparent)
        if context is None or not self._enabled:
            return traceparent
        trace_id, above = context.groups()
        parent_id = above if above != trace_id[16:] else ""
        span_id = f"{random.getrandbits(64):016x}"
        if len(self._queue) < SPANS_QUEUED_MAX:
            self._queue.append(
                Span(name, trace_id, span_id, parent_id, start_ns, end_ns, attributes, links)
            )
        else:
            self.dropped += 1
        return f"00-{trace_id}-{span_id}-01"

    def close(self) -> None:
        """Export what is queued, for at most `STOP_SECONDS`; blocks."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(EXPORT_SECONDS):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        while self._queue:
            count = min(len(self._queue), SPANS_BATCH_MAX)
            spans = [self._queue.popleft() for _ in range(count)]
            try:
                self._export(spans)
            except Exception:  # no trace is worth more than the service
                self.dropped += count
                log.warning("spans lost", extra={"count": count}, exc_info=True)


def _export(settings: Settings) -> Export:
    if settings.otlp_endpoint:
        return _to_collector(settings.otlp_endpoint, settings.service, settings.slot)
    file = settings.data_dir / "traces" / f"{settings.service}.jsonl"
    return _to_file(settings.trace_file or file, settings.service)


def _to_file(path: Path, service: str) -> Export:
    """JSON lines, whole batches at a time, so that several processes may share the file."""

    def export(spans: Sequence[Span]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        told = ({"service": service} | span._asdict() for span in spans)
        with path.open("ab", buffering=0) as file:
            file.write(b"".join(orjson.dumps(s, option=orjson.OPT_APPEND_NEWLINE) for s in told))
            full = file.tell() > FILE_MAX_BYTES
        if full:
            path.replace(path.with_name(f"{path.name}.1"))

    return export


def _to_collector(endpoint: str, service: str, slot: str) -> Export:
    about = {"service.namespace": "oms", "service.name": service, "service.instance.id": slot}
    resource = Resource.create(about)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")

    def readable(span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            _context(span.trace_id, span.span_id),
            _context(span.trace_id, span.parent_id) if span.parent_id else None,
            resource,
            span.attributes,
            links=[Link(_context(*link.split("-")[1:3])) for link in span.links],
            start_time=span.start_ns,
            end_time=span.end_ns,
        )

    def export(spans: Sequence[Span]) -> None:
        if exporter.export([readable(span) for span in spans]) is not SpanExportResult.SUCCESS:
            raise ConnectionError("the collector did not take them")

    return export


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(TraceFlags.SAMPLED))
