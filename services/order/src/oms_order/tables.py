"""The only list of the order service's columns.

An order's row is written with every event, and most indexes would be written along with it: so
there are few. An order is found by its id, which follows from its channel's number and is hinted
at by its order number; lists need no more than the three below.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from oms_order.decisions import PEOPLE
from oms_order.domain import Status

Instant = TIMESTAMP(timezone=True)
ENDED = (Status.COMPLETED, Status.CANCELLED)
"""Where nearly all orders are, sooner or later."""


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


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
            "status",
            "received_at",
            "order_id",
            postgresql_where=text(f"status NOT IN ({_listed(ENDED)})"),
        ),
        Index(
            "orders_for_people",
            "tenant",
            "received_at",
            "order_id",
            postgresql_where=text(f"waiting_for IN ({_listed(PEOPLE)})"),
        ),
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


class IdempotencyRow(Base, table=True):
    """A caller's idempotency key and what it was used for, once."""

    __tablename__ = "idempotency"

    tenant: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    idempotency_key: str = Field(primary_key=True)
    order_id: str
    digest: str
