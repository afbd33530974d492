"""What holds for every event there is, shown on its example and on its schema."""

import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from oms_contracts.catalogue import EVENTS
from oms_contracts.channel import Contact, OrderPlaced
from oms_contracts.event import Event, OpenEnum, Qty, Reason, Value
from oms_contracts.gate import CONTRACTS, schema_of
from oms_contracts.order import HoldReleased, OrderHeld

Node = dict[str, Any]
Change = Callable[[Any, Node, bool], Any]
"""A leaf, its schema and whether it is personal → what to put in its place."""

WITH_PERSONAL_DATA = {
    "oms.channel.OrderPlaced.v1",
    "oms.order.OrderAccepted.v1",
    "oms.order.OrderReleased.v1",
    "oms.order.PaymentRequested.v1",
    "oms.order.ShipmentRequested.v1",
}
every_event = pytest.mark.parametrize("event_class", EVENTS.values(), ids=list(EVENTS))


def example(event_class: type[Event]) -> Node:
    data: Node = json.loads((CONTRACTS / "examples" / f"{event_class.TYPE}.json").read_text())
    return data


def read(event_class: type[Event], data: Node) -> Event:
    return event_class.model_validate_json(json.dumps(data))


def rewritten(data: Any, schema: Node, root: Node, change: Change, personal: bool = False) -> Any:
    """`data` with every leaf replaced by what `change` makes of it."""
    personal = personal or "x-personal" in schema
    if "$ref" in schema:
        inner = root["$defs"][schema["$ref"].rpartition("/")[2]]
        return rewritten(data, inner, root, change, personal)
    if "anyOf" in schema and data is not None:
        inner = next(option for option in schema["anyOf"] if option.get("type") != "null")
        return rewritten(data, inner, root, change, personal)
    if isinstance(data, dict):
        fields = schema["properties"]
        return {k: rewritten(v, fields[k], root, change, personal) for k, v in data.items()}
    if isinstance(data, list):
        return [rewritten(item, schema["items"], root, change, personal) for item in data]
    return change(data, schema, personal)


def changed(event_class: type[Event], change: Change) -> Node:
    schema = schema_of(event_class)
    data: Node = rewritten(example(event_class), schema, schema, change)
    return data


def leaves(schema: Node) -> Iterator[tuple[str, Node]]:
    """Every field in a schema that is no object, with its name."""
    for described in (schema, *schema.get("$defs", {}).values()):
        for name, field in described.get("properties", {}).items():
            inner = field.get("items", field)
            for option in inner.get("anyOf", [inner]):
                if "$ref" not in option:
                    yield name, option


def canary(value: Any, schema: Node, personal: bool) -> Any:
    if not personal or schema.get("format"):
        return value
    return "canary@canary.example" if "@" in schema.get("pattern", "") else "canary"


def test_the_events_that_carry_personal_data_are_these() -> None:
    assert {
        type_ for type_, event in EVENTS.items() if changed(event, canary) != example(event)
    } == WITH_PERSONAL_DATA


@every_event
def test_nothing_personal_shows_when_an_event_is_printed(event_class: type[Event]) -> None:
    event = read(event_class, changed(event_class, canary))
    assert "canary" not in f"{event} {event!r} {[event]}"


@every_event
def test_nothing_personal_shows_when_an_event_is_refused(event_class: type[Event]) -> None:
    bad = changed(event_class, lambda value, schema, personal: {"canary": 1} if personal else None)
    with pytest.raises(ValidationError) as refused:
        read(event_class, bad)
    assert "canary" not in str(refused.value)


@every_event
def test_an_event_is_printed_on_one_line_that_begins_with_its_type(
    event_class: type[Event],
) -> None:
    (line,) = str(read(event_class, example(event_class))).splitlines()
    assert line.split()[0] == event_class.TYPE


def test_what_a_person_wrote_cannot_forge_a_second_line() -> None:
    released = HoldReleased(hold_id="H-1", actor="grace", note="fine\nERROR all is lost")
    assert len(str(released).splitlines()) == 1


def test_contact_shows_nothing_and_what_is_not_personal_shows() -> None:
    assert str(Contact(name="Ada", email="ada@example.org")) == ""
    placed = read(OrderPlaced, example(OrderPlaced))
    assert "external_id=WEB-2026-88017" in str(placed)
    assert "grand_total_minor=28072" in str(placed)


