"""Invoices to print and the ledger as CSV."""

import csv
import io
from uuid import UUID

import pytest
from builders import NOW, ORDER, TOTAL

from oms_billing.documents import credit_note_html, invoice_html, money
from oms_billing.export import journals_csv
from oms_billing.tables import CreditNoteRow, InvoiceRow
from oms_billing.views import EntryView, JournalView
from oms_contracts.channel import Address

COMMON = {
    "tenant": "main", "order_id": ORDER, "order_no": "<100042>", "issued_at": NOW,
    "currency": "EUR", "shipping_net_minor": 498, "shipping_tax_minor": 95,
    "net_minor": 10_497, "tax_minor": 1_995, "journal_id": "j-1", "bill_to": "",
    "lines": [
        {"line_id": "1", "sku": "LAMP&CO", "qty": 3, "net_minor": 9_999, "tax_minor": 1_900}
    ],
}  # fmt: skip
INVOICE = InvoiceRow(
    invoice_no="INV-2026-000001", shipment_id="S-1", method="terms", due_at=NOW, **COMMON
)
ADDRESS = Address(
    name="Ada <script>", line1="Main St 1", city="Bonn", postal_code="53111", country="DE"
)


def test_an_invoice_says_what_is_owed_until_when() -> None:
    page = invoice_html(INVOICE, 12_492, ADDRESS)
    assert "Please pay 124.92 EUR by 2026-11-24." in page
    assert "104.97 EUR" in page and "19.95 EUR" in page and "Shipping" in page
    assert "53111 Bonn" in page


def test_a_paid_invoice_is_the_receipt() -> None:
    assert "This document is your receipt." in invoice_html(INVOICE, 0, None)


def test_what_customers_typed_is_printed_and_never_obeyed() -> None:
    page = invoice_html(INVOICE, 0, ADDRESS)
    assert "Ada &lt;script&gt;" in page and "LAMP&amp;CO" in page and "&lt;100042&gt;" in page
    assert "<script" not in page


def test_no_character_of_a_name_acts_instead_of_being_seen() -> None:
    spoofed = ADDRESS.model_copy(update={"name": "Ada \u202egnp.exe\u2066", "city": "Bo\u200bnn"})
    page = invoice_html(INVOICE, 0, spoofed)
    assert "Ada gnp.exe<br>" in page and "53111 Bonn" in page


def test_a_credit_note_names_what_it_corrects() -> None:
    note = CreditNoteRow(
        credit_note_no="CN-2026-000001", refund_request_id="r", invoice_nos="INV-2026-000001",
        reason="too <large>", **COMMON,
    )  # fmt: skip
    page = credit_note_html(note, None)
    assert "Credit note CN-2026-000001" in page and "Corrects INV-2026-000001" in page
    assert "Reason: too &lt;large&gt;" in page


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown"),
    [
        (123_456, "EUR", "1,234.56 EUR"),
        (5, "USD", "0.05 USD"),
        (1_234, "JPY", "1,234 JPY"),
        (1_234, "BHD", "1.234 BHD"),
        (-199, "EUR", "-1.99 EUR"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(
    amount_minor: int, currency: str, shown: str
) -> None:
    assert money(amount_minor, currency) == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_is_a_formula(start: str) -> None:
    journal = JournalView(
        UUID(ORDER), NOW, "invoice", ORDER, "S-1", f"{start}cmd()", "EUR",
        [EntryView("receivables", TOTAL, 0), EntryView("revenue", 0, TOTAL)],
    )  # fmt: skip
    text = "".join(journals_csv([journal], header=True))
    header, first, second = csv.reader(io.StringIO(text, newline=""))
    assert dict(zip(header, first, strict=True))["document_no"] == f"'{start}cmd()"
    assert first[-3:] == ["receivables", str(TOTAL), "0"] and second[-1] == str(TOTAL)
