"""An order's page as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oms_cli.money import amount

_BUCKETS = ("open", "backordered", "reserved", "released", "packed", "shipped", "cancelled")

Row = tuple[str, ...]


def show_order(page: Mapping[str, Any], out: Console) -> None:
    """Everything about an order: what it waits for first, what happened last."""
    number = page.get("order_no") or page["order_id"]
    out.print(f"[bold]{escape(number)}[/bold]  {escape(page['status'].replace('_', ' '))}")
    out.print(f"{escape(page['channel'])} {escape(page['external_id'])}, id {page['order_id']}\n")
    for line in _rebuilt(page):
        out.print(line)
    show_table(out, ("turned down", "code", "because"), _reasons(page))
    show_table(out, ("waits for", "since", "until", "whose move", "then"), _waits(page))
    show_table(out, ("hold", "before", "because"), _holds(page))
    show_table(out, ("task", "to do"), ((t["kind"], t["text"]) for t in page.get("tasks", ())))
    show_table(out, ("SKU", "ordered", *_BUCKETS), _lines(page))
    show_table(out, ("money", "", ""), _money(page))
    show_table(out, ("carrier", "tracking", "parcel is"), _parcels(page))
    show_table(out, ("cancelled for", "because", "undone"), _cancellation(page))
    show_table(out, ("at", "what", "who", ""), history_rows(page["history"], "heard_at"))


def show_table(out: Console, names: Row, rows: Iterable[Row]) -> None:
    """A table, unless there is nothing in it."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(escape, row))
    if table.row_count:
        out.print(table, "")


def when(moment: str) -> str:
    """A moment as a person reads it, in UTC and to the second."""
    return moment[:19].replace("T", " ")


def _reasons(page: Mapping[str, Any]) -> Iterator[Row]:
    for reason in page.get("reasons", ()):
        yield reason["field"] or "as a whole", reason["code"], reason["text"]


def _waits(page: Mapping[str, Any]) -> Iterator[Row]:
    for wait in page.get("waiting", ()):
        owner = wait["owner"].replace("_", " ")
        yield wait["waits_for"], when(wait["since"]), when(wait["until"]), owner, wait["then"]


def _holds(page: Mapping[str, Any]) -> Iterator[Row]:
    for hold in page.get("holds", ()):
        yield hold["type"], hold["gate"], hold["reason"]


def _lines(page: Mapping[str, Any]) -> Iterator[Row]:
    for line in page.get("lines", ()):
        counts = (str(line["buckets"][bucket] or "") for bucket in _BUCKETS)
        yield line["sku"], str(line["qty"]), *counts


def _money(page: Mapping[str, Any]) -> Iterator[Row]:
    money = page.get("money")
    if money is None:
        return
    yield money["state"].replace("_", " "), money["method"], ""
    for figure in ("total", "authorised", "captured", "refunded"):
        yield figure, "", amount(money[f"{figure}_minor"], money["currency"])
    for invoice in money["invoices"]:
        paid = "paid" if invoice["paid"] else "open"
        yield invoice["invoice_no"], paid, amount(invoice["amount_minor"], money["currency"])


def _parcels(page: Mapping[str, Any]) -> Iterator[Row]:
    for parcel in page.get("parcels", ()):
        yield parcel["carrier"], parcel["tracking_no"], parcel["status"].replace("_", " ")


def _cancellation(page: Mapping[str, Any]) -> Iterator[Row]:
    cancel = page.get("cancel")
    if cancel is not None:
        undone = len(cancel["undone"])
        yield cancel["code"].replace("_", " "), cancel["reason"], f"{undone} requests"


def history_rows(entries: Iterable[Mapping[str, Any]], at: str) -> Iterator[Row]:
    """Inputs in one line each, with the moment `at`."""
    for entry in entries:
        name = entry["type"].removeprefix("oms.").removesuffix(".v1")
        yield when(entry[at]), name, entry["actor"], entry["text"][:80]


def _rebuilt(page: Mapping[str, Any]) -> Iterator[str]:
    view = page.get("rebuilt")
    if view is not None:
        yield f"as it was at {when(view['at'])}, by the {view['inputs']} inputs decided until then"
        yield from (f"[yellow]{escape(note)}[/yellow]" for note in view["notes"])
