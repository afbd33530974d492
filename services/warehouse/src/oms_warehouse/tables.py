"""The warehouse's tables: the only list of columns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from oms_warehouse.domain import FINISHED

UNFINISHED = text("status NOT IN ({})".format(", ".join(f"'{s.value}'" for s in FINISHED)))
"""Fulfilments that somebody has to do something about; queries say it in the index's words."""
STILL_OPEN = text("status <> 'received'")
"""Purchase order lines of which something is still to come."""
_INSTANT = TIMESTAMP(timezone=True)


class Base(SQLModel, registry=registry()):
    """The tables of this service, apart from any other's."""


class GoodsRow(Base, table=True):
    """What is known of one SKU."""

    __tablename__ = "goods"

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=_INSTANT)
    doc: bytes


class OrderFulfilmentsRow(Base, table=True):
    """All fulfilments of one order."""

    __tablename__ = "order_fulfilments"
    __table_args__ = ({"postgresql_with": {"fillfactor": 60}},)

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=_INSTANT)
    doc: bytes


class FulfilmentRow(Base, table=True):
    """Projection: the work queue, and which order a fulfilment belongs to.

    Only unfinished work is indexed, so that the queue stays as short as the work is.
    """

    __tablename__ = "fulfilment"
    __table_args__ = (
        CheckConstraint("units >= 0", name="fulfilment_units"),
        Index(
            "fulfilment_queue", "tenant", "location", "ship_by", "rank", "fulfilment_id",
            postgresql_where=UNFINISHED,
        ),
    )  # fmt: skip

    tenant: str = Field(primary_key=True)
    fulfilment_id: str = Field(primary_key=True)
    order_id: str
    order_no: str
    location: str
    status: str
    service_level: str
    ship_by: datetime = Field(sa_type=_INSTANT)
    rank: int = Field(sa_type=SmallInteger)
    units: int
    flags: str
    picker: str
    stop_reason: str
    due_at: datetime | None = Field(sa_type=_INSTANT)
    overdue_since: datetime | None = Field(sa_type=_INSTANT)


class DeliveryAddressRow(Base, table=True):
    """Where a fulfilment goes, sealed: all that is personal here."""

    __tablename__ = "delivery_address"

    tenant: str = Field(primary_key=True)
    fulfilment_id: str = Field(primary_key=True)
    address: str


class ScanRow(Base, table=True):
    """Insert-only: who scanned what and when. A scan id counts once per order."""

    __tablename__ = "scan"
    __table_args__ = (CheckConstraint("qty > 0", name="scan_qty"),)

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    scan_id: str = Field(primary_key=True)
    fulfilment_id: str
    verb: str
    qty: int
    sku: str
    line_id: str
    parcel_no: int = Field(sa_type=SmallInteger)
    reason: str
    person: str
    at: datetime = Field(sa_type=_INSTANT)
    answer: str


class MisscanRow(Base, table=True):
    """Insert-only: scans of items that did not belong there."""

    __tablename__ = "misscan"
    __table_args__ = (Index("misscan_by_time", "tenant", "at"),)

    tenant: str = Field(primary_key=True)
    misscan_id: str = Field(primary_key=True)
    fulfilment_id: str
    location: str
    verb: str
    sku: str
    qty: int
    code: str
    person: str
    at: datetime = Field(sa_type=_INSTANT)


class GoodsEntryRow(Base, table=True):
    """Insert-only: receipts, counts and damages. A cause counts once per SKU."""

    __tablename__ = "goods_entry"
    __table_args__ = (
        CheckConstraint("qty > 0 OR (qty = 0 AND kind = 'counted')", name="goods_entry_qty"),
    )

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    cause_id: str = Field(primary_key=True)
    kind: str
    location: str
    qty: int
    po_line: str
    lot: str
    bin: str
    reason: str
    person: str
    at: datetime = Field(sa_type=_INSTANT)


class BinRow(Base, table=True):
    """Projection: where a SKU lies at a location."""

    __tablename__ = "bin"

    tenant: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    bin: str


class PurchaseOrderLineRow(Base, table=True):
    """Projection: purchase order lines, and which SKU a line belongs to."""

    __tablename__ = "purchase_order_line"
    __table_args__ = (
        CheckConstraint("ordered_qty > 0 AND received_qty >= 0", name="purchase_order_line_qty"),
        Index(
            "purchase_order_line_open", "tenant", "location", "eta", "po_line",
            postgresql_where=STILL_OPEN,
        ),
    )  # fmt: skip

    tenant: str = Field(primary_key=True)
    po_line: str = Field(primary_key=True)
    po_id: str
    sku: str
    location: str
    supplier: str
    status: str
    ordered_qty: int
    received_qty: int
    eta: datetime = Field(sa_type=_INSTANT)
    placed_at: datetime = Field(sa_type=_INSTANT)
    overdue_since: datetime | None = Field(sa_type=_INSTANT)
