"""Documents and postings: what is written once, numbered without gaps and never changed.

The row classes (`Journal`, `JournalEntry`, `Invoice`, `CreditNote`) have the columns of the
tables they are inserted into.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec.structs import replace

from oms_billing.domain.money import Amount
from oms_chassis.decision import Value
from oms_contracts.billing import Account, PostingCause

NOT_POSTED = "none"
"""Stands for a journal id where nothing was posted: an amount of zero has no two sides."""


class Series(StrEnum):
    """A sequence of document numbers; each begins anew every year."""

    INVOICE = "INV"
    CREDIT_NOTE = "CN"


class Numbers(Value, frozen=True):
    """The last number of a series, and when it was given. Numbers and dates rise together."""

    series: Series
    issued_at: datetime
    last: int = 0

    @property
    def number(self) -> str:
        """The last number as it is printed: `INV-2026-000001`."""
        return f"{self.series}-{self.issued_at.year}-{self.last:06d}"

    def next(self, now: datetime) -> Numbers:
        """One number further; never dated before the one given last."""
        at = max(now, self.issued_at)
        last = self.last + 1 if at.year == self.issued_at.year else 1
        return replace(self, issued_at=at, last=last)


class Side(Value, frozen=True):
    """One side of a posting: exactly one of debit and credit is above zero."""

    account: Account
    debit_minor: int = 0
    credit_minor: int = 0


def debit(account: Account, amount_minor: int) -> Side:
    """The left side."""
    return Side(account, debit_minor=amount_minor)


def credit(account: Account, amount_minor: int) -> Side:
    """The right side."""
    return Side(account, credit_minor=amount_minor)


class Journal(Value, frozen=True):
    """A posting of one business event: Σ debit = Σ credit = `total_minor`.

    `reference` names the event; an order has no second journal of one cause and reference.
    """

    journal_id: UUID
    order_id: str
    cause: PostingCause
    reference: str
    document_no: str
    posted_at: datetime
    currency: str
    entry_count: int
    total_minor: int


class JournalEntry(Value, frozen=True):
    """One side of a journal, as a row."""

    journal_id: UUID
    line: int
    account: Account
    debit_minor: int
    credit_minor: int


class BilledLine(Value, frozen=True):
    """Units of an order line on an invoice or a credit note."""

    line_id: str
    sku: str
    qty: int
    amount: Amount


def lines_json(lines: Sequence[BilledLine]) -> str:
    """Lines as a document's row holds them."""
    return json.dumps(
        [
            {
                "line_id": line.line_id,
                "sku": line.sku,
                "qty": line.qty,
                "net_minor": line.amount.net_minor,
                "tax_minor": line.amount.tax_minor,
            }
            for line in lines
        ],
        separators=(",", ":"),
    )


class Invoice(Value, frozen=True):
    """What the customer was charged for one shipment. `bill_to` is sealed; `journal_id` is
    `NOT_POSTED` where the amount is zero."""

    invoice_no: str
    order_id: str
    order_no: str
    shipment_id: str
    method: str
    issued_at: datetime
    due_at: datetime
    currency: str
    lines: str
    shipping_net_minor: int
    shipping_tax_minor: int
    net_minor: int
    tax_minor: int
    journal_id: str
    bill_to: str


class CreditNote(Value, frozen=True):
    """What was taken back of an order's invoices (their numbers stand in `invoice_nos`)."""

    credit_note_no: str
    order_id: str
    order_no: str
    refund_request_id: str
    invoice_nos: str
    reason: str
    issued_at: datetime
    currency: str
    lines: str
    shipping_net_minor: int
    shipping_tax_minor: int
    net_minor: int
    tax_minor: int
    journal_id: str
    bill_to: str


class OpenItem(Value, frozen=True):
    """An invoice that had to wait for its money, and how much of it is still owed."""

    invoice_no: str
    order_id: str
    order_no: str
    issued_at: datetime
    due_at: datetime
    currency: str
    gross_minor: int
    paid_minor: int
    credited_minor: int
    status: str
    code: str
    reminders: int
