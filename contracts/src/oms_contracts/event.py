"""The base of every event, and the value types that events share.

An event is a frozen pydantic class. Its wire name (`TYPE`) and home (`TOPIC`) are written
out rather than derived from the class name, so that renaming a class changes no byte.
Readers ignore fields they do not know; writers validate when they construct.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SKU_MAX_CHARS = 64
ORDER_LINES_MAX = 500
QTY_MAX_UNITS = 1_000_000
AMOUNT_MAX_MINOR = 10**12
"""A trillion minor units: above any real order, far below what a bigint sum can hold."""


class Value(BaseModel):
    """A part of an event: immutable, equal by content, deaf to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


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

    def __str__(self) -> str:
        """One line for a log: type and fields, without anything personal."""
        shown = " ".join(
            f"{name}={_brief(getattr(self, name))}"
            for name, field in type(self).model_fields.items()
            if PERSONAL not in field.metadata and getattr(self, name) not in (None, (), "")
        )
        return f"{self.TYPE} {shown}".rstrip()


def _brief(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return f"[{len(value)}]"
    return str(value)


class OpenEnum(StrEnum):
    """An enumeration that may grow: a value this reader does not know becomes UNKNOWN.

    Subclasses define `UNKNOWN`; a consumer turns it into a hold for a person, not a crash.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls["UNKNOWN"] if isinstance(value, str) else None


class _Personal:
    """Marks a field that must reach no log, trace or error message."""

    def __repr__(self) -> str:
        return "PERSONAL"


PERSONAL = _Personal()

Instant = AwareDatetime
"""A moment with its offset; written as RFC 3339 in UTC."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic code."""
Minor = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MAX_MINOR)]
"""An amount in minor units of its currency, zero or more."""
SignedMinor = Annotated[int, Field(strict=True, ge=-AMOUNT_MAX_MINOR, le=AMOUNT_MAX_MINOR)]
"""An amount in minor units that may be owed either way."""
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
Text = Annotated[str, Field(max_length=500)]
"""Free text shown to a person."""
RequestId = Annotated[str, Field(min_length=36, max_length=36)]
"""The event id of a request; every answer repeats it."""
Sealed = Annotated[str, PERSONAL]
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

    field: str
    code: str
    text: str


class Tracked(Value):
    """A parcel as the customer can follow it."""

    parcel_id: Name
    carrier: str
    tracking_no: str
    url: str = ""
