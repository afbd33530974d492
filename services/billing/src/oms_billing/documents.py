"""Invoices and credit notes as pages to print.

What customers typed is printed and never obeyed: control and direction characters are dropped,
the rest is escaped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from oms_billing.tables import CreditNoteRow, InvoiceRow
from oms_contracts.channel import Address

MINOR_DIGITS = {
    "BHD": 3, "BIF": 0, "CLF": 4, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3,
    "JPY": 0, "KMF": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3,
    "UGX": 0, "UYI": 0, "UYW": 4, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip
"""ISO 4217: digits of the minor unit, where they are not two."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body{{font:14px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;color:#111}}
table{{border-collapse:collapse;width:100%;margin:1.5em 0}}
th,td{{padding:.35em .5em;border-bottom:1px solid #ccc;text-align:left}}
td.n,th.n{{text-align:right;font-variant-numeric:tabular-nums}}
tfoot td{{font-weight:600}} @media print{{body{{margin:0}}}}
</style></head><body><h1>{title}</h1>
<p>{facts}</p><address>{address}</address>
<table><thead><tr><th>Line</th><th>Item</th><th class="n">Units</th><th class="n">Net</th>
<th class="n">Tax</th><th class="n">Total</th></tr></thead><tbody>
{rows}
</tbody><tfoot>{total}</tfoot></table>
<p>{closing}</p></body></html>
"""


@dataclass(frozen=True)
class _Sheet:
    """What an invoice and a credit note have in common."""

    title: str
    facts: Sequence[str]
    closing: str
    document: InvoiceRow | CreditNoteRow


def money(amount_minor: int, currency: str) -> str:
    """An amount for people: `1,234.50 EUR`."""
    digits = MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole:,}{f'.{rest:0{digits}d}' if digits else ''} {currency}"


def invoice_html(invoice: InvoiceRow, open_minor: int, address: Address | None) -> str:
    """An invoice; once nothing is open it is the receipt as well."""
    if open_minor:
        closing = f"Please pay {money(open_minor, invoice.currency)} by {_day(invoice.due_at)}."
    else:
        closing = "Paid with thanks. This document is your receipt."
    facts = (
        f"Order {invoice.order_no}",
        f"Issued {_day(invoice.issued_at)}",
        f"Due {_day(invoice.due_at)}",
    )
    return _page(_Sheet(f"Invoice {invoice.invoice_no}", facts, closing, invoice), address)


def credit_note_html(note: CreditNoteRow, address: Address | None) -> str:
    """A credit note; a line without units is an allowance on its price."""
    facts = (
        f"Order {note.order_no}",
        f"Issued {_day(note.issued_at)}",
        f"Corrects {note.invoice_nos}",
    )
    closing = f"Reason: {note.reason}" if note.reason else ""
    return _page(_Sheet(f"Credit note {note.credit_note_no}", facts, closing, note), address)


def _page(sheet: _Sheet, address: Address | None) -> str:
    document = sheet.document
    lines = [(line["line_id"], line["sku"], str(line["qty"]), line) for line in document.lines]
    shipping = {
        "net_minor": document.shipping_net_minor,
        "tax_minor": document.shipping_tax_minor,
    }
    if any(shipping.values()):
        lines.append(("", "Shipping", "", shipping))
    amount = {"net_minor": document.net_minor, "tax_minor": document.tax_minor}
    return _PAGE.format(
        title=_text(sheet.title),
        facts="<br>".join(map(_text, sheet.facts)),
        address="<br>".join(map(_text, _address(address))),
        rows="\n".join(_row(*line, document.currency) for line in lines),
        total=_row("", "Total", "", amount, document.currency),
        closing=_text(sheet.closing),
    )


def _row(line_id: str, item: str, units: str, of: Mapping[str, Any], currency: str) -> str:
    net_minor, tax_minor = of["net_minor"], of["tax_minor"]
    amounts = (money(m, currency) for m in (net_minor, tax_minor, net_minor + tax_minor))
    cells = [f"<td>{_text(line_id)}</td><td>{_text(item)}</td>"]
    cells += [f'<td class="n">{_text(text)}</td>' for text in (units, *amounts)]
    return f"<tr>{''.join(cells)}</tr>"


def _address(address: Address | None) -> list[str]:
    if address is None:
        return []
    city = f"{address.postal_code} {address.city}".strip()
    lines = (
        address.name, address.line1, address.line2, city, address.region, address.country,
    )  # fmt: skip
    return [line for line in lines if line]


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _text(value: str) -> str:
    """One line of text, escaped, without characters that act instead of being seen."""
    spaced = (" " if c.isspace() else c for c in value)
    seen = "".join(c for c in spaced if unicodedata.category(c)[0] != "C")
    return escape(" ".join(seen.split()))
