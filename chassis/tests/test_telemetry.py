"""Traces: one per order, cheap, and never in the way."""

import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from oms_chassis import telemetry
from oms_chassis.decision import derive_id
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Span, Tracer, traceparent_for, traceparent_of_key

ORDER = UUID("0198c0de-0000-7abc-8123-456789abcdef")
ROOT = traceparent_for(ORDER)
STUCK_SECONDS_MAX = 30.0


def settings(tmp_path: Path, **given: Any) -> Settings:
    required = {"service": "billing", "kafka_bootstrap": "-", "database_dsn": "-"}
    return Settings(**required, data_dir=tmp_path, **given)


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_trace_of_an_order_is_its_id_wherever_it_is_made() -> None:
    assert f"00-{ORDER.hex}-8123456789abcdef-01" == ROOT
    assert traceparent_of_key(str(ORDER), UUID(int=1)) == ROOT
    assert traceparent_of_key("SKU-1", ORDER) == ROOT


@given(ratio=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_the_sampled_share_is_the_ratio_also_for_ids_we_derive(ratio: float) -> None:
    ids = [derive_id(ORDER, n) for n in range(2_000)]
    sampled = sum(traceparent_for(i, ratio).endswith("-01") for i in ids)
    assert abs(sampled / len(ids) - ratio) < 0.05


def test_spans_of_an_order_hang_together_in_the_file(tmp_path: Path) -> None:
    tracer = Tracer(settings(tmp_path))
    accepted = tracer.span("accept", ROOT, 10, 20, {"oms.verdict": "apply"})
    charged = tracer.span("charge", accepted, 30, 40, {}, links=[ROOT])
    tracer.close()
    accept, charge = lines_of(tmp_path / "traces" / "billing.jsonl")
    assert accept["trace_id"] == charge["trace_id"] == ORDER.hex
    assert (accept["parent_id"], charge["parent_id"]) == ("", accept["span_id"])
    assert charge["span_id"] == charged.split("-")[2]
    assert accept["attributes"] == {"oms.verdict": "apply"} and charge["links"] == [ROOT]
    assert (accept["name"], accept["start_ns"], accept["end_ns"]) == ("accept", 10, 20)
    assert accept["service"] == "billing"


@pytest.mark.parametrize("traceparent", ["", ROOT[:-1] + "0", "no such thing", ROOT[:-4]])
def test_what_is_not_sampled_passes_through_and_leaves_nothing(
    tmp_path: Path, traceparent: str
) -> None:
    tracer = Tracer(settings(tmp_path))
    assert tracer.span("accept", traceparent, 1, 2, {}) == traceparent
    tracer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_ratio_of_zero_makes_no_span_even_below_a_sampled_one(tmp_path: Path) -> None:
    tracer = Tracer(settings(tmp_path, trace_ratio=0))
    assert tracer.span("accept", ROOT, 1, 2, {}) == ROOT
    tracer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_queue_drops_spans_and_counts_them(tmp_path: Path) -> None:
    free = threading.Event()

    def stuck(spans: Sequence[Span]) -> None:
        free.wait(STUCK_SECONDS_MAX)

    tracer = Tracer(settings(tmp_path), stuck)
    surplus = 2 * telemetry.SPANS_BATCH_MAX
    traceparents = {
        tracer.span("accept", ROOT, 1, 2, {}) for _ in range(telemetry.SPANS_QUEUED_MAX + surplus)
    }
    free.set()
    tracer.close()
    assert 0 < tracer.dropped <= surplus
    assert len(traceparents) == telemetry.SPANS_QUEUED_MAX + surplus


def test_spans_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    def broken(spans: Sequence[Span]) -> None:
        raise OSError("disk full")

    tracer = Tracer(settings(tmp_path), broken)
    tracer.span("accept", ROOT, 1, 2, {})
    tracer.close()
    assert tracer.dropped == 1


def test_a_file_at_its_limit_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    with file.open("wb") as sparse:
        sparse.truncate(telemetry.FILE_MAX_BYTES)
    tracer = Tracer(settings(tmp_path, trace_file=file))
    tracer.span("accept", ROOT, 1, 2, {})
    tracer.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["spans.jsonl.1"]


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """The address of an OTLP collector, and what it was sent."""
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            plain = gzip.decompress(body) if zipped else body
            received.append(ExportTraceServiceRequest.FromString(plain))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_a_collector_is_told_the_same(
    tmp_path: Path, collector: tuple[str, list[ExportTraceServiceRequest]]
) -> None:
    address, received = collector
    tracer = Tracer(settings(tmp_path, otlp_endpoint=address))
    accepted = tracer.span("accept", ROOT, 10, 20, {"oms.verdict": "apply"})
    tracer.span("charge", accepted, 30, 40, {}, links=[ROOT])
    tracer.close()
    [resource] = [r for request in received for r in request.resource_spans]
    about = {a.key: a.value.string_value for a in resource.resource.attributes}
    accept, charge = resource.scope_spans[0].spans
    assert about["service.name"] == "billing"
    assert accept.trace_id == charge.trace_id == ORDER.bytes
    assert (accept.parent_span_id, charge.parent_span_id) == (b"", accept.span_id)
    assert [link.span_id.hex() for link in charge.links] == [ROOT.split("-")[2]]
    assert (charge.start_time_unix_nano, charge.end_time_unix_nano) == (30, 40)
    assert tracer.dropped == 0
