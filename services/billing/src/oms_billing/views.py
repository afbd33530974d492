"""Reads for people and for the accounting export: payments, documents, the ledger, who owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_billing.codec import read_payment
from oms_billing.decisions import deadline
from oms_billing.domain import Attempt, Payment, Policy
from oms_billing.tables import (
    CreditNoteRow,
    InvoiceRow,
    JournalEntryRow,
    JournalRow,
    LedgerCarriedRow,
    OpenItemRow,
    PaymentRow,
)
from oms_chassis.decision import Deadline

PAGE_ROWS_MAX = 500
AGE_DAYS = (0, 30, 60, 90)
"""Where the buckets of the aged list begin, in days past the due date."""


@dataclass(frozen=True)
class ReceivableView:
    """An invoice's claim as the payment's page shows it."""

    invoice_no: str
    shipment_id: str
    status: str
    gross_minor: int
    open_minor: int
    due_at: datetime
    capture_id: str
    code: str
    next_at: datetime | None


@dataclass(frozen=True)
class RefundView:
    """A refund as the payment's page shows it."""

    request_id: str
    status: str
    amount_minor: int
    refund_id: str
    credit_note_no: str
    code: str


@dataclass(frozen=True)
class AttemptView:
    """One payment request; neither its token nor its address is shown."""

    request_id: str
    order_no: str
    method: str
    status: str
    currency: str
    amount_minor: int
    authorised_minor: int
    captured_minor: int
    voided_minor: int
    authorisation_id: str
    authorised_until: datetime | None
    code: str
    receivables: Sequence[ReceivableView]
    refunds: Sequence[RefundView]


@dataclass(frozen=True)
class PaymentView:
    """The payment of an order, and what it waits for."""

    order_id: str
    status: str
    attempts: Sequence[AttemptView]
    waits_for: Deadline | None


@dataclass(frozen=True)
class EntryView:
    """One side of a journal."""

    account: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True)
class JournalView:
    """A journal with its entries."""

    journal_id: UUID
    posted_at: datetime
    cause: str
    order_id: str
    reference: str
    document_no: str
    currency: str
    entries: Sequence[EntryView]


@dataclass(frozen=True)
class BalanceView:
    """What was posted to an account; `balance_minor` is debit less credit."""

    currency: str
    account: str
    debit_minor: int
    credit_minor: int
    balance_minor: int


@dataclass(frozen=True)
class AgedView:
    """What is open of invoices that are so many days past their due date, or not yet due (-1)."""

    currency: str
    overdue_from_days: int
    invoices: int
    open_minor: int


@dataclass(frozen=True)
class Period:
    """Journals posted from `start` up to, and without, `end`; perhaps of one account."""

    start: datetime
    end: datetime
    account: str = ""


Cursor = tuple[datetime, UUID]
"""The last journal of the page before."""


async def payment_of(session: AsyncSession, tenant: str, order_id: str) -> Payment | None:
    """The payment as the core knows it."""
    row = await session.get(PaymentRow, (tenant, order_id))
    return read_payment(row.head, row.doc) if row else None


def shown(order_id: str, payment: Payment) -> PaymentView:
    """A payment without what could be used to charge the customer."""
    attempts = [_attempt(a) for a in payment.attempts]
    return PaymentView(order_id, payment.status, attempts, deadline(Policy(), payment))


def _attempt(a: Attempt) -> AttemptView:
    receivables = [
        ReceivableView(
            r.invoice_no, r.shipment_id, r.status, r.amount.gross_minor, r.open_minor, r.due_at,
            r.capture_id, r.code, r.next_at,
        )
        for r in a.receivables
    ]  # fmt: skip
    refunds = [
        RefundView(r.request_id, r.status, r.amount_minor, r.refund_id, r.credit_note_no, r.code)
        for r in a.refunds
    ]
    return AttemptView(
        a.terms.request_id, a.terms.order_no, a.terms.method, a.status, a.terms.currency,
        a.terms.amount_minor, a.authorised_minor, a.captured_minor, a.voided_minor,
        a.authorisation_id, a.authorised_until, a.code, receivables, refunds,
    )  # fmt: skip


async def invoice(session: AsyncSession, tenant: str, invoice_no: str) -> InvoiceRow | None:
    """An invoice as it was issued."""
    return await session.get(InvoiceRow, (tenant, invoice_no))


async def open_minor(session: AsyncSession, of: InvoiceRow) -> int | None:
    """What is still owed on an invoice."""
    payment = await payment_of(session, of.tenant, of.order_id)
    receivables = (r for a in (payment.attempts if payment else ()) for r in a.receivables)
    return next((r.open_minor for r in receivables if r.invoice_no == of.invoice_no), None)


async def credit_note(session: AsyncSession, tenant: str, number: str) -> CreditNoteRow | None:
    """A credit note as it was issued."""
    return await session.get(CreditNoteRow, (tenant, number))


