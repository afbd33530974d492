"""Goods of one SKU: where they lie and what is on order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_warehouse.domain.records import GoodsEntry


class PurchaseStatus(StrEnum):
    """How far a purchase order line has come."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    RECEIVED = "received"


class PurchaseLine(Value, frozen=True):
    """The one open purchase order line of a SKU at a location."""

    po_id: str
    po_line: str
    location: str
    supplier: str
    ordered_qty: int
    eta: datetime
    due_at: datetime
    """When somebody must ask the supplier."""
    placed_at: datetime
    received_qty: int = 0
    """May exceed what was ordered: suppliers round up."""
    confirmed: bool = False
    overdue_since: datetime | None = None

    @property
    def open_qty(self) -> int:
        """Units still to come."""
        return max(0, self.ordered_qty - self.received_qty)

    @property
    def status(self) -> PurchaseStatus:
        """How far the line has come."""
        if not self.open_qty:
            return PurchaseStatus.RECEIVED
        return PurchaseStatus.CONFIRMED if self.confirmed else PurchaseStatus.PLACED


class Shelf(Value, frozen=True):
    """Where a SKU lies at a location."""

    location: str
    bin: str = ""
    received_at: datetime | None = None
    """When goods last arrived."""
    received_cause: str = ""
    """The `cause_id` of that receipt."""


class Goods(Value, frozen=True):
    """What the warehouse knows of one SKU.

    `entries` are earlier receipts, counts and damages that the inputs at hand may repeat:
    evidence kept in rows, not part of the document.
    """

    sku: str
    shelves: tuple[Shelf, ...] = ()
    purchases: tuple[PurchaseLine, ...] = ()
    """Open lines only, one per location."""
    entries: tuple[GoodsEntry, ...] = ()

    def shelf(self, location: str) -> Shelf:
        """Where the SKU lies at `location`, as far as anybody said."""
        return next((s for s in self.shelves if s.location == location), Shelf(location))

    def open_at(self, location: str) -> PurchaseLine | None:
        """The open purchase order line for `location`."""
        return next((line for line in self.purchases if line.location == location), None)

    def purchase(self, po_line: str) -> PurchaseLine | None:
        """The open purchase order line with this id."""
        return next((line for line in self.purchases if line.po_line == po_line), None)

    def entry(self, cause_id: str) -> GoodsEntry | None:
        """What was entered under this id."""
        return next((entry for entry in self.entries if entry.cause_id == cause_id), None)

    def with_shelf(self, shelf: Shelf) -> Goods:
        """The goods with a shelf as it is now."""
        others = (s for s in self.shelves if s.location != shelf.location)
        return replace(self, shelves=(*others, shelf))

    def with_purchase(self, line: PurchaseLine) -> Goods:
        """The goods with a purchase order line as it is now; a received one is open no more."""
        others = tuple(p for p in self.purchases if p.po_line != line.po_line)
        still_open = (line,) if line.open_qty else ()
        return replace(self, purchases=others + still_open)
