"""How payments and counters become rows and come back, and where documents and postings go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from oms_billing.domain import (
    CreditNote,
    Invoice,
    Journal,
    JournalEntry,
    Numbers,
    OpenItem,
    Payment,
    Series,
    Terms,
)
from oms_billing.tables import (
    Base,
    CreditNoteRow,
    InvoiceRow,
    JournalEntryRow,
    JournalRow,
    NumbersRow,
    OpenItemRow,
    PaymentRow,
)
from oms_chassis.store import Root, Rows, Store, codec

_encode, _decode = codec(Payment)
_encode_terms, _decode_terms = codec(Terms)


def _head(payment: Payment) -> bytes:
    return _encode_terms(payment.head) if payment.head else b""


def _doc(payment: Payment) -> bytes:
    """All but what `head` holds already."""
    if payment.head is None:
        return _encode(payment)
    first, *later = payment.attempts
    attempts = (replace(first, asked=None), *later)
    return _encode(replace(payment, head=None, attempts=attempts))


def read_payment(head: bytes, doc: bytes) -> Payment:
    """A payment from its two columns."""
    payment = _decode(doc)
    if not head:
        return payment
    terms = _decode_terms(head)
    first, *later = payment.attempts
    return replace(payment, head=terms, attempts=(replace(first, asked=terms), *later))


def _read_numbers(row: Mapping[str, Any]) -> Numbers:
    return Numbers(Series(row["series"]), row["issued_at"], row["last"])


STORE = Store(
    base=Base,
    roots=(
        Root(
            "numbers",
            NumbersRow,
            key="series",
            sequences=(),
            moving=("issued_at", "last"),
            moving_values=lambda numbers: (numbers.issued_at, numbers.last),
            read=_read_numbers,
        ),
        Root(
            "payment",
            PaymentRow,
            key="order_id",
            sequences=("seq",),
            fixed=("head",),
            moving=("status", "doc"),
            fixed_values=lambda payment: (_head(payment),),
            moving_values=lambda payment: (payment.status, _doc(payment)),
            read=lambda row: read_payment(row["head"], row["doc"]),
        ),
    ),
    rows={
        Journal: Rows(JournalRow),
        JournalEntry: Rows(JournalEntryRow),
        Invoice: Rows(InvoiceRow),
        CreditNote: Rows(CreditNoteRow),
        OpenItem: Rows(OpenItemRow, on_conflict="update"),
    },
)
