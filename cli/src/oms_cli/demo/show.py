"""How a demo looks on a screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oms_cli.demo.summary import Summary
from oms_cli.demo.watch import Stages
from oms_cli.generator import Planned, charged, predicted
from oms_cli.money import amount

STAGES = (
    "accepted", "backordered", "awaiting_payment", "authorised", "in_fulfilment", "part_shipped",
    "shipped", "delivered", "completed", "cancelling", "cancelled", "rejected",
)  # fmt: skip
BAR_CHARS = 40


def progress(stages: Stages, count: int) -> Table:
    """How many orders are at which stage."""
    table = Table.grid(padding=(0, 2))
    for stage in STAGES:
        if stages.get(stage):
            bar = "█" * max(1, round(BAR_CHARS * stages[stage] / count))
            table.add_row(_words(stage), str(stages[stage]), f"[cyan]{bar}[/cyan]")
    return table


def show(plan: Sequence[Planned], labels: Iterable[str], summary: Summary, out: Console) -> None:
    """What was foretold and what came of it."""
    out.print(_ends(predicted(plan), Counter(labels)))
    out.print("", _charges(charged(plan), summary.charged))
    out.print("", _ledger(summary))
    out.print(
        f"\nstock: {summary.on_hand:,} units on hand, {summary.reserved:,} reserved, "
        f"{summary.backordered:,} backordered; mails: {summary.mails:,}",
        highlight=False,
    )
    if summary.took_seconds:
        p50, p99 = summary.took_seconds
        out.print(f"placed → shipped: p50 {p50:.1f} s, p99 {p99:.1f} s", highlight=False)


def show_astray(astray: Iterable[tuple[Planned, str]], out: Console) -> None:
    """Orders that did not end as foretold."""
    for order, found in astray:
        out.print(f"[red]astray[/red] {escape(str(order))}; found {escape(found)}")


def _ends(foretold: Counter[str], found: Counter[str]) -> Table:
    table = _compared("orders ended")
    for end in sorted(foretold.keys() | found.keys()):
        table.add_row(_words(end), str(foretold[end]), _right(found[end], foretold[end]))
    return table


def _charges(foretold: Counter[str], found: Counter[str]) -> Table:
    table = _compared("customers were charged")
    for currency in sorted(foretold.keys() | found.keys()):
        row = [amount(minor[currency], currency) for minor in (foretold, found)]
        table.add_row(currency, row[0], _right(row[1], row[0]))
    return table


def _compared(name: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(name)
    table.add_column("foretold", justify="right")
    table.add_column("found", justify="right")
    return table


def _right(found: object, foretold: object) -> str:
    return str(found) if found == foretold else f"[red]{found}[/red]"


def _ledger(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("the ledger's accounts")
    table.add_column("balance", justify="right")
    for account, currency, balance_minor in summary.ledger:
        table.add_row(_words(account), amount(balance_minor, currency))
    return table


def _words(name: str) -> str:
    return name.replace(":", ": ").replace("_", " ")
