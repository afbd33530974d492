"""The only list of notify's columns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TIMESTAMP, BigInteger, Index, SmallInteger, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

_WANTED = text("attention <> ''")


class Base(SQLModel, registry=registry()):
    """Notify's own metadata."""


class MessagesRow(Base, table=True):
    """Whom to write to about an order, and what was written."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_with_attention", "tenant", "order_id", postgresql_where=_WANTED),
        {"postgresql_with": {"fillfactor": 60}},
    )

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    head: bytes
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    attention: str
    doc: bytes


class AlertsRow(Base, table=True):
    """Shortages of a SKU that the staff was told of."""

    __tablename__ = "alerts"
    __table_args__ = (Index("alerts_with_attention", "tenant", "sku", postgresql_where=_WANTED),)

    tenant: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    changed_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    attention: str
    doc: bytes
