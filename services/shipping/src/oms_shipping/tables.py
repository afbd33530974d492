"""The only list of shipping's columns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    """Shipping's own metadata."""


class ShipmentsRow(Base, table=True):
    """All shipments of one order."""

    __tablename__ = "shipments"
    __table_args__ = (
        Index(
            "shipments_with_attention",
            "tenant",
            "order_id",
            postgresql_where=text("attention <> ''"),
        ),
        {"postgresql_with": {"fillfactor": 60}},
    )

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    attention: str
    doc: bytes


class ParcelRow(Base, table=True):
    """The newest of one label and of the parcel that carries it."""

    __tablename__ = "parcel"
    __table_args__ = (
        CheckConstraint("label IN ('bought', 'voided', 'unclear')", name="parcel_label_known"),
        Index("parcel_by_id", "tenant", "parcel_id"),
        Index("parcel_by_shipment", "tenant", "shipment_id"),
        Index(
            "parcel_with_problem", "tenant", "scanned_at", postgresql_where=text("problem <> ''")
        ),
    )

    tenant: str = Field(primary_key=True)
    tracking_no: str = Field(primary_key=True)
    order_id: str
    shipment_id: str
    parcel_id: str
    carrier: str
    service: str
    label: str
    status: str
    scanned_at: datetime | None = Field(default=None, sa_type=TIMESTAMP(timezone=True))
    problem: str


class ScanRow(Base, table=True):
    """What a carrier said about a parcel, once, in its own word and in ours."""

    __tablename__ = "scan"

    tenant: str = Field(primary_key=True)
    tracking_no: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    code: str
    status: str
    at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    heard_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
