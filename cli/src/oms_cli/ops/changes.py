"""What changed of an order between two of its pages, and which inputs did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console

from oms_cli.money import amount
from oms_cli.ops.pages import history_rows, show_table

Page = Mapping[str, Any]
Figures = dict[tuple[str, str], str]
"""Part of the order and name of a figure → its value in words."""

_PLAIN = ("status", "stock", "ship_country")
_MONEY = ("total", "asked", "authorised", "captured", "refunded")


@dataclass(frozen=True)
class Change:
    """A figure that is another than it was; empty where there was, or is, none."""

    part: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """Everything that changed, and the inputs that were decided in between."""

    changed: Sequence[Change]
    inputs: Sequence[Mapping[str, Any]]


def changes(before: Page | None, after: Page) -> Changes:
    """From one page of an order to a later one; `before` is None where there was no order yet."""
    was, now = _figures(before or {}), _figures(after)
    changed = [
        Change(*name, was.get(name, ""), now.get(name, ""))
        for name in was | now
        if was.get(name, "") != now.get(name, "")
    ]
    since = _moment(before["rebuilt"]["at"]) if before else None
    return Changes(changed, [e for e in after["history"] if _decided(e, since, after)])


def _decided(entry: Mapping[str, Any], since: datetime | None, after: Page) -> bool:
    if entry["decided_at"] is None:
        return False
    at = _moment(entry["decided_at"])
    return (since is None or at > since) and at <= _moment(after["rebuilt"]["at"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def show_changes(found: Changes, out: Console) -> None:
    """Two tables: what is another than it was, and what did it."""
    if not found.changed:
        out.print("nothing changed\n")
    rows = ((c.part, c.name, c.before, c.after) for c in found.changed)
    show_table(out, ("of", "", "was", "became"), rows)
    show_table(out, ("at", "what", "who", ""), history_rows(found.inputs, "decided_at"))


def _figures(page: Page) -> Figures:
    """Everything about an order that can change, flat."""
    found: Figures = {("order", name): str(page[name]) for name in _PLAIN if name in page}
    for part, name, value in (
        *_lines(page), *_money(page), *_approval(page), *_fulfilments(page), *_parcels(page),
        *_people(page), *_cancel(page), *_waits(page),
    ):  # fmt: skip
        found[part, name] = value
    return {name: value.replace("_", " ") for name, value in found.items() if value}


_Figure = tuple[str, str, str]


def _lines(page: Page) -> Iterator[_Figure]:
    for line in page.get("lines", ()):
        of = f"line {line['line_id']} ({line['sku']})"
        for bucket, units in line["buckets"].items():
            yield of, bucket, str(units or "")
        places = (f"{units} at {place}" for place, units in line["reserved_at"].items())
        yield of, "set aside", ", ".join(places)
        yield of, "promised for", line["promise"] or ""


def _money(page: Page) -> Iterator[_Figure]:
    money = page.get("money")
    if money is None:
        return
    currency = money["currency"]
    yield "money", "state", money["state"]
    for figure in _MONEY:
        yield "money", figure, amount(money[f"{figure}_minor"], currency)
    for invoice in money["invoices"]:
        paid = "paid" if invoice["paid"] else "open"
        owed = amount(invoice["amount_minor"], currency)
        yield "money", f"invoice {invoice['invoice_no']}", f"{owed}, {paid}"


def _approval(page: Page) -> Iterator[_Figure]:
    approval = page.get("approval", {})
    by = f" by {approval['actor']}" if approval.get("actor") else ""
    yield "costs", "verdict", f"{approval.get('state', '')}{by}"


def _fulfilments(page: Page) -> Iterator[_Figure]:
    for one in page.get("fulfilments", ()):
        of = f"fulfilment {_short(one['fulfilment_id'])}"
        yield of, "is", one["state"] + (", stopping" if one["stopping"] else "")
        yield of, "at", one["location"]
        yield of, "units", ", ".join(f"{qty} of {line}" for line, qty in one["units"].items())


def _parcels(page: Page) -> Iterator[_Figure]:
    for parcel in page.get("parcels", ()):
        of = f"parcel {_short(parcel['parcel_id'])}"
        yield of, "is", parcel["status"]
        yield of, "tracking", " ".join((parcel["carrier"], parcel["tracking_no"])).strip()


def _people(page: Page) -> Iterator[_Figure]:
    for hold in page.get("holds", ()):
        of = f"hold {_short(hold['hold_id'])}"
        yield of, f"{hold['type']}, before {hold['gate']}", hold["reason"]
    for task in page.get("tasks", ()):
        yield f"task {_short(task['task_id'])}", task["kind"], task["text"]


def _cancel(page: Page) -> Iterator[_Figure]:
    cancel = page.get("cancel")
    if cancel is not None:
        yield "cancellation", "is", cancel["state"]
        yield "cancellation", "because", cancel["reason"] or cancel["code"]
        yield "cancellation", "undone", str(len(cancel["undone"]) or "")


def _waits(page: Page) -> Iterator[_Figure]:
    for wait in page.get("waiting", ()):
        yield "waits for", _named(wait["waits_for"], wait["subject"]), wait["owner"]
    for reason in page.get("reasons", ()):
        yield "turned down", reason["field"] or "as a whole", reason["text"]


def _named(what: str, subject: str) -> str:
    return f"{what} ({_short(subject)})" if subject else what


def _short(id_: str) -> str:
    """The end of an id, which is where those of one order differ."""
    return id_[-5:]
