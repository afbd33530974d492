"""`oms order`: one order's page, its cancellation, its way through the services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from oms_cli.doors import Doors, Refused
from oms_cli.where import running

app = typer.Typer(no_args_is_help=True, help="Look at an order, cancel it, follow it.")
console = Console()

Name = Annotated[str, typer.Argument(help="id, order number, or CHANNEL/NUMBER")]
_BUCKETS = ("open", "backordered", "reserved", "released", "packed", "shipped", "cancelled")
_NS_PER_MS = 1_000_000


@app.command()
def show(name: Name, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Everything about an order: lines, money, parcels, history, and what it waits for."""
    page = asyncio.run(_page(name))
    if as_json:
        typer.echo(json.dumps(page, indent=2))
        return
    console.print(f"[bold]{escape(page.get('order_no') or name)}[/bold]  {escape(page['status'])}")
    console.print(f"{escape(page['channel'])} no. {escape(page['external_id'])}\n")
    _table(("waits for", "since", "until", "whose move", "what happens then"), _waits(page))
    _table(("SKU", "ordered", *_BUCKETS), _lines(page))
    money = page.get("money")
    if money:
        figures = ("total", "authorised", "captured", "refunded")
        amounts = [str(money[f"{figure}_minor"]) for figure in figures]
        _table(("money", *figures), [(f"{money['state']}, {money['currency']} minor", *amounts)])
    _table(
        ("carrier", "tracking", "parcel is"),
        ((p["carrier"], p["tracking_no"], p["status"]) for p in page.get("parcels", ())),
    )
    _table(("at", "what", "who"), ((h["heard_at"], h["type"], h["actor"]) for h in page["history"]))


@app.command()
def cancel(
    name: Name, reason: Annotated[str, typer.Option(help="told to the customer")] = ""
) -> None:
    """Cancel an order as far as its goods are still here."""

    async def tell() -> Any:
        async with Doors(running()) as doors:
            order = await _find(doors, name)
            path = f"/orders/{order['order_id']}/cancel"
            return await doors.post("order", path, {"reason": reason})

    try:
        typer.echo(json.dumps(asyncio.run(tell())))
    except Refused as no:
        typer.echo(str(no), err=True)
        raise typer.Exit(1) from None


@app.command()
def trace(name: Name) -> None:
    """Draw an order's trace over all services, with how long each step took."""
    system = running()
    page = asyncio.run(_page(name))
    trace_id = page["order_id"].replace("-", "")
    spans = list(read_spans(Path(system.data_dir) / "traces", trace_id))
    if not spans:
        typer.echo("no spans: the order was not sampled, or they went to a collector", err=True)
        raise typer.Exit(1)
    console.print(draw(spans))


def read_spans(folder: Path, trace_id: str) -> Iterable[dict[str, Any]]:
    """The spans of one trace, from every service's file."""
    for path in sorted(folder.glob("*.jsonl*")):
        for line in path.open():
            if trace_id in line:
                span = json.loads(line)
                if span["trace_id"] == trace_id:
                    yield span


def draw(spans: Iterable[Mapping[str, Any]]) -> Tree:
    """Spans as a tree by parent; one whose parent is not here stands at the root."""
    ordered = sorted(spans, key=lambda span: span["start_ns"])
    first_ns = ordered[0]["start_ns"]
    tree = Tree(f"trace {ordered[0]['trace_id']}")
    nodes: dict[str, Tree] = {}
    for span in ordered:
        after_ms = (span["start_ns"] - first_ns) / _NS_PER_MS
        took_ms = (span["end_ns"] - span["start_ns"]) / _NS_PER_MS
        label = f"+{after_ms:8.1f} ms  [cyan]{span['service']:<9}[/cyan] {escape(span['name'])}"
        above = nodes.get(span["parent_id"], tree)
        nodes[span["span_id"]] = above.add(f"{label}  [dim]{took_ms:.1f} ms[/dim]")
    return tree


async def _page(name: str) -> Any:
    async with Doors(running()) as doors:
        return await _find(doors, name)


async def _find(doors: Doors, name: str) -> Any:
    try:
        return await doors.get("order", f"/orders/{name}")
    except Refused as no:
        typer.echo(str(no), err=True)
        raise typer.Exit(1) from None


def _waits(page: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for wait in page.get("waiting", ()):
        yield wait["waits_for"], wait["since"], wait["until"], wait["owner"], wait["then"]


def _lines(page: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for line in page.get("lines", ()):
        counts = (str(line["buckets"][bucket] or "") for bucket in _BUCKETS)
        yield line["sku"], str(line["qty"]), *counts


def _table(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row))
    if table.row_count:
        console.print(table, "")
