"""The ledger as CSV, for accounting software and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from oms_billing.views import JournalView

CSV_COLUMNS = (
    "journal_id", "posted_at", "cause", "order_id", "document_no", "currency", "account",
    "debit_minor", "credit_minor",
)  # fmt: skip


def journals_csv(journals: Iterable[JournalView], *, header: bool) -> Iterator[str]:
    """One CSV row (RFC 4180) per journal entry."""
    if header:
        yield _csv_row(CSV_COLUMNS)
    for j in journals:
        for e in j.entries:
            yield _csv_row(
                (
                    j.journal_id, j.posted_at.isoformat(), j.cause, j.order_id, j.document_no,
                    j.currency, e.account, e.debit_minor, e.credit_minor,
                )
            )  # fmt: skip


def _csv_row(cells: Iterable[object]) -> str:
    row = io.StringIO()
    csv.writer(row).writerow([_harmless(str(cell)) for cell in cells])
    return row.getvalue()


def _harmless(cell: str) -> str:
    """No spreadsheet takes it for a formula: OWASP's CSV injection rule, an apostrophe before."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\0")) else cell
