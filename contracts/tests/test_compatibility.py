"""Which changes of an event version pass, and which are breaks."""

from datetime import datetime
from typing import Annotated, Any

import pytest
from pydantic import AwareDatetime, Field, create_model

from oms_contracts.compatibility import breaks
from oms_contracts.event import PERSONAL, Event, OpenEnum, Sku, Value
from oms_contracts.gate import schema_of


class Colour(OpenEnum):
    RED = "red"
    UNKNOWN = "unknown"


class MoreColour(OpenEnum):
    RED = "red"
    GREEN = "green"
    UNKNOWN = "unknown"


class NoColour(OpenEnum):
    UNKNOWN = "unknown"


class Part(Value):
    sku: Sku


class SmallPart(Value):
    sku: Annotated[str, Field(pattern=r"^[A-Z]$")]


Small = Annotated[int, Field(ge=0, le=10)]
Large = Annotated[int, Field(ge=0, le=100)]
FIELDS: dict[str, Any] = {
    "count": (Small, ...),
    "name": (Annotated[str, Field(min_length=1, max_length=10)], "x"),
    "secret": (Annotated[str, PERSONAL], ""),
    "colour": (Colour, Colour.RED),
    "parts": (Annotated[tuple[Part, ...], Field(max_length=5)], ()),
    "until": (AwareDatetime | None, None),
}


def thing(**changes: Any) -> type[Event]:
    """An event like any other, with fields changed, added or (None) removed."""
    fields = {name: field for name, field in {**FIELDS, **changes}.items() if field is not None}
    made = create_model("Thing", __base__=Event, **fields)
    made.TYPE, made.TOPIC = "oms.test.Thing.v1", "oms.test.v1"
    return made


def found(**changes: Any) -> list[str]:
    return breaks(schema_of(thing()), schema_of(thing(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weight": (Small, 0)},
        {"weight": (Small | None, None), "more": (tuple[Part, ...], ())},
        {"colour": (MoreColour, MoreColour.RED)},
        {"count": (Small, 1)},
        {"name": (Annotated[str, Field(min_length=1, max_length=10, title="Called")], "x")},
        {"name": (Annotated[str, Field(min_length=1, max_length=10), PERSONAL], "x")},
    ],
    ids=["none", "optional", "nullable", "enum value", "now optional", "title", "now personal"],
)
def test_what_only_adds_passes(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": None}, "name: was removed or renamed, but others write and expect it"),
        (
            {"weight": (Small, ...)},
            "weight: is new and required, but producers of the released schema leave it out",
        ),
        (
            {"name": (Annotated[str, Field(min_length=1, max_length=10)], ...)},
            "name: became required, but producers of the released schema leave it out",
        ),
        (
            {"count": (Annotated[int, Field(ge=0, le=9)], ...)},
            "count: maximum was 10 and is now 9,"
            " but producers of the released schema may write beyond it",
        ),
        (
            {"count": (Annotated[int, Field(ge=1, le=10)], ...)},
            "count: minimum was 0 and is now 1,"
            " but producers of the released schema may write beyond it",
        ),
        (
            {"count": (Large, ...)},
            "count: maximum was 10 and is now 100,"
            " but readers of the released schema refuse what lies beyond the old one",
        ),
        (
            {"count": (int, ...)},
            "count: maximum was 10 and is now None,"
            " but readers of the released schema refuse what lies beyond the old one",
        ),
        ({"count": (str, ...)}, "count: its type was integer and is now string"),
        ({"count": (Small | None, ...)}, "count: its type was integer and is now integer or null"),
        ({"until": (AwareDatetime, None)}, "until: its type was null or string and is now string"),
        ({"colour": (NoColour, "unknown")}, "no longer knows the value 'red', which producers"),
        ({"name": (Annotated[str, Field(min_length=1, max_length=10)], "y")}, "default was 'x'"),
        ({"secret": (str, "")}, "secret: was personal and no longer is"),
        ({"parts": (Annotated[tuple[SmallPart, ...], Field(max_length=5)], ())}, "parts[].sku: "),
        ({"parts": (Annotated[tuple[str, ...], Field(max_length=5)], ())}, "parts[]: its type was"),
        ({"parts": (tuple[Part, ...], ())}, "parts: maxItems was 5 and is now None"),
    ],
)  # fmt: skip
def test_a_break_is_named_with_its_place_and_victim(changes: dict[str, Any], sentence: str) -> None:
    assert any(sentence in fault for fault in found(**changes)), found(**changes)


def test_a_class_that_begins_to_refuse_unknown_fields_is_a_break() -> None:
    strict = create_model("Thing", __config__={"extra": "forbid"}, at=(datetime, ...))
    open_ = create_model("Thing", at=(datetime, ...))
    assert breaks(open_.model_json_schema(), strict.model_json_schema()) != []


def test_every_break_is_named_at_once() -> None:
    assert len(found(name=None, count=(Large, ...), secret=None)) == 3
