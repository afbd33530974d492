"""What a decision writes besides its state: rows that people query, and rows that are evidence.

Field names are the columns of the tables they go to.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from oms_chassis.decision import Value


class ScanVerb(StrEnum):
    """What a scan says was done."""

    PICK = "pick"
    SHORT = "short"
    PACK = "pack"
    PUT_BACK = "put_back"


class Scan(Value, frozen=True):
    """Who scanned what and when. `answer` (JSON) is repeated when the device asks again."""

    order_id: str
    scan_id: str
    fulfilment_id: str
    verb: ScanVerb
    qty: int
    sku: str
    line_id: str
    parcel_no: int
    reason: str
    person: str
    at: datetime
    answer: str = ""

    def tells_same(self, other: Scan) -> bool:
        """Whether both say that the same was done, whoever and whenever it was."""
        return self._told() == other._told()

    def _told(self) -> tuple[object, ...]:
        what = (self.verb, self.qty, self.sku, self.line_id, self.parcel_no, self.reason)
        return (self.order_id, self.fulfilment_id, *what)


class Misscan(Value, frozen=True):
    """A scan that was refused because the item did not belong there: a mistake that was caught."""

    misscan_id: str
    fulfilment_id: str
    location: str
    verb: ScanVerb
    sku: str
    qty: int
    code: str
    person: str
    at: datetime


class EntryKind(StrEnum):
    """What was seen of a SKU."""

    RECEIVED = "received"
    COUNTED = "counted"
    DAMAGED = "damaged"


class GoodsEntry(Value, frozen=True):
    """One receipt, count or damage; `cause_id` occurs once per SKU."""

    sku: str
    cause_id: str
    kind: EntryKind
    location: str
    qty: int
    po_line: str
    lot: str
    bin: str
    reason: str
    person: str
    at: datetime

    def tells_same(self, other: GoodsEntry) -> bool:
        """Whether both say that the same was seen, whoever and whenever it was."""
        return self._told() == other._told()

    def _told(self) -> tuple[object, ...]:
        what = (self.location, self.qty, self.po_line, self.lot, self.bin, self.reason)
        return (self.sku, self.cause_id, self.kind, *what)


class WorkItem(Value, frozen=True):
    """A fulfilment in the work queue."""

    fulfilment_id: str
    order_id: str
    order_no: str
    location: str
    status: str
    service_level: str
    ship_by: datetime
    rank: int
    """Who comes first among those that must leave by the same time: 0 before 1."""
    units: int
    """Units that are still wanted: short ones have dropped out."""
    flags: str
    picker: str
    stop_reason: str
    due_at: datetime | None
    """When somebody looks at it again; nothing is awaited where null."""
    overdue_since: datetime | None


class DeliveryAddress(Value, frozen=True):
    """Where a fulfilment goes, sealed. Alone in its table, so that it can be erased."""

    fulfilment_id: str
    address: str


class BinAssigned(Value, frozen=True):
    """Where a SKU lies at a location."""

    location: str
    sku: str
    bin: str


class PurchaseOrderLine(Value, frozen=True):
    """A purchase order line as people look it up."""

    po_line: str
    po_id: str
    sku: str
    location: str
    supplier: str
    status: str
    ordered_qty: int
    received_qty: int
    eta: datetime
    placed_at: datetime
    overdue_since: datetime | None
