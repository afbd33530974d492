"""A fulfilment as people see it, on a screen and on paper. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms_warehouse.decisions.answers import parcel_id
from oms_warehouse.domain import Fulfilment, Line, NextStep, Parcel


@dataclass(frozen=True, slots=True)
class PickListLine:
    """A line of a pick list, with the bin to walk to."""

    line_id: str
    sku: str
    bin: str
    wanted: int
    picked: int
    short: int
    packed: int
    put_back: int


@dataclass(frozen=True, slots=True)
class ParcelContent:
    """Units in a parcel."""

    line_id: str
    sku: str
    qty: int


@dataclass(frozen=True, slots=True)
class ParcelView:
    """A parcel and what lies in it."""

    parcel_no: int
    parcel_id: str
    weight_grams: int
    contents: list[ParcelContent]


@dataclass(frozen=True, slots=True)
class StopView:
    """The order's wish to stop, and what became of it."""

    reason: str
    answer: str
    refusal: str
    answered_by: str


@dataclass(frozen=True, slots=True)
class Worksheet:
    """One fulfilment: how far it is, what comes next, and its pick list in walking order."""

    fulfilment_id: str
    order_id: str
    order_no: str
    location: str
    status: str
    next_step: str
    instruction: str
    units_left: int
    service_level: str
    ship_by: datetime
    flags: list[str]
    picker: str
    packed_by: str
    packed_at: datetime | None
    stops: list[StopView]
    overdue_since: datetime | None
    lines: list[PickListLine]
    parcels: list[ParcelView]


def worksheet(order_id: str, found: Fulfilment, bins: Mapping[str, str]) -> Worksheet:
    """The fulfilment as it is shown; `bins` by SKU, as far as they are known."""
    lines = [_line(found, line, bins.get(line.sku, "")) for line in found.lines]
    # Along the shelves; what lies nobody knows where comes last.
    lines.sort(key=lambda line: (not line.bin, line.bin, line.sku, line.line_id))
    return Worksheet(
        fulfilment_id=found.fulfilment_id,
        order_id=order_id,
        order_no=found.order_no,
        location=found.location,
        status=found.status.value,
        next_step=found.next_step.value,
        instruction=_instruction(found, lines),
        units_left=found.units_left,
        service_level=found.service_level.value,
        ship_by=found.ship_by,
        flags=list(found.flags),
        picker=found.picker,
        packed_by=found.packed_by,
        packed_at=found.packed_at,
        stops=[StopView(s.reason, s.answer.value, s.refusal, s.answered_by) for s in found.stops],
        overdue_since=found.overdue_since,
        lines=lines,
        parcels=[_parcel(found, parcel) for parcel in found.parcels],
    )


def _line(found: Fulfilment, line: Line, bin_: str) -> PickListLine:
    return PickListLine(
        line_id=line.line_id,
        sku=line.sku,
        bin=bin_,
        wanted=line.wanted,
        picked=line.picked,
        short=line.short,
        packed=found.packed_of(line),
        put_back=line.put_back,
    )


def _parcel(found: Fulfilment, parcel: Parcel) -> ParcelView:
    return ParcelView(
        parcel_no=parcel.parcel_no,
        parcel_id=parcel_id(found, parcel.parcel_no),
        weight_grams=parcel.weight_grams,
        contents=[ParcelContent(c.line_id, c.sku, c.qty) for c in parcel.contents],
    )


def _instruction(found: Fulfilment, lines: Sequence[PickListLine]) -> str:
    """The next step as a sentence for the person who does it."""
    match found.next_step:
        case NextStep.START:
            return "Start this pick list."
        case NextStep.PICK:
            line = next(x for x in lines if x.wanted > x.picked)
            return f"Take {line.wanted - line.picked} of {line.sku} from {_place(line)}."
        case NextStep.PACK:
            line = next(x for x in lines if x.picked > x.packed)
            return f"Scan {line.picked - line.packed} of {line.sku} into a parcel."
        case NextStep.CLOSE_PACKING:
            return "Close and weigh the parcels."
        case NextStep.PUT_BACK:
            line = next(x for x in lines if x.picked > x.put_back)
            return f"Put {line.picked - line.put_back} of {line.sku} back into {_place(line)}."
        case NextStep.NONE:
            return "Nothing is left to do."


def _place(line: PickListLine) -> str:
    return f"bin {line.bin}" if line.bin else "its bin"
