"""The base of every event, and the value types that events share.

An event is a frozen pydantic class. Its wire name (`TYPE`) and home (`TOPIC`) are written
out rather than derived from the class name, so that renaming a class changes no byte.
Readers ignore fields they do not know; writers validate when they construct.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema

JsonSchema = dict[str, Any]

ORDER_LINES_MAX = 500
QTY_MAX_UNITS = 1_000_000
AMOUNT_MAX_MINOR = 10**12
"""A trillion minor units: above any real order, far below what a bigint sum can hold."""


class Value(BaseModel):
    """A part of an event: immutable, equal by content, deaf to unknown fields.

    Neither its text nor the message of a failed validation shows anything personal.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        fields = type(self).model_fields
        return (
            (name, value)
            for name, value in super().__repr_args__()
            if name is None or PERSONAL not in fields[name].metadata
        )


class Event(Value):
    """A fact in the past tense, told once and never changed.

    `TYPE` is the CloudEvents type and `TOPIC` the Kafka topic; a `TOPIC` with a placeholder
    in braces is completed from the event's own fields (see `topic`).
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    def topic(self) -> str:
        """The topic this very event belongs on."""
        return self.TOPIC if "{" not in self.TOPIC else self.TOPIC.format_map(dict(self))

    def upcast(self) -> Event:
        """The same fact as the newest version tells it; a superseded version overrides this."""
        return self

    def __str__(self) -> str:
        """One line for a log: type and fields, without anything personal."""
        shown = (
            f"{name}={_brief(value)}"
            for name, value in self.__repr_args__()
            if value not in (None, (), "")
        )
        return " ".join((self.TYPE, *shown))


def _brief(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple) and not isinstance(value[0], str):
        return f"[{len(value)}]"
    text = repr(value) if isinstance(value, Value) else str(value)
    return text if text.isprintable() else repr(text)


class OpenEnum(StrEnum):
    """An enumeration that may grow: a value this reader does not know becomes UNKNOWN.

    Subclasses define `UNKNOWN`; a consumer turns it into a hold for a person, not a crash.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls["UNKNOWN"] if isinstance(value, str) else None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        """Any text is valid; the values known today are named beside it."""
        known = handler(core_schema)
        known["x-known-values"] = known.pop("enum")
        return known


class _Personal:
    """Marks a field that must reach no log, trace or error message."""

    def __repr__(self) -> str:
        return "PERSONAL"

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        return {**handler(core_schema), "x-personal": True}


PERSONAL = _Personal()


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # the calendar's first or last day, in another offset
        raise ValueError("no such moment in UTC") from None


Instant = Annotated[AwareDatetime, Field(strict=True), AfterValidator(_in_utc)]
"""A moment, read with any offset and kept and written in UTC, by RFC 3339."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic code."""
Minor = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MAX_MINOR)]
"""An amount in minor units of its currency, zero or more."""
Qty = Annotated[int, Field(strict=True, ge=1, le=QTY_MAX_UNITS)]
"""Units of a SKU, at least one."""
QtyOrNone = Annotated[int, Field(strict=True, ge=0, le=QTY_MAX_UNITS)]
"""Units of a SKU, possibly none."""
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/\-]{0,63}$")]
"""Stock keeping unit: letters, digits and . _ / -, at most 64 characters."""
Location = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,31}$")]
"""A stock location: a warehouse or store, at most 32 characters."""
Name = Annotated[str, Field(min_length=1, max_length=64)]
"""A short identifier given by one of our services."""
NameOrNone = Annotated[str, Field(max_length=64)]
"""Such an identifier, empty where there is none."""
ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9\-]{0,31}$")]
"""A channel as its topics name it: small letters, digits and -, at most 32 characters."""
ExternalId = Annotated[str, Field(pattern=r"^[A-Za-z0-9#][A-Za-z0-9._:#/\-]{0,63}$")]
"""A channel's order number, unique within the channel; at most 64 characters."""
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2 code."""
CountryOrNone = Annotated[str, Field(pattern=r"^([A-Z]{2})?$")]
"""Such a code, empty where none was told."""
FlagCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,31}$")]
"""What is special about an order (`GIFT`, `VIP`): letters, digits, _ and -."""
Priority = Annotated[int, Field(strict=True, ge=0, le=9)]
"""9 is served first."""
TermsDays = Annotated[int, Field(strict=True, ge=0, le=365)]
"""Days until an invoice is due."""
Grams = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
Millimetres = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Text = Annotated[str, Field(max_length=500)]
"""Free text shown to a person."""
Actor = Annotated[str, Field(max_length=254)]
"""The person or program that did it; empty where nobody in particular did."""
Url = Annotated[str, Field(max_length=2000)]
PaymentReference = Annotated[str, Field(max_length=200), PERSONAL]
"""A provider's token, a prepayment or an account: whoever holds it may be able to charge it."""
RequestId = Annotated[str, Field(min_length=36, max_length=36)]
"""The event id of a request; every answer repeats it."""
Sealed = Annotated[str, Field(max_length=16_384), PERSONAL]
"""Personal data encrypted with the key ring; opaque without it."""


class LineQty(Value):
    """So many units of one order line."""

    line_id: Name
    sku: Sku
    qty: Qty


class Alloc(Value):
    """Units of an order line set aside at one location; named by order, line and location."""

    line_id: Name
    sku: Sku
    location: Location
    qty: Qty


class Reason(Value):
    """Why something was turned down: the field, a stable code and a sentence."""

    field: Annotated[str, Field(max_length=200)]
    code: Name
    text: Text


class Tracked(Value):
    """A parcel as the customer can follow it."""

    parcel_id: Name
    carrier: Name
    tracking_no: NameOrNone
    url: Url = ""
