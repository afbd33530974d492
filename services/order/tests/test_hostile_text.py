"""Every payload in every field of an order that is text: kept as it is, or refused by its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from test_hostile_money import body, put

from oms_chassis.sealing import KeyRing
from oms_contracts import wire
from oms_contracts.channel import Address, Contact, OrderPlaced
from oms_order.inputs import seal

PAYLOADS = {
    "SQL": "'; DROP TABLE orders; --",
    "template": "{{7*7}} ${7*7} {0.__class__} %(x)s $name",
    "HTML": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "formula =": '=HYPERLINK("//evil.example","x")',
    "formula +": "+1+1",
    "formula -": "-1+1",
    "formula @": "@SUM(1)",
    "header": "Ada\r\nBcc: eve@evil.example",
    "encoded header": "=?utf-8?q?Ada=0d=0aBcc:_eve?=",
    "log": 'x\n{"level":"ERROR"}',
    "path": "../../../../etc/passwd",
    "bidi": "\u202egnp.exe\u2066",
    "label": "^XZ^XA^FDfree~DG",
    "shell": "$(reboot) `reboot` | reboot",
    "JSON": '","status":"completed","x":"',
    "NUL": "a\0b",
    "escape": "\x1b[2J",
    "C1": "a\x85b",
    "separator": "a\u2028b",
    "emoji": "👩‍👩‍👧‍👦",
    "zalgo": "Z\u0351\u036b\u0343a",
}
ACTING = ("header", "log", "NUL", "escape", "C1", "separator")
"""Payloads with a character that no line of text has."""
Way = tuple[str | int, ...]
LINES = ("header", "log", "separator")
"""Those of them that a note may hold, which has several lines."""
PLACES = {"lines": ("lines", 0), "bill_to": ("bill_to",), "flags": ("flags", 0)}


def fields(
    model: type[BaseModel], at: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """The way to every text in a body of `model`, from the model itself."""
    for name, field in model.model_fields.items():
        way = PLACES.get(name, (name,)) if not at else (*at, name)
        kinds = list(_kinds(field.annotation))
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if inner:
            yield from fields(inner[0], way)
        elif any(isinstance(kind, type) and issubclass(kind, str) for kind in kinds):
            yield way


def _kinds(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _kinds(part)


FIELDS = list(fields(OrderPlaced))


def order_with(way: tuple[str | int, ...], payload: str) -> bytes:
    """An order with `payload` in one place; as JSON may hold it."""
    order = body()
    order["bill_to"] = dict(order["ship_to"])
    order["flags"] = ["GIFT"]
    put(order, way, payload)
    return json.dumps(order).encode()


def found(value: Any, way: tuple[str | int, ...]) -> Any:
    """What stands there in the order as it was understood."""
    for step in way:
        value = value[step] if isinstance(step, int) else getattr(value, step)
    return value


def test_no_field_is_forgotten() -> None:
    names = {".".join(map(str, way)) for way in FIELDS}
    assert {"note", "contact.email", "ship_to.line1", "bill_to.city", "lines.0.title"} <= names
    assert {"payment.reference", "flags.0", "currency", "external_id", "lines.0.sku"} <= names
    assert len(FIELDS) == 30


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("way", FIELDS, ids=lambda way: ".".join(map(str, way)))
def test_a_text_is_kept_as_it_is_or_its_field_is_named(
    way: tuple[str | int, ...], payload: str
) -> None:
    said = PAYLOADS[payload]
    try:
        placed = wire.decode(OrderPlaced, order_with(way, said))
    except wire.InvalidBody as refused:
        assert {reason.field for reason in refused.reasons} == {".".join(map(str, way))}
        assert said not in str(refused)
        return
    if way[-1] in ("ship_policy", "backorder_policy", "service_level", "method"):
        assert found(placed, way).value == "unknown"
    else:
        assert found(placed, way) == said
        assert payload not in ACTING or (way == ("note",) and payload in LINES)


def test_what_is_sealed_comes_out_as_it_went_in(tmp_path: Any) -> None:
    ring = KeyRing.create(tmp_path / "ring.json")
    for said in (text for name, text in PAYLOADS.items() if name not in ACTING):
        order = body()
        for person in (order["contact"], order["ship_to"]):
            person["name"] = said
        order["lines"][0]["title"] = order["note"] = said
        submission = seal(ring, b"1", "web", wire.decode(OrderPlaced, json.dumps(order).encode()))
        contact = Contact.model_validate_json(ring.open(submission.contact))
        address = Address.model_validate_json(ring.open(submission.ship_to))
        assert {contact.name, address.name, submission.lines[0].title} == {said}
        assert ring.open(submission.note).decode() == said
