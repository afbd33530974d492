"""The units of a fulfilment: on the lines of its pick list, and in its parcels."""

from __future__ import annotations

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_warehouse.domain.commands import ParcelMeasure

PARCELS_MAX = 99
"""Parcels of one fulfilment."""
WEIGHT_MAX_GRAMS = 100_000_000
"""Heaviest parcel that a contract can tell of."""


class Line(Value, frozen=True):
    """Units of an order line on a pick list: qty = to pick + picked + short."""

    line_id: str
    sku: str
    qty: int
    picked: int = 0
    short: int = 0
    put_back: int = 0

    def __post_init__(self) -> None:
        if min(self.picked, self.short) < 0 or self.picked + self.short > self.qty:
            raise ValueError(f"line {self.line_id}: picked and short exceed what is wanted")
        if not 0 <= self.put_back <= self.picked:
            raise ValueError(f"line {self.line_id}: put back more than was picked")

    @property
    def wanted(self) -> int:
        """Units that are meant to be sent."""
        return self.qty - self.short

    @property
    def to_pick(self) -> int:
        """Units that still lie in the bin."""
        return self.wanted - self.picked


class Content(Value, frozen=True):
    """Units of a line in a parcel."""

    line_id: str
    sku: str
    qty: int


class Parcel(Value, frozen=True):
    """A parcel being packed; weight and size are known when it is closed."""

    parcel_no: int
    contents: tuple[Content, ...]
    weight_grams: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.parcel_no <= PARCELS_MAX:
            raise ValueError(f"parcels are numbered from 1 to {PARCELS_MAX}")

    def holding(self, line: Line, qty: int) -> Parcel:
        """This parcel with `qty` more units of `line`."""
        held = {content.line_id: content for content in self.contents}
        before = held[line.line_id].qty if line.line_id in held else 0
        held[line.line_id] = Content(line.line_id, line.sku, before + qty)
        return replace(self, contents=tuple(held.values()))

    def measured(self, measure: ParcelMeasure) -> Parcel:
        """This parcel with its weight and size."""
        return replace(
            self,
            weight_grams=measure.weight_grams,
            length_mm=measure.length_mm,
            width_mm=measure.width_mm,
            height_mm=measure.height_mm,
        )
