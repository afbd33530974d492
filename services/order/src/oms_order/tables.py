"""The order service's tables: the only list of their columns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TIMESTAMP, BigInteger, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    """All tables of this service."""


class OrderRow(Base, table=True):
    """One order. What never changes stands before `partition`, and the document last."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_by_status", "tenant", "status", "received_at", "order_id"),
        Index("orders_by_move", "tenant", "waits_for", "received_at", "order_id"),
        Index("orders_by_time", "tenant", "received_at", "order_id"),
    )

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    channel: str
    external_id: str
    received_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    head: bytes = Field(sa_type=LargeBinary)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    answer_seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    status: str
    waits_for: str
    """Whose move it is; empty when all is done."""
    doc: bytes = Field(sa_type=LargeBinary)


class IdempotencyRow(Base, table=True):
    """What a caller's idempotency key was used for."""

    __tablename__ = "idempotency"

    tenant: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    idempotency_key: str = Field(primary_key=True)
    order_id: str
    digest: str
