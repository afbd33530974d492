"""What the door accepts: every field with its limit."""

# Annotations here are read by FastAPI and pydantic, hence not postponed.
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from fastapi import Header, Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from oms_contracts.event import Grams, Location, Millimetres, Qty, QtyOrNone, Sku
from oms_warehouse.domain import PARCELS_MAX, ParcelMeasure, ReceiveStock, ShortReason
from oms_warehouse.views import PAGE_ROWS_MAX

RECEIPT_LINES_MAX = 500
"""Lines of one batch of receipts."""

_VISIBLE = r"^[!-~]+$"
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"

Id = Annotated[str, Field(min_length=1, max_length=64, pattern=_VISIBLE)]
"""A name given by a person, a device or one of our services: visible ASCII, no spaces."""
Label = Annotated[str, Field(max_length=32, pattern=_ONE_LINE)]
"""What stands on a bin or a lot."""
Words = Annotated[str, Field(min_length=1, max_length=500, pattern=_ONE_LINE)]
"""Why, in one line."""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # the calendar's first or last day, in another offset
        raise ValueError("no such moment in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its offset, kept in UTC."""
PathId = Annotated[str, Path(min_length=1, max_length=64, pattern=_VISIBLE)]
ScanId = Annotated[
    str,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=64, pattern=_VISIBLE,
        description="Given by the scanning device: the same scan sent twice counts once",
    ),
]  # fmt: skip
AtLocation = Annotated[Location | None, Query()]
After = Annotated[str | None, Query(max_length=64, pattern=_VISIBLE)]
Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)]


class Body(BaseModel):
    """A request body: unknown fields are faults, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Body):
    """Claim a pick list; `take_over` takes it from a colleague who does not go on."""

    take_over: bool = False


class Units(Body):
    """Units of a SKU that were scanned."""

    sku: Sku
    qty: Qty = 1


class Short(Body):
    """Units of a line that cannot be sent."""

    line_id: Id
    qty: Qty
    reason: ShortReason


class PackedUnits(Units):
    """Units that were laid into a parcel."""

    parcel_no: Annotated[int, Field(ge=1, le=PARCELS_MAX)] = 1


class Measure(Body):
    """Gross weight and outer size of a parcel (size 0 = not measured)."""

    parcel_no: Annotated[int, Field(ge=1, le=PARCELS_MAX)]
    weight_grams: Annotated[Grams, Field(ge=1)]
    length_mm: Millimetres = 0
    width_mm: Millimetres = 0
    height_mm: Millimetres = 0


class Parcels(Body):
    """All parcels of a fulfilment, closed and weighed."""

    parcels: Annotated[list[Measure], Field(min_length=1, max_length=PARCELS_MAX)]

    def measures(self) -> tuple[ParcelMeasure, ...]:
        """The same in the words of the core."""
        return tuple(ParcelMeasure(**parcel.model_dump()) for parcel in self.parcels)


class RefusedPutBack(Body):
    """Why a fulfilment cannot be stopped any more."""

    reason: Words


class Receipt(Body):
    """Goods that arrived. `cause_id` is the receipt's number, once per SKU."""

    location: Location
    sku: Sku
    qty: Qty
    cause_id: Id
    po_line: Annotated[str, Field(max_length=64, pattern=r"^[!-~]*$")] = ""
    lot: Label = ""
    bin: Label = ""

    def command(self) -> ReceiveStock:
        """The same in the words of the core, which knows the SKU from the key."""
        return ReceiveStock(**self.model_dump(exclude={"sku"}))


class Receipts(Body):
    """A delivery of several lines."""

    lines: Annotated[list[Receipt], Field(min_length=1, max_length=RECEIPT_LINES_MAX)]

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        if len({(line.sku, line.cause_id) for line in self.lines}) < len(self.lines):
            raise ValueError("a line stands twice: one cause_id and SKU, one line")
        return self


@dataclass(frozen=True, slots=True)
class ReceiptResult:
    """What became of one line: its answer, or the code and sentence of its refusal."""

    sku: str
    cause_id: str
    ok: bool
    answer: dict[str, Any] | None = None
    code: str = ""
    text: str = ""


class Count(Body):
    """A shelf that was counted."""

    location: Location
    sku: Sku
    counted_qty: QtyOrNone
    cause_id: Id


class Damage(Body):
    """Units on a shelf that can no longer be sold."""

    location: Location
    sku: Sku
    qty: Qty
    cause_id: Id
    reason: Words


class Confirmation(Body):
    """What the supplier said: the line's whole quantity, and when the goods come."""

    qty: Qty
    eta: Moment