async def journals(
    session: AsyncSession, tenant: str, period: Period, after: Cursor | None, rows_max: int
) -> list[JournalView]:
    """A page of journals, oldest first. Postings are dated by their transaction's begin: ask for
    a period that ended some seconds ago, and nothing will be added to it."""
    wanted: list[ColumnElement[bool]] = [
        col(JournalRow.tenant) == tenant,
        col(JournalRow.posted_at) >= period.start,
        col(JournalRow.posted_at) < period.end,
    ]
    if period.account:
        wanted.append(_touches(period.account))
    if after:
        place = tuple_(col(JournalRow.posted_at), col(JournalRow.journal_id))
        wanted.append(place > after)
    page = await session.exec(
        select(JournalRow)
        .where(*wanted)
        .order_by(col(JournalRow.posted_at), col(JournalRow.journal_id))
        .limit(rows_max)
    )
    rows = page.all()
    sides = await _entries(session, tenant, [row.journal_id for row in rows])
    return [
        JournalView(
            row.journal_id, row.posted_at, row.cause, row.order_id, row.reference,
            row.document_no, row.currency, sides[row.journal_id],
        )
        for row in rows
    ]  # fmt: skip


def _touches(account: str) -> ColumnElement[bool]:
    of_journal = (
        col(JournalEntryRow.tenant) == JournalRow.tenant,
        col(JournalEntryRow.journal_id) == JournalRow.journal_id,
        col(JournalEntryRow.account) == account,
    )
    return select(JournalEntryRow.line).where(*of_journal).exists()


async def _entries(
    session: AsyncSession, tenant: str, journal_ids: Sequence[UUID]
) -> dict[UUID, list[EntryView]]:
    found = await session.exec(
        select(JournalEntryRow)
        .where(JournalEntryRow.tenant == tenant, col(JournalEntryRow.journal_id).in_(journal_ids))
        .order_by(col(JournalEntryRow.journal_id), col(JournalEntryRow.line))
    )
    sides: dict[UUID, list[EntryView]] = {id_: [] for id_ in journal_ids}
    for e in found:
        sides[e.journal_id].append(EntryView(e.account, e.debit_minor, e.credit_minor))
    return sides


async def trial_balance(session: AsyncSession, tenant: str, end: datetime) -> list[BalanceView]:
    """Every account's sums up to `end`, with those of months that have left the ledger; per
    currency the balances add up to zero."""
    same = (
        col(JournalEntryRow.tenant) == JournalRow.tenant,
        col(JournalEntryRow.journal_id) == JournalRow.journal_id,
    )
    posted = select(
        col(JournalRow.currency), col(JournalEntryRow.account),
        col(JournalEntryRow.debit_minor), col(JournalEntryRow.credit_minor),
    ).where(JournalRow.tenant == tenant, JournalRow.posted_at < end, *same)  # fmt: skip
    carried = select(
        col(LedgerCarriedRow.currency), col(LedgerCarriedRow.account),
        col(LedgerCarriedRow.debit_minor), col(LedgerCarriedRow.credit_minor),
    ).where(LedgerCarriedRow.tenant == tenant)  # fmt: skip
    sides = posted.union_all(carried).subquery()
    account = (sides.c.currency, sides.c.account)
    sums = (func.sum(sides.c.debit_minor), func.sum(sides.c.credit_minor))
    found = await session.exec(select(*account, *sums).group_by(*account).order_by(*account))
    return [
        BalanceView(currency, account, int(d), int(c), int(d - c))
        for currency, account, d, c in found
    ]


async def open_items(
    session: AsyncSession, tenant: str, after: tuple[datetime, str] | None, rows_max: int
) -> Sequence[OpenItemRow]:
    """A page of invoices that are not settled, the longest overdue first."""
    wanted: list[Any] = [OpenItemRow.tenant == tenant, OpenItemRow.status != "settled"]
    if after:
        wanted.append(tuple_(col(OpenItemRow.due_at), col(OpenItemRow.invoice_no)) > after)
    found = await session.exec(
        select(OpenItemRow)
        .where(*wanted)
        .order_by(col(OpenItemRow.due_at), col(OpenItemRow.invoice_no))
        .limit(rows_max)
    )
    return found.all()


async def aged(session: AsyncSession, tenant: str, now: datetime) -> list[AgedView]:
    """Open amounts by currency and by how long they are overdue."""
    overdue = case(
        *(
            (col(OpenItemRow.due_at) <= now - timedelta(days=days), days)
            for days in reversed(AGE_DAYS)
        ),
        else_=-1,
    )
    left = OpenItemRow.gross_minor - OpenItemRow.paid_minor - OpenItemRow.credited_minor
    found = await session.exec(
        select(OpenItemRow.currency, overdue.label("days"), func.count(), func.sum(left))
        .where(OpenItemRow.tenant == tenant, OpenItemRow.status != "settled")
        .group_by(col(OpenItemRow.currency), "days")
        .order_by(col(OpenItemRow.currency), "days")
    )
    return [AgedView(currency, days, count, int(open_)) for currency, days, count, open_ in found]
