"""The order's page for a browser. Everything in it is escaped: channels are strangers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}"
    "td.n,th.n{text-align:right}h2{font-size:1.1rem;margin:1.5rem 0 0}"
)
_BUCKETS = ("open", "backordered", "reserved", "released", "packed", "shipped", "cancelled")


def html(page: Mapping[str, Any]) -> str:
    """The page as HTML, complete in itself."""
    name = page.get("order_no") or page["external_id"]
    parts = [
        f"<h1>Order {_text(name)}: {_text(page['status'])}</h1>",
        f"<p>{_text(page['channel'])} no. {_text(page['external_id'])}</p>",
    ]
    if page.get("waiting"):
        parts += ["<h2>What it waits for</h2>", _waiting(page["waiting"])]
    if page.get("reasons"):
        rows = ((r["field"], r["code"], r["text"]) for r in page["reasons"])
        parts += ["<h2>Why it was turned down</h2>", _table(("Field", "Code", "Reason"), rows)]
    if page.get("lines"):
        parts += ["<h2>Lines</h2>", _lines(page["lines"])]
    if page.get("money"):
        parts += ["<h2>Money</h2>", _money(page["money"])]
    if page.get("parcels"):
        rows = ((p["carrier"], p["tracking_no"], p["status"]) for p in page["parcels"])
        parts += ["<h2>Parcels</h2>", _table(("Carrier", "Tracking", "Status"), rows)]
    rows = ((h["at"], h["type"], h["actor"]) for h in page["history"])
    parts += ["<h2>History</h2>", _table(("At", "What", "Who"), rows)]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Order {_text(name)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def _waiting(waiting: Iterable[Mapping[str, Any]]) -> str:
    rows = ((w["waits_for"], w["since"], w["until"], w["whose_move"], w["then"]) for w in waiting)
    return _table(("For", "Since", "Until", "Whose move", "What happens then"), rows)


def _lines(lines: Iterable[Mapping[str, Any]]) -> str:
    rows = (
        (x["sku"], x["title"], x["qty"], *(x["buckets"][b] or "" for b in _BUCKETS)) for x in lines
    )
    return _table(("SKU", "Title", "Ordered", *(b.title() for b in _BUCKETS)), rows)


def _money(money: Mapping[str, Any]) -> str:
    names = ("total_minor", "authorised_minor", "captured_minor", "refunded_minor")
    rows = ((n.removesuffix("_minor").title(), money[n], money["currency"]) for n in names)
    return _table(("", "Minor units", "Currency"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    titles = "".join(f"<th>{_text(h)}</th>" for h in head)
    body = "".join(f"<tr>{''.join(f'<td>{_text(v)}</td>' for v in row)}</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{body}</table>"


def _text(value: Any) -> str:
    return escape(str(value if value is not None else ""))
