"""The order's page for people: everything on one sheet, to read or to print.

What customers typed is shown and never obeyed: control and direction characters are dropped, the
rest is escaped. The page runs no script and loads nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from oms_order.domain.currencies import shown
from oms_order.page import LineView, NoOrderPage, Page, Personal

_CELL_MAX_CHARS = 400
_STYLE = (
    "body{font:11pt/1.4 sans-serif;margin:1.5cm;max-width:60em}"
    "h1{font-size:18pt;margin:0}h2{font-size:13pt;margin:1.5em 0 .3em}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em}"
    "dt{font-weight:bold}dd{margin:0}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1pt solid #bbb;padding:.3em .6em .3em 0;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}"
)


def order_html(page: Page) -> str:
    """An order on one page."""
    money = page.money
    parts = [
        _facts(
            ("Status", page.status),
            ("Order id", page.order_id),
            ("Channel", f"{page.channel} {page.external_id}"),
            ("Accepted", _moment(page.accepted_at)),
            ("Service", page.service_level),
            ("Flags", ", ".join(page.flags)),
        ),
        _section("Waits for", ("what", "since", "until", "whose move", "then"), _waits(page)),
        _section("Lines", ("line", "SKU", "units", "price", "where they are"), _lines(page)),
        "<h2>Money</h2>",
        _facts(
            ("State", money.state),
            ("Total", shown(money.total_minor, money.currency)),
            ("Promised", shown(money.authorised_minor, money.currency)),
            ("Taken", shown(money.captured_minor, money.currency)),
            ("Given back", shown(money.refunded_minor, money.currency)),
            ("Invoices", ", ".join(invoice.invoice_no for invoice in money.invoices)),
            ("Costs", page.approval["state"]),
        ),
        _section("Holds", ("type", "gate", "since", "reason"), _holds(page)),
        _section("Tasks", ("kind", "since", "what"), _tasks(page)),
        _section("Parcels", ("parcel", "carrier", "tracking", "status"), _parcels(page)),
        _cancel(page),
        _personal(page.personal),
        _section("History", ("happened", "what", "by", ""), _history(page)),
    ]
    return _page(f"Order {page.order_no}", "".join(parts))


def no_order_html(page: NoOrderPage) -> str:
    """Why a channel's number stands for no order."""
    about = _facts(
        ("Status", page.status),
        ("Channel", f"{page.channel} {page.external_id}"),
        ("Received", _moment(page.received_at)),
    )
    reasons = [(r["field"], r["code"], r["text"]) for r in page.reasons]
    return _page("No order", about + _section("Reasons", ("field", "code", "why"), reasons))


def _waits(page: Page) -> list[Sequence[str]]:
    return [
        (w.waits_for, _moment(w.since), _moment(w.until), w.owner.replace("_", " "), w.then)
        for w in page.waiting
    ]


def _lines(page: Page) -> list[Sequence[str]]:
    return [
        (
            line.line_id,
            f"{line.sku} {line.title}",
            str(line.qty),
            shown(line.net_minor + line.tax_minor, page.money.currency),
            _buckets(line),
        )
        for line in page.lines
    ]


def _buckets(line: LineView) -> str:
    return ", ".join(f"{units} {name}" for name, units in line.buckets.items() if units)


def _holds(page: Page) -> list[Sequence[str]]:
    return [(h.type, h.gate, _moment(h.since), h.reason) for h in page.holds]


def _tasks(page: Page) -> list[Sequence[str]]:
    return [(t.kind, _moment(t.since), t.text) for t in page.tasks]


def _parcels(page: Page) -> list[Sequence[str]]:
    return [
        (p.parcel_id, p.carrier, p.tracking_no, p.status.replace("_", " ")) for p in page.parcels
    ]


def _history(page: Page) -> list[Sequence[str]]:
    return [
        (_moment(entry.happened_at), entry.type, entry.actor, entry.text) for entry in page.history
    ]


def _cancel(page: Page) -> str:
    if page.cancel is None:
        return ""
    cancel = page.cancel
    return "<h2>Cancellation</h2>" + _facts(
        ("State", cancel.state),
        ("Why", f"{cancel.code} {cancel.reason}"),
        ("Receipt", ", ".join(cancel.undone)),
    )


def _personal(personal: Personal | None) -> str:
    if personal is None:
        return ""
    return "<h2>Customer</h2>" + _facts(
        ("Contact", _flat(personal.contact)),
        ("Ship to", _flat(personal.ship_to)),
        ("Bill to", _flat(personal.bill_to)),
        ("Note", personal.note),
    )


def _flat(fields: Mapping[str, Any] | None) -> str:
    return ", ".join(str(value) for value in (fields or {}).values() if value)


def _section(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    shown_rows = "".join(
        f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    if not shown_rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<h2>{title}</h2><table><tr>{head}</tr>{shown_rows}</table>"


def _facts(*about: tuple[str, str]) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in about if value)
    return f"<dl>{rows}</dl>"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _text(said: str) -> str:
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in said)
    return escape(kept[:_CELL_MAX_CHARS])


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{_STYLE}</style><h1>{_text(title)}</h1>{body}</html>"
    )
