"""Whatever a released schema allows is read by today's class, and what that writes is allowed."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from oms_contracts.catalogue import EVENTS
from oms_contracts.countries import COUNTRIES
from oms_contracts.event import Event
from oms_contracts.gate import CONTRACTS
from oms_contracts.wire import decode, encode

Node = dict[str, Any]
Values = st.SearchStrategy[Any]

ITEMS_MAX = 3
"""Longer lists show nothing that short ones do not."""
RELEASED = sorted((CONTRACTS / "released").glob("*.json"))


def allowed_by(schema: Node, root: Node) -> Values:
    """Every value that the schema allows."""
    if "$ref" in schema:
        return allowed_by(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return st.one_of([allowed_by(option, root) for option in schema["anyOf"]])
    match schema["type"]:
        case "object":
            fields = {name: allowed_by(field, root) for name, field in schema["properties"].items()}
            required = {name: fields.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=fields)
        case "array":
            most = min(schema.get("maxItems", ITEMS_MAX), ITEMS_MAX)
            items = allowed_by(schema["items"], root)
            least = schema.get("minItems", 0)
            return st.lists(items, min_size=max(least, 1), max_size=most) | (
                st.lists(items, min_size=least, max_size=most)
            )
        case "string":
            return texts(schema)
        case "integer":
            limits = schema["minimum"], schema["maximum"]
            return st.sampled_from(limits) | st.integers(*limits)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise ValueError(f"no values are known for {schema}")


def texts(schema: Node) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()).filter(in_utc)
    if schema.get("format") == "iso-3166-1-alpha-2":
        return st.sampled_from(sorted(COUNTRIES))
    if "x-known-values" in schema:
        return st.sampled_from(schema["x-known-values"]) | st.text(max_size=20)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 64)
    if "pattern" in schema:
        found = st.from_regex(schema["pattern"].replace("$", r"\Z"))
        return found.filter(lambda text: least <= len(text) <= most)
    anything = st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)
    return st.sampled_from(["x" * least, "x" * most]) | anything


def in_utc(text: str) -> bool:
    """Offsets have seconds only in years when RFC 3339 was far, and the calendar has an end."""
    return text[-3] == ":" and text[-6] in "+-" and "0002" < text[:4] < "9998"


def mended(data: Node) -> Node:
    """The rules of an order that no schema can express: it adds up to what can be booked."""
    for n, line in enumerate(data.get("lines", ())):
        if "unit_price_minor" in line:
            line["line_id"] = str(n)
            line["unit_price_minor"] //= 10**8
            line["tax_minor"] = line.get("tax_minor", 0) // 10
            most = line["qty"] * line["unit_price_minor"]
            line["discount_minor"] = min(line.get("discount_minor", 0), most)
    for charge in {"shipping_minor", "shipping_tax_minor"} & data.keys():
        data[charge] //= 10
    return data


@pytest.mark.parametrize("path", RELEASED, ids=[path.stem for path in RELEASED])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(choice=st.data())
def test_what_any_producer_writes_is_read_and_passed_on(path: Any, choice: st.DataObject) -> None:
    schema = json.loads(path.read_text())
    event_class: type[Event] = EVENTS[schema["$id"].removeprefix("urn:")]
    data = mended(choice.draw(allowed_by(schema, schema)))
    event = decode(event_class, json.dumps(data).encode())
    written = encode(event)
    assert decode(event_class, written) == event
    Draft202012Validator(schema).validate(json.loads(written))
