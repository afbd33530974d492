"""CloudEvents in Kafka's binary mode: what we write, what we read, what we refuse."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent

from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_contracts.event import Alloc, LineQty
from oms_contracts.order import OrderDelivered, OrderShipped, ReservationRequested

ID = UUID("019ab5d2-4c80-7001-9f3e-2b7d10c4a6e8")
CAUSE = UUID("019ab5d2-4c80-7000-9f3e-2b7d10c4a6e8")
AT = datetime(2026, 11, 24, 9, 14, 4, 218000, tzinfo=UTC)
TRACE = "00-019ab5d24c8070019f3e2b7d10c4a6e8-00f067aa0ba902b7-01"
FULL = wire.Envelope(ID, "oms.order.OrderDelivered.v1", "/oms/order", AT, 7, CAUSE, "main", TRACE)
LEAST = {"ce_specversion": b"1.0", "ce_id": b"4711", "ce_source": b"/shop", "ce_type": b"x.v1"}


def headers(envelope: wire.Envelope) -> list[tuple[str, bytes]]:
    return wire.headers_of(
        envelope.id or ID,
        envelope.type,
        envelope.source,
        envelope.at or AT,
        envelope.sequence,
        envelope.cause,
        envelope.tenant,
        envelope.traceparent,
    )


def sent(**changes: bytes) -> list[tuple[str, bytes]]:
    return list({**LEAST, **changes}.items())


def test_what_we_write_is_what_we_read() -> None:
    assert wire.envelope(headers(FULL)) == FULL


def test_an_event_without_cause_and_trace_carries_no_headers_for_them() -> None:
    alone = wire.Envelope(ID, "oms.order.OrderDelivered.v1", "/oms/order", AT, 1, tenant="main")
    assert wire.envelope(headers(alone)) == alone
    assert {"ce_causationid", "traceparent"}.isdisjoint(dict(headers(alone)))


def test_time_is_written_in_utc_wherever_the_writer_is() -> None:
    berlin = AT.astimezone(timezone(timedelta(hours=1)))
    moved = wire.Envelope(ID, "x.v1", "/shop", berlin, 1, tenant="main")
    assert dict(headers(moved))["ce_time"] == b"2026-11-24T09:14:04.218000+00:00"


def test_a_time_without_offset_is_never_written() -> None:
    naive = wire.Envelope(ID, "x.v1", "/shop", datetime(2026, 11, 24), 1, tenant="main")
    with pytest.raises(ValueError, match="offset"):
        headers(naive)


def test_sequences_sort_as_text_as_cloudevents_demands() -> None:
    ninth, tenth = (wire.Envelope(ID, "x.v1", "/s", AT, n, tenant="main") for n in (9, 10))
    assert dict(headers(ninth))["ce_sequence"] < dict(headers(tenth))["ce_sequence"]


def test_a_stranger_need_not_say_more_than_cloudevents_demands() -> None:
    assert wire.envelope(sent()) == wire.Envelope(None, "x.v1", "/shop", None, 0, None, "", None)


def test_the_type_is_found_without_parsing_the_rest() -> None:
    assert wire.type_of(headers(FULL)) == "oms.order.OrderDelivered.v1"
    assert wire.type_of([("ce_id", b"\xff"), ("ce_type", b"x.v1")]) == "x.v1"
    assert wire.type_of([("ce_type", b"\xff")]) is None
    assert wire.type_of([]) is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ce_specversion", b"0.3", "not 1.0"),
        ("ce_id", b"", "missing or empty"),
        ("ce_type", b"x" * 257, "longer than 256 bytes"),
        ("ce_source", "/käufer".encode(), "printable ASCII"),
        ("ce_source", b"/shop\nERROR forged line", "printable ASCII"),
        ("ce_type", b"\xff\xfe", "printable ASCII"),
        ("ce_time", b"yesterday", "RFC 3339"),
        ("ce_time", b"2026-11-24", "RFC 3339"),
        ("ce_time", b"2026-11-24T09:14:04", "RFC 3339"),
        ("ce_time", b"0001-01-01T00:00:00+23:59", "RFC 3339"),
        ("ce_sequence", b"-1", "whole number"),
        ("ce_sequence", b"9" * 19, "whole number"),
        ("ce_sequence", "٣".encode(), "printable ASCII"),
        ("ce_tenant", b"", "missing or empty"),
    ],
)
def test_garbage_in_a_header_is_refused_with_its_name(name: str, value: bytes, says: str) -> None:
    with pytest.raises(wire.WireError, match=says) as refused:
        wire.envelope(sent(**{name: value}))
    assert name in str(refused.value)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_no_mandatory_attribute_may_be_missing(name: str) -> None:
    with pytest.raises(wire.WireError, match=name):
        wire.envelope([header for header in sent() if header[0] != name])


def test_an_attribute_given_twice_is_refused_and_another_header_is_not() -> None:
    with pytest.raises(wire.WireError, match="'ce_type' is given 2 times"):
        wire.envelope([*sent(), ("ce_type", b"y.v1")])
    assert wire.envelope([*sent(), ("baggage", b"a=1"), ("baggage", b"b=2")]).type == "x.v1"


def test_an_unreadable_trace_context_is_ignored_and_the_event_is_not() -> None:
    assert wire.envelope(sent(traceparent=b"00-zz")).traceparent is None
    assert wire.envelope(sent(ce_causationid=b"my own cause")).cause is None


def test_cloudevents_for_python_reads_what_we_write() -> None:
    event = OrderDelivered(order_no="100042", at=AT)
    message = kafka.KafkaMessage(dict(headers(FULL)), b"order-1", wire.encode(event))
    read = kafka.from_binary_event(message)
    assert (read.get_specversion(), read.get_id()) == ("1.0", str(ID))
    assert (read.get_type(), read.get_source(), read.get_time()) == (FULL.type, FULL.source, AT)
    assert read.get_datacontenttype() == "application/json"
    assert read.get_extension("causationid") == str(CAUSE)
    assert read.get_extension("partitionkey") == "order-1"
    assert read.get_data() == {"order_no": "100042", "at": "2026-11-24T09:14:04.218000Z"}


def test_we_read_what_cloudevents_for_python_writes() -> None:
    told = {
        "id": str(ID),
        "type": FULL.type,
        "source": FULL.source,
        "time": AT,
        "datacontenttype": "application/json",
        "tenant": "main",
        "sequence": "7",
        "causationid": str(CAUSE),
    }
    data = {"order_no": "100042", "at": AT.isoformat()}
    message = kafka.to_binary_event(CloudEvent(told, data))
    read = wire.envelope(list(message.headers.items()))
    assert read == wire.Envelope(ID, FULL.type, FULL.source, AT, 7, CAUSE, "main", None)
    assert wire.decode(OrderDelivered, message.value) == OrderDelivered(order_no="100042", at=AT)


def reasons(value: bytes) -> dict[str, str]:
    with pytest.raises(wire.InvalidBody) as refused:
        wire.decode(OrderDelivered, value)
    return {reason.field: reason.code for reason in refused.value.reasons}


def test_every_fault_of_a_body_is_named_at_once() -> None:
    assert reasons(b'{"order_no": ""}') == {"order_no": "string_too_short", "at": "missing"}


def test_a_list_is_not_blamed_for_the_faults_of_its_items() -> None:
    with pytest.raises(wire.InvalidBody) as refused:
        wire.decode(OrderPlaced, b'{"lines": [{"line_id": "1", "sku": "A", "qty": 0}]}')
    fields = [r.field for r in refused.value.reasons if r.field.startswith("lines")]
    assert fields == ["lines.0.qty", "lines.0.unit_price_minor"]


def test_a_body_with_a_thousand_faults_gets_a_short_answer() -> None:
    lines = [{"line_id": "?"}] * 400
    with pytest.raises(wire.InvalidBody) as refused:
        wire.decode(OrderPlaced, json.dumps({"lines": lines}).encode())
    assert len(refused.value.reasons) == wire.REASONS_MAX


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"{",
        b"null",
        b"[]",
        b'{"order_no": "\\ud800", "at": "2026-11-24T09:14:04Z"}',
        b'{"more": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"more": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused_whole(value: bytes) -> None:
    assert set(reasons(value)) == {""}


def test_of_a_key_given_twice_the_last_counts() -> None:
    value = b'{"order_no": "1", "order_no": "2", "at": "2026-11-24T09:14:04Z"}'
    assert wire.decode(OrderDelivered, value).order_no == "2"


@pytest.mark.parametrize(
    "at",
    [
        '"2026-11-24T09:14:04"',
        "1764000000",
        '"0000-01-01T00:00:00Z"',
        '"0001-01-01T00:00:00+01:00"',
        '"9999-12-31T23:59:59-01:00"',
        "NaN",
    ],
)
def test_a_time_that_is_no_moment_is_refused(at: str) -> None:
    assert set(reasons(f'{{"order_no": "1", "at": {at}}}'.encode())) == {"at"}


def test_bodies_larger_than_a_record_are_refused_unparsed_and_never_written() -> None:
    assert reasons(b" " * (wire.VALUE_MAX_BYTES + 1)) == {"": "too_large"}
    line = LineQty(line_id="1", sku="A", qty=1)
    huge = ReservationRequested(
        request_id=str(ID),
        lines=(line,) * 8000,
        ship_policy="split",
        backorder_policy="wait",
        accepted_at=AT,
        ship_country="DE",
    )
    with pytest.raises(wire.WireError, match="a record takes 262144"):
        wire.encode(huge)


def test_the_largest_order_that_is_sensible_fits_a_record() -> None:
    alloc = tuple(
        Alloc(line_id=f"{n:032}", sku=f"{n:064}", location=f"{n:032}", qty=1_000_000)
        for n in range(1000)
    )
    shipped = OrderShipped(
        order_no="1", shipment_id="1", fulfilment_id="1", alloc=alloc, last=True, parcels=(),
        shipped_at=AT,
    )  # fmt: skip
    assert len(wire.encode(shipped)) < wire.VALUE_MAX_BYTES


def test_a_refusal_tells_of_the_fault_and_not_of_the_value() -> None:
    with pytest.raises(wire.InvalidBody) as refused:
        wire.decode(OrderPlaced, b'{"contact": {"name": 5, "email": "canary.example.org"}}')
    assert "contact.email: String should match" in str(refused.value)
    assert "canary" not in str(refused.value)
