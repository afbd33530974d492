"""The only list of inventory's columns.

A shelf is a row written as differences, so the database itself refuses what would be oversold.
Movements are only ever inserted; a trigger made by the migration sees to that. `allocation` and
`backorder` repeat, row by row, what reservations hold and wait for: a SKU's side of it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

Instant = TIMESTAMP(timezone=True)
GOODS_KINDS = "'receipt', 'count', 'damage'"
"""Kinds of movements whose cause comes from outside and is looked up before it is booked."""


class Base(SQLModel, registry=registry()):
    """Inventory's own metadata."""


class SkuRow(Base, table=True):
    """The stock book of a SKU, without its shelves."""

    __tablename__ = "sku"

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    stock_seq: int = Field(sa_type=BigInteger)
    level_seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=Instant)
    doc: bytes


class StockRow(Base, table=True):
    """A shelf: units of a SKU at a location."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="stock_not_oversold"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    on_hand: int = Field(sa_type=BigInteger)
    reserved: int = Field(sa_type=BigInteger)
    moves: int = Field(sa_type=BigInteger)


class MovementRow(Base, table=True):
    """A line of the stock book, numbered along its shelf without gaps; a partition a month."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint(
            "0 <= reserved_after AND reserved_after <= on_hand_after", name="movement_not_oversold"
        ),
        Index(
            "movement_of_goods", "tenant", "sku", "location", "cause",
            postgresql_where=text(f"kind IN ({GOODS_KINDS})"),
        ),
        {"postgresql_partition_by": "RANGE (booked_at)"},
    )  # fmt: skip

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int = Field(sa_type=BigInteger)
    reserved_after: int = Field(sa_type=BigInteger)
    order_id: str
    cause: str
    cause_id: UUID
    booked_at: datetime = Field(primary_key=True, sa_type=Instant)


class ReservationRow(Base, table=True):
    """What one order holds and waits for."""

    __tablename__ = "reservation"
    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=Instant)
    doc: bytes


class AllocationRow(Base, table=True):
    """Units of a shelf that an order line holds; `rank` is the negated priority."""

    __tablename__ = "allocation"
    __table_args__ = (CheckConstraint("qty > 0", name="allocation_of_something"),)

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    rank: int
    accepted_at: datetime = Field(sa_type=Instant)
    qty: int


class BackorderRow(Base, table=True):
    """Units of a SKU that an order line waits for; the queue is read along `backorder_in_turn`."""

    __tablename__ = "backorder"
    __table_args__ = (
        CheckConstraint("qty > 0", name="backorder_of_something"),
        Index(
            "backorder_in_turn",
            "tenant", "sku", "country", "rank", "accepted_at", "order_id", "line_id", "request_id",
        ),
    )  # fmt: skip

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    line_id: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    country: str
    rank: int
    accepted_at: datetime = Field(sa_type=Instant)
    location: str
    qty: int
    eta: datetime | None = Field(sa_type=Instant)
    po_line: str
