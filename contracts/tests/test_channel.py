"""Channels are strangers: whatever they send is either acceptable or refused, never harmful."""

import json
from typing import Any

import pytest

from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.event import AMOUNT_MAX_MINOR, ORDER_LINES_MAX
from oms_contracts.gate import CONTRACTS
from oms_contracts.wire import InvalidBody, decode

Node = dict[str, Any]


def placed(**changes: Any) -> Node:
    """A good order with some of it replaced; `ship_to__city` reaches into `ship_to`."""
    data: Node = json.loads((CONTRACTS / "examples/oms.channel.OrderPlaced.v1.json").read_text())
    for path, value in changes.items():
        outer, _, inner = path.partition("__")
        data[outer] = {**data[outer], inner: value} if inner else value
    return data


def line(**changes: Any) -> Node:
    return {"line_id": "1", "sku": "LAMP-OAK-01", "qty": 1, "unit_price_minor": 100, **changes}


def faults(**changes: Any) -> list[tuple[str, str]]:
    try:
        decode(OrderPlaced, json.dumps(placed(**changes)).encode())
    except InvalidBody as refused:
        return [(reason.field, reason.code) for reason in refused.reasons]
    return []


def test_a_good_order_has_no_faults() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    "field",
    ["contact__name", "contact__phone", "ship_to__line1", "ship_to__postal_code", "bill_to__city",
     "payment__reference", "note"],
)  # fmt: skip
@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85"])
def test_control_characters_are_refused_everywhere(field: str, character: str) -> None:
    assert faults(**{field: f"Ada{character}"}) == [
        (field.replace("__", "."), "string_pattern_mismatch")
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\u2028"])
def test_a_note_may_have_several_lines_and_a_name_may_not(newline: str) -> None:
    assert faults(note=f"Ring twice.{newline}Thank you.") == []
    assert faults(contact__name=f"Ada{newline}Bcc: all@example.org") == [
        ("contact.name", "string_pattern_mismatch")
    ]


def test_names_in_any_script_are_welcome() -> None:
    assert faults(contact__name="Łukasz O'Neil-姜 ‏عائشة") == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("contact__name", "", "string_too_short"),
        ("contact__name", "x" * 201, "string_too_long"),
        ("contact__name", None, "string_type"),
        ("contact__email", "ada@example.org, all@example.org", "string_pattern_mismatch"),
        ("contact__email", "ada@example.org\nBcc:x@example.org", "string_pattern_mismatch"),
        ("contact__email", "a" * 250 + "@b.de", "string_too_long"),
        ("ship_to__country", "de", "string_pattern_mismatch"),
        ("ship_to__country", "ZQ", "country_unknown"),
        ("ship_to__country", "DEU", "string_pattern_mismatch"),
        ("currency", "€", "string_pattern_mismatch"),
        ("external_id", "../../etc/passwd", "string_pattern_mismatch"),
        ("external_id", "W-1\n", "string_pattern_mismatch"),
        ("external_id", "W" * 65, "string_pattern_mismatch"),
        ("placed_at", "2026-11-24T09:14:03", "timezone_aware"),
        ("placed_at", 1764000000, "datetime_type"),
        ("placed_at", True, "datetime_type"),
        ("placed_at", "0000-01-01T00:00:00Z", "datetime_parsing"),
        ("priority", True, "int_type"),
        ("priority", 10, "less_than_equal"),
        ("payment__method", 7, "enum"),
        ("payment__terms_days", 366, "less_than_equal"),
        ("flags", ["GIFT"] * 11, "too_long"),
        ("flags", "GIFT", "tuple_type"),
        ("lines", [], "too_short"),
        ("lines", {}, "tuple_type"),
        ("ship_to", "Berlin", "model_type"),
        ("note", "x" * 501, "string_too_long"),
    ],
)
def test_what_is_not_acceptable_is_refused_by_field_and_code(
    field: str, value: Any, code: str
) -> None:
    assert faults(**{field: value}) == [(field.replace("__", "."), code)]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"qty": 0}, ("lines.0.qty", "greater_than_equal")),
        ({"qty": True}, ("lines.0.qty", "int_type")),
        ({"qty": 1.0}, ("lines.0.qty", "int_type")),
        ({"qty": "1"}, ("lines.0.qty", "int_type")),
        ({"qty": float("nan")}, ("lines.0.qty", "int_type")),
        ({"qty": 10**30}, ("lines.0.qty", "less_than_equal")),
        ({"sku": "A B"}, ("lines.0.sku", "string_pattern_mismatch")),
        ({"title": "Lamp\0"}, ("lines.0.title", "string_pattern_mismatch")),
        ({"unit_price_minor": -1}, ("lines.0.unit_price_minor", "greater_than_equal")),
        ({"discount_minor": 101}, ("lines.0", "discount_too_large")),
    ],
)
def test_a_line_that_cannot_be_is_refused(change: Node, fault: tuple[str, str]) -> None:
    assert faults(lines=[line(**change)]) == [fault]


def test_a_line_may_cost_nothing_but_pays_nobody() -> None:
    assert faults(lines=[line(discount_minor=100)]) == []


def test_two_lines_cannot_have_one_number() -> None:
    assert faults(lines=[line(), line()]) == [("", "line_id_repeated")]


def test_an_order_that_no_ledger_could_hold_is_refused() -> None:
    dear = line(qty=1_000_000, unit_price_minor=AMOUNT_MAX_MINOR)
    assert faults(lines=[dear]) == [("", "amount_too_large")]
    just = line(qty=1, unit_price_minor=AMOUNT_MAX_MINOR)
    assert faults(lines=[just], shipping_minor=0, shipping_tax_minor=0) == []


def test_an_order_has_at_most_so_many_lines() -> None:
    lines = [line(line_id=str(n)) for n in range(ORDER_LINES_MAX + 1)]
    assert faults(lines=lines[:-1]) == []
    assert faults(lines=lines) == [("lines", "too_long")]


def test_ways_of_the_future_are_taken_as_unknown() -> None:
    order = decode(
        OrderPlaced, json.dumps(placed(ship_policy="drone", payment__method="crypto")).encode()
    )
    assert (order.ship_policy, order.payment.method) == ("unknown", "unknown")


def test_a_cancellation_without_lines_means_all_of_it() -> None:
    assert decode(CancellationRequested, b'{"external_id": "W-1"}').lines == ()
