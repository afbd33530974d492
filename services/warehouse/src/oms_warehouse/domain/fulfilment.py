"""A fulfilment: the part of an order that one location picks, packs and hands over.

Its life is released → picking → picked → packing → packed; a stop leads to stopping, while units
are put back, and to stopped. Units that are short drop out at once. When nothing is left the
fulfilment is stopped without a further word: its FulfilmentShort facts have named every unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_contracts.channel import ServiceLevel
from oms_warehouse.domain.commands import ParcelMeasure
from oms_warehouse.domain.lines import Content, Line, Parcel
from oms_warehouse.domain.records import Scan

AUTOMATIC = "automatic"
"""Who packed, at locations where no person does."""


class Status(StrEnum):
    """How far a fulfilment has come."""

    RELEASED = "released"
    PICKING = "picking"
    PICKED = "picked"
    PACKING = "packing"
    PACKED = "packed"
    STOPPING = "stopping"
    STOPPED = "stopped"


FINISHED = (Status.PACKED, Status.STOPPED)
"""Nothing is awaited from anybody here."""


class NextStep(StrEnum):
    """What a person has to do next."""

    START = "start"
    PICK = "pick"
    PACK = "pack"
    CLOSE_PACKING = "close_packing"
    PUT_BACK = "put_back"
    NONE = "none"


class StopAnswer(StrEnum):
    """What became of a request to stop."""

    AWAITED = "awaited"
    STOPPED = "stopped"
    REFUSED = "refused"


class Stop(Value, frozen=True):
    """A request to stop and its answer, which is given again when it is asked again."""

    request_id: str
    fulfilment_id: str
    reason: str = ""
    answer: StopAnswer = StopAnswer.AWAITED
    refusal: str = ""
    answered_by: str = ""
    """The person who put back or refused to; empty where nobody had to."""


class Fulfilment(Value, frozen=True):
    """A fulfilment, its pick list and its parcels."""

    fulfilment_id: str
    location: str
    order_no: str
    service_level: ServiceLevel
    ship_by: datetime
    due_at: datetime
    """When somebody must look at it, unless it is finished."""
    lines: tuple[Line, ...]
    status: Status = Status.RELEASED
    flags: tuple[str, ...] = ()
    picker: str = ""
    parcels: tuple[Parcel, ...] = ()
    packed_by: str = ""
    packed_at: datetime | None = None
    stops: tuple[Stop, ...] = ()
    resume: Status | None = None
    """The status that a refused stop leads back to."""
    overdue_since: datetime | None = None

    def __post_init__(self) -> None:
        if self.status is Status.PACKED and self.to_pack:
            raise ValueError(f"fulfilment {self.fulfilment_id}: packed is not what was picked")

    @property
    def finished(self) -> bool:
        """Whether nothing is awaited from anybody here."""
        return self.status in FINISHED

    @property
    def wanted(self) -> int:
        """Units that are meant to be sent."""
        return sum(line.wanted for line in self.lines)

    @property
    def picked(self) -> int:
        """Units that were taken from their bins."""
        return sum(line.picked for line in self.lines)

    @property
    def to_pick(self) -> int:
        """Units that still lie in their bins."""
        return sum(line.to_pick for line in self.lines)

    @property
    def to_pack(self) -> int:
        """Units that were picked and lie in no parcel."""
        return self.picked - sum(content.qty for content in self.contents())

    @property
    def to_put_back(self) -> int:
        """Units that were picked and do not lie in their bins again."""
        return sum(line.picked - line.put_back for line in self.lines)

    @property
    def next_step(self) -> NextStep:
        """What a person has to do next."""
        match self.status:
            case Status.RELEASED:
                return NextStep.START
            case Status.PICKING:
                return NextStep.PICK
            case Status.PICKED | Status.PACKING:
                return NextStep.PACK if self.to_pack else NextStep.CLOSE_PACKING
            case Status.STOPPING:
                return NextStep.PUT_BACK
            case Status.PACKED | Status.STOPPED:
                return NextStep.NONE

    @property
    def units_left(self) -> int:
        """Units that the next step is about."""
        match self.next_step:
            case NextStep.START | NextStep.PICK:
                return self.to_pick
            case NextStep.PACK:
                return self.to_pack
            case NextStep.PUT_BACK:
                return self.to_put_back
            case NextStep.CLOSE_PACKING | NextStep.NONE:
                return 0

    def contents(self) -> Iterator[Content]:
        """What lies in all parcels."""
        return (content for parcel in self.parcels for content in parcel.contents)

    def packed_of(self, line: Line) -> int:
        """Units of `line` that lie in parcels."""
        return sum(content.qty for content in self.contents() if content.line_id == line.line_id)

    def unpacked_of(self, line: Line) -> int:
        """Units of `line` that were picked and lie in no parcel."""
        return line.picked - self.packed_of(line)

    def line(self, line_id: str) -> Line | None:
        """The line with this id."""
        return next((line for line in self.lines if line.line_id == line_id), None)

    def stop(self, request_id: str) -> Stop | None:
        """The request to stop with this id."""
        return next((stop for stop in self.stops if stop.request_id == request_id), None)

    def awaited_stops(self) -> tuple[Stop, ...]:
        """Requests to stop that have no answer yet."""
        return tuple(stop for stop in self.stops if stop.answer is StopAnswer.AWAITED)

    def knows(self, sku: str) -> bool:
        """Whether the SKU is on the pick list."""
        return any(line.sku == sku for line in self.lines)

    def left_of(self, sku: str, room: Callable[[Line], int]) -> int:
        """Units of a SKU for which its lines have room."""
        return sum(room(line) for line in self.lines if line.sku == sku)

    def pick(self, sku: str, qty: int) -> Fulfilment:
        """Units of a SKU taken from the bin; the first lines of the SKU are filled first."""
        taken = self._spread(sku, qty, lambda line: line.to_pick)
        lines = tuple(replace(x, picked=x.picked + taken.get(x.line_id, 0)) for x in self.lines)
        return replace(self, lines=lines)._settled()

    def pack(self, parcel_no: int, sku: str, qty: int) -> Fulfilment:
        """Picked units of a SKU laid into a parcel."""
        laid = self._spread(sku, qty, self.unpacked_of)
        parcels = {parcel.parcel_no: parcel for parcel in self.parcels}
        parcel = parcels.get(parcel_no, Parcel(parcel_no, ()))
        for line in self.lines:
            if line.line_id in laid:
                parcel = parcel.holding(line, laid[line.line_id])
        parcels[parcel_no] = parcel
        in_order = tuple(parcels[n] for n in sorted(parcels))
        return replace(self, parcels=in_order, status=Status.PACKING)

    def drop(self, line: Line, qty: int) -> Fulfilment:
        """Short units leave: while picking those not found, later picked ones unfit to send."""
        picked = line.picked if self.status is Status.PICKING else line.picked - qty
        fewer = replace(line, short=line.short + qty, picked=picked)
        lines = tuple(fewer if x.line_id == line.line_id else x for x in self.lines)
        return replace(self, lines=lines)._settled()

    def close(self, measures: tuple[ParcelMeasure, ...], by: str, at: datetime) -> Fulfilment:
        """Every parcel is closed and measured."""
        measured = {m.parcel_no: m for m in measures}
        return replace(
            self,
            parcels=tuple(p.measured(measured[p.parcel_no]) for p in self.parcels),
            status=Status.PACKED,
            packed_by=by,
            packed_at=at,
        )

    def put_back(self, sku: str, qty: int) -> Fulfilment:
        """Units of a stopped fulfilment lie in their bin again."""
        laid = self._spread(sku, qty, lambda line: line.picked - line.put_back)
        lines = tuple(replace(x, put_back=x.put_back + laid.get(x.line_id, 0)) for x in self.lines)
        return replace(self, lines=lines)

    def answered(self, answer: StopAnswer, by: str, refusal: str = "") -> Fulfilment:
        """Every open request to stop has its answer; the fulfilment is stopped or goes on."""
        stops = tuple(
            replace(stop, answer=answer, refusal=refusal, answered_by=by)
            if stop.answer is StopAnswer.AWAITED
            else stop
            for stop in self.stops
        )
        if answer is StopAnswer.STOPPED:
            empty = tuple(replace(line, picked=0, put_back=0) for line in self.lines)
            return replace(
                self, stops=stops, lines=empty, parcels=(), status=Status.STOPPED, resume=None
            )
        return replace(
            self,
            stops=stops,
            status=self.resume or self.status,
            resume=None,
            due_at=self.ship_by,
            overdue_since=None,
        )

    def _settled(self) -> Fulfilment:
        """The status that follows from what is left to pick."""
        if not self.wanted:
            return replace(self, status=Status.STOPPED)
        if self.status is Status.PICKING and not self.to_pick:
            return replace(self, status=Status.PICKED)
        return self

    def _spread(self, sku: str, qty: int, room: Callable[[Line], int]) -> dict[str, int]:
        """`qty` units of a SKU over its lines, first line first."""
        spread: dict[str, int] = {}
        for line in self.lines:
            units = min(qty, room(line)) if line.sku == sku else 0
            if units:
                spread[line.line_id] = units
                qty -= units
        if qty:
            raise ValueError(f"fulfilment {self.fulfilment_id}: no room for {qty} of {sku}")
        return spread


class OrderFulfilments(Value, frozen=True):
    """All fulfilments of one order: 0.8 kB for one of three lines, 12 kB for one of a hundred.

    `early_stops` came before the release of what they stop. `scans` are earlier answers that
    the inputs at hand may ask for again: evidence kept in rows, not part of the document.
    """

    fulfilments: tuple[Fulfilment, ...] = ()
    early_stops: tuple[Stop, ...] = ()
    scans: tuple[Scan, ...] = ()

    def find(self, fulfilment_id: str) -> Fulfilment | None:
        """The fulfilment with this id."""
        return next((f for f in self.fulfilments if f.fulfilment_id == fulfilment_id), None)

    def scan(self, scan_id: str) -> Scan | None:
        """The scan that a device sent under this id."""
        return next((scan for scan in self.scans if scan.scan_id == scan_id), None)

    def with_fulfilment(self, changed: Fulfilment, *scans: Scan) -> OrderFulfilments:
        """The order with a fulfilment as it is now, and what was scanned for it."""
        return replace(
            self,
            fulfilments=tuple(
                changed if f.fulfilment_id == changed.fulfilment_id else f for f in self.fulfilments
            ),
            scans=self.scans + scans,
        )
