"""The only list of the order service's columns.

An order's row is written with every event, and no index along with it: none is on a column that
changes with every step, and there is room on the page for the next version. An order is found by
its id, which follows from its channel's number and is hinted at by its order number; lists need
no more than the three below.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    SmallInteger,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from oms_order.decisions import PEOPLE
from oms_order.domain import Status

Instant = TIMESTAMP(timezone=True)
ENDED = (Status.COMPLETED, Status.CANCELLED)
"""Where nearly all orders are, sooner or later."""


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _follows(condition: str) -> Column[bool]:
    """A column that the database computes."""
    return Column(Boolean, Computed(condition, persisted=True), nullable=False)


class Base(SQLModel, registry=registry()):
    """The order service's own metadata."""


class OrderRow(Base, table=True):
    """An order, or a channel's number under which there is none; `head` never changes."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("partition >= 0 AND seq >= 0 AND answer_seq >= 0", name="orders_counted"),
        Index("orders_by_time", "tenant", "received_at", "order_id"),
        Index(
            "orders_open",
            "tenant",
            "received_at",
            "order_id",
            postgresql_where=text("NOT ended"),
        ),
        Index(
            "orders_for_people",
            "tenant",
            "received_at",
            "order_id",
            postgresql_where=text("for_people"),
        ),
        {"postgresql_with": {"fillfactor": 50}},
    )

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    channel: str
    external_id: str
    order_no: str
    received_at: datetime = Field(sa_type=Instant)
    head: bytes
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    answer_seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=Instant)
    status: str
    waiting_for: str
    doc: bytes
    ended: bool = Field(sa_column=_follows(f"status IN ({_listed(ENDED)})"))
    for_people: bool = Field(sa_column=_follows(f"waiting_for IN ({_listed(PEOPLE)})"))


class IdempotencyRow(Base, table=True):
    """A caller's idempotency key and what it was used for, once."""

    __tablename__ = "idempotency"

    tenant: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    idempotency_key: str = Field(primary_key=True)
    order_id: str
    digest: str
