"""The only list of billing's columns.

What the ledger's triggers guarantee is written in the migration that makes them: documents and
journals are never changed, and a journal is complete and balanced in the statement that posts it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    CheckConstraint,
    Index,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

Instant = TIMESTAMP(timezone=True)


class Base(SQLModel, registry=registry()):
    """Billing's own metadata."""


class NumbersRow(Base, table=True):
    """The last number of a series of documents: its row lock is what makes them gap-free."""

    __tablename__ = "numbers"

    tenant: str = Field(primary_key=True)
    series: str = Field(primary_key=True)
    partition: int = Field(sa_type=SmallInteger)
    changed_at: datetime = Field(sa_type=Instant)
    issued_at: datetime = Field(sa_type=Instant)
    last: int = Field(sa_type=BigInteger)


class PaymentRow(Base, table=True):
    """The payment of an order; `head` holds what was asked for first, and never changes."""

    __tablename__ = "payment"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    tenant: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True)
    head: bytes
    partition: int = Field(sa_type=SmallInteger)
    seq: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=Instant)
    status: str
    doc: bytes


class JournalRow(Base, table=True):
    """A posting, a partition a month. Its id follows from order, cause and reference: so the
    primary key makes a second journal of one business event impossible."""

    __tablename__ = "journal"
    __table_args__ = (
        CheckConstraint("entry_count >= 2 AND total_minor > 0", name="journal_has_two_sides"),
        Index("journal_by_time", "tenant", "posted_at", "journal_id"),
        {"postgresql_partition_by": "RANGE (journal_id)"},
    )

    tenant: str = Field(primary_key=True)
    journal_id: UUID = Field(primary_key=True)
    order_id: str
    cause: str
    reference: str
    document_no: str
    posted_at: datetime = Field(sa_type=Instant)
    currency: str
    entry_count: int = Field(sa_type=SmallInteger)
    total_minor: int = Field(sa_type=BigInteger)


class JournalEntryRow(Base, table=True):
    """One side of a journal; partitioned and aged along with it."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        CheckConstraint(
            "debit_minor >= 0 AND credit_minor >= 0 AND (debit_minor > 0) <> (credit_minor > 0)",
            name="journal_entry_one_side",
        ),
        {"postgresql_partition_by": "RANGE (journal_id)"},
    )

    tenant: str = Field(primary_key=True)
    journal_id: UUID = Field(primary_key=True)
    line: int = Field(primary_key=True, sa_type=SmallInteger)
    account: str
    debit_minor: int = Field(sa_type=BigInteger)
    credit_minor: int = Field(sa_type=BigInteger)


class LedgerCarriedRow(Base, table=True):
    """What months that have left the ledger had posted to an account."""

    __tablename__ = "ledger_carried"

    tenant: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    debit_minor: Decimal = Field(sa_type=Numeric)
    credit_minor: Decimal = Field(sa_type=Numeric)


class InvoiceRow(Base, table=True):
    """An invoice as it was issued; `bill_to` is sealed."""

    __tablename__ = "invoice"
    __table_args__ = (UniqueConstraint("tenant", "order_id", "shipment_id", name="invoice_once"),)

    tenant: str = Field(primary_key=True)
    invoice_no: str = Field(primary_key=True)
    order_id: str
    order_no: str
    shipment_id: str
    method: str
    issued_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    currency: str
    lines: list[dict[str, Any]] = Field(sa_type=JSONB)
    shipping_net_minor: int = Field(sa_type=BigInteger)
    shipping_tax_minor: int = Field(sa_type=BigInteger)
    net_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    journal_id: str
    bill_to: str


class CreditNoteRow(Base, table=True):
    """A credit note as it was issued; `bill_to` is sealed."""

    __tablename__ = "credit_note"
    __table_args__ = (
        UniqueConstraint("tenant", "order_id", "refund_request_id", name="credit_note_once"),
    )

    tenant: str = Field(primary_key=True)
    credit_note_no: str = Field(primary_key=True)
    order_id: str
    order_no: str
    refund_request_id: str
    invoice_nos: str
    reason: str
    issued_at: datetime = Field(sa_type=Instant)
    currency: str
    lines: list[dict[str, Any]] = Field(sa_type=JSONB)
    shipping_net_minor: int = Field(sa_type=BigInteger)
    shipping_tax_minor: int = Field(sa_type=BigInteger)
    net_minor: int = Field(sa_type=BigInteger)
    tax_minor: int = Field(sa_type=BigInteger)
    journal_id: str
    bill_to: str


class OpenItemRow(Base, table=True):
    """An invoice that had to wait for its money, as it stands now (a projection)."""

    __tablename__ = "open_item"
    __table_args__ = (
        CheckConstraint(
            "least(paid_minor, credited_minor) >= 0 AND paid_minor + credited_minor <= gross_minor",
            name="open_item_never_overpaid",
        ),
        Index(
            "open_item_by_due_date",
            "tenant",
            "due_at",
            "invoice_no",
            postgresql_where=text("status <> 'settled'"),
        ),
    )

    tenant: str = Field(primary_key=True)
    invoice_no: str = Field(primary_key=True)
    order_id: str
    order_no: str
    issued_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    currency: str
    gross_minor: int = Field(sa_type=BigInteger)
    paid_minor: int = Field(sa_type=BigInteger)
    credited_minor: int = Field(sa_type=BigInteger)
    status: str
    code: str
    reminders: int
