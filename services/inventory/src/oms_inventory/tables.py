"""Inventory's tables: the only list of their columns."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, Index, SmallInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

Instant = TIMESTAMP(timezone=True)


class Base(SQLModel, registry=registry()):
    """Inventory's own metadata."""


class SkuRow(Base, table=True):
    """The stock book of a SKU, without its shelves."""

    __tablename__ = "sku"

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    level_seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=Instant)
    backordered: int = Field(sa_type=BigInteger)
    doc: bytes


class StockRow(Base, table=True):
    """A shelf. The database refuses what would be oversold."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("0 <= reserved AND reserved <= on_hand", name="stock_not_oversold"),
    )

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    on_hand: int = Field(sa_type=BigInteger)
    reserved: int = Field(sa_type=BigInteger)
    moves: int = Field(sa_type=BigInteger)


class ReservationRow(Base, table=True):
    """What one order holds and waits for."""

    __tablename__ = "reservation"

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=Instant)
    rank: int
    accepted_at: datetime | None = Field(sa_type=Instant)
    doc: bytes


class WaiterRow(Base, table=True):
    """An order's place in a SKU's queue."""

    __tablename__ = "waiter"
    __table_args__ = (
        Index("waiter_in_turn", "tenant", "sku", "country", "rank", "accepted_at", "order_id"),
    )

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    country: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    rank: int
    accepted_at: datetime = Field(sa_type=Instant)


class MovementRow(Base, table=True):
    """A line of the stock book."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint("on_hand_after >= 0", name="movement_on_hand"),
        CheckConstraint(
            "0 <= reserved_after AND reserved_after <= on_hand_after", name="movement_reserved"
        ),
        Index("movement_once", "tenant", "sku", "location", "cause", unique=True),
    )

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
    booked_at: datetime = Field(sa_type=Instant)