@every_event
def test_fields_from_the_future_are_ignored_wherever_they_stand(event_class: type[Event]) -> None:
    def grown(data: Any) -> Any:
        if isinstance(data, dict):
            return {**{k: grown(v) for k, v in data.items()}, "from_the_future": [{"deep": 1}]}
        return [grown(item) for item in data] if isinstance(data, list) else data

    data = example(event_class)
    assert read(event_class, grown(data)) == read(event_class, data)


@every_event
def test_values_from_the_future_are_unknown(event_class: type[Event]) -> None:
    def grown(value: Any, schema: Node, personal: bool) -> Any:
        return "from_the_future" if "x-known-values" in schema else value

    def unknown(value: Any, schema: Node, personal: bool) -> Any:
        return "unknown" if "x-known-values" in schema else value

    future = read(event_class, changed(event_class, grown))
    assert future == read(event_class, changed(event_class, unknown))


def test_a_value_that_is_no_text_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="gate"):
        read(OrderHeld, {**example(OrderHeld), "gate": 7})


def test_every_enumeration_knows_the_unknown() -> None:
    assert all("UNKNOWN" in kind.__members__ for kind in OpenEnum.__subclasses__())


@every_event
def test_an_event_never_changes(event_class: type[Event]) -> None:
    event = read(event_class, example(event_class))
    for name in event_class.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(event, name, None)


def test_events_are_equal_by_content_and_can_be_kept_in_sets() -> None:
    one, same = (Reason(field="qty", code="missing", text="Field required") for _ in range(2))
    assert len({one, same}) == 1


@every_event
def test_money_and_counts_are_whole_numbers_with_limits(event_class: type[Event]) -> None:
    for name, schema in leaves(schema_of(event_class)):
        if name.endswith(("_minor", "_grams", "_mm", "qty", "_qty", "_days")):
            assert schema["type"] == "integer", name
        assert schema.get("type") != "number", name
        if schema.get("type") == "integer":
            assert {"minimum", "maximum"} <= schema.keys(), name


@pytest.mark.parametrize("money", [True, 1.0, "1", 1e400, -1, 10**12 + 1, None])
def test_what_is_no_amount_of_money_is_refused(money: Any) -> None:
    data = example(OrderPlaced)
    with pytest.raises(ValidationError, match="grand_total_minor"):
        read(OrderPlaced, {**data, "totals": {**data["totals"], "grand_total_minor": money}})


@every_event
def test_every_text_has_a_limit(event_class: type[Event]) -> None:
    for name, schema in leaves(schema_of(event_class)):
        if schema.get("type") == "string":
            assert {"maxLength", "pattern", "format", "x-known-values"} & schema.keys(), name


@every_event
def test_every_field_that_may_be_left_out_has_a_default_that_is_valid(
    event_class: type[Event],
) -> None:
    schema = schema_of(event_class)
    least = {name: example(event_class)[name] for name in schema.get("required", ())}
    event = read(event_class, least)
    assert read(event_class, json.loads(event.model_dump_json())) == event


@every_event
def test_every_class_says_what_it_means(event_class: type[Event]) -> None:
    assert event_class.__doc__ not in (None, Event.__doc__, Value.__doc__)


class MovedV2(Event):
    """Goods were moved; the amount is in units."""

    TYPE: ClassVar[str] = "oms.test.Moved.v2"
    TOPIC: ClassVar[str] = "oms.test.v1"

    units: Qty


class MovedV1(Event):
    """Goods were moved; the amount is in dozens."""

    TYPE: ClassVar[str] = "oms.test.Moved.v1"
    TOPIC: ClassVar[str] = "oms.test.v1"

    dozens: Qty

    def upcast(self) -> MovedV2:
        return MovedV2(units=self.dozens * 12)


def test_a_superseded_version_is_read_as_the_newest() -> None:
    assert read(MovedV1, {"dozens": 2}).upcast() == MovedV2(units=24)


@every_event
def test_every_version_leads_to_a_newest_one(event_class: type[Event]) -> None:
    newest = read(event_class, example(event_class)).upcast()
    assert newest.upcast() is newest
    assert newest.TYPE in EVENTS
