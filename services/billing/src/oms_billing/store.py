"""How payments and counters become rows and come back, and where documents and postings go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oms_billing.codec import doc, head, read_payment
from oms_billing.domain import (
    CreditNote,
    Invoice,
    Journal,
    JournalEntry,
    Numbers,
    OpenItem,
    Series,
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
from oms_chassis.store import Root, Rows, Store


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
            fixed_values=lambda payment: (head(payment),),
            moving_values=lambda payment: (payment.status, doc(payment)),
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
