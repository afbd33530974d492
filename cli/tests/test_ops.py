"""What operators get to see."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from rich.console import Console, RenderableType

from oms_cli.endings import at_rest, label
from oms_cli.money import amount
from oms_cli.ops.events import line
from oms_cli.ops.pages import show_order
from oms_cli.ops.status import status_table
from oms_cli.ops.traces import draw, read_spans
from oms_contracts import wire
from oms_contracts.order import OrderDelivered

TRACE = "8bfee274df2d80cba2061d80e188bb7e"


def span(name: str, id_: str, parent: str = "", start_ms: int = 0, **more: Any) -> dict[str, Any]:
    start_ns = start_ms * 1_000_000
    return {
        "service": "order", "name": name, "trace_id": TRACE, "span_id": id_, "parent_id": parent,
        "start_ns": start_ns, "end_ns": start_ns + 2_000_000, "attributes": {}, "links": [],
    } | more  # fmt: skip


def printed(what: RenderableType) -> str:
    out = Console(file=io.StringIO(), width=160, no_color=True)
    out.print(what)
    return out.file.getvalue()


def test_a_trace_is_a_tree_of_causes_with_times_after_the_first():
    spans = [
        span("oms.billing.PaymentAuthorized.v1", "c", "b", 30),
        span("oms.channel.OrderPlaced.v1", "a"),
        span("oms.order.OrderAccepted.v1", "b", "a", 10, service="inventory"),
        span("Woke", "d", "gone", 40, attributes={"oms.verdict": "late"}),
    ]
    text = printed(draw(spans)).splitlines()
    assert text[0].startswith("4 spans of 2 services in 42 ms")
    assert [row.index("+") for row in text[1:]] == [4, 8, 12, 4]
    assert "+10.0 ms  inventory oms.order.OrderAccepted.v1  2.0 ms" in text[2]
    assert "Woke late" in text[4]


def test_spans_are_found_in_every_services_file_and_a_torn_line_is_left_out(tmp_path: Path):
    mine, other = span("mine", "a"), span("other", "b", trace_id="f" * 32)
    (tmp_path / "order.jsonl").write_text(json.dumps(mine) + "\n" + json.dumps(other) + "\n")
    (tmp_path / "notify.jsonl.1").write_text(json.dumps(span("older", "c")) + "\n")
    (tmp_path / "notify.jsonl").write_text(json.dumps(span("torn", "d"))[:-5])
    assert [s["name"] for s in read_spans(tmp_path, TRACE)] == ["older", "mine"]


def page(**more: Any) -> dict[str, Any]:
    return {
        "order_id": "8bfee274-df2d-80cb-a206-1d80e188bb7e", "order_no": "HFZE-4X6Z-5P0C",
        "channel": "web", "external_id": "W-1", "status": "part_shipped", "history": [],
    } | more  # fmt: skip


def shown(told: Mapping[str, Any]) -> str:
    out = Console(file=io.StringIO(), width=160, no_color=True)
    show_order(told, out)
    return out.file.getvalue()


def test_an_orders_page_says_whose_move_it_is_and_what_happens_then():
    wait = {
        "waits_for": "goods come for backordered units", "since": "2026-03-01T09:00:00.123Z",
        "until": "2026-03-15T09:00:00Z", "owner": "customer_service", "then": "they ask",
    }  # fmt: skip
    text = shown(page(waiting=[wait]))
    assert "HFZE-4X6Z-5P0C  part shipped" in text
    assert "2026-03-01 09:00:00" in text and "customer service" in text and "they ask" in text


def test_amounts_on_the_page_are_in_their_currency():
    money = {
        "state": "part_captured", "method": "token", "currency": "JPY", "total_minor": 12_000,
        "authorised_minor": 12_000, "captured_minor": 5_000, "refunded_minor": 0,
        "invoices": [{"invoice_no": "INV-2026-000001", "paid": True, "amount_minor": 5_000}],
    }  # fmt: skip
    text = shown(page(money=money))
    assert "12,000 JPY" in text and "INV-2026-000001" in text and "paid" in text
    assert (amount(-123450, "EUR"), amount(5, "BHD")) == ("-1,234.50 EUR", "0.005 BHD")


def test_a_rejection_shows_every_reason_and_text_of_strangers_is_not_markup():
    reason = {"field": "lines.0.qty", "code": "greater_than_equal", "text": "[red]at least 1[/red]"}
    text = shown(page(order_no="", status="rejected", reasons=[reason]))
    assert "lines.0.qty" in text and "[red]at least 1[/red]" in text


def test_status_shows_what_a_service_says_or_that_it_does_not_answer():
    told = {
        "lag": {"oms.order.v1": 2, "oms.stock.v1": 1}, "outbox": 4, "calls": 5, "due": 6,
        "parked": 7, "parked_keys": 2, "dead_letters": 8,
    }  # fmt: skip
    text = printed(status_table({"order": told, "billing": "does not answer"}))
    assert [word for word in text.splitlines()[1].split()] == [
        "order", "3", "4", "5", "6", "7", "(2", "keys)", "8",
    ]  # fmt: skip
    assert "billing  does not answer" in text


def record(value: bytes, name: str = OrderDelivered.TYPE) -> ConsumerRecord:
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    headers = wire.headers_of(UUID(int=1), name, "/oms/order", at, 7, None, "main", None)
    return ConsumerRecord(
        "oms.order.v1", 3, 42, 0, 0, b"order-1", value, None, 7, len(value), tuple(headers)
    )


def test_an_event_is_one_line():
    told = OrderDelivered(order_no="HFZE-4X6Z-5P0C", at=datetime(2026, 3, 1, 8, tzinfo=UTC))
    text = line(record(wire.encode(told)))
    assert text.startswith("2026-03-01T09:00:00.000+00:00 oms.order.v1")
    assert "order-1 #7 oms.order.OrderDelivered.v1 order_no=HFZE-4X6Z-5P0C" in text
    assert "\n" not in text


def test_an_event_that_cannot_be_read_is_named_by_its_place():
    assert line(record(b"{}")).startswith("oms.order.v1 3@42: unreadable")


@pytest.mark.parametrize(
    ("status", "waiting_for", "code", "words", "rests"),
    [
        ("completed", "", "", "completed", True),
        ("cancelled", "", "customer", "cancelled:customer", True),
        ("rejected", "", "", "rejected", True),
        ("part_shipped", "supplier", "", "waits:supplier", True),
        ("accepted", "customer_service", "", "waits:customer_service", True),
        ("in_fulfilment", "warehouse", "", "waits:warehouse", False),
        ("awaiting_payment", "payer", "", "waits:payer", False),
    ],
)
def test_an_order_rests_when_only_a_person_or_a_supplier_can_move_it(
    status: str, waiting_for: str, code: str, words: str, rests: bool
):
    listed = {"status": status, "waiting_for": waiting_for}
    assert (label(listed, code), at_rest(listed)) == (words, rests)
