"""`oms order`: one order's page, now or then, what changed, its way through the services."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from oms_cli.doors import Doors, Refused
from oms_cli.ops.changes import Changes, changes, show_changes
from oms_cli.ops.instants import instant
from oms_cli.ops.pages import show_order
from oms_cli.ops.traces import draw, read_spans
from oms_cli.where import running

app = typer.Typer(no_args_is_help=True, help="Look at an order, cancel it, follow it.")

Name = Annotated[str, typer.Argument(help="id, order number, or CHANNEL/NUMBER")]


AsJson = Annotated[bool, typer.Option("--json")]
INSTANT = "a moment (2026-11-24T09:00:00Z), or how long ago: 90s, 5m, 2h, 1d"


@app.command()
def show(
    name: Name, as_json: AsJson = False, at: Annotated[str, typer.Option(help=INSTANT)] = ""
) -> None:
    """Everything about an order: lines, money, parcels, history, and what it waits for; with
    --at as it was then, rebuilt from its history."""
    page = asyncio.run(_page(name, at))
    if as_json:
        typer.echo(json.dumps(page, indent=2))
    else:
        show_order(page, Console())


@app.command()
def diff(
    name: Name,
    begin: Annotated[str, typer.Option("--from", help=INSTANT)],
    end: Annotated[str, typer.Option("--to", help=INSTANT)] = "0s",
    as_json: AsJson = False,
) -> None:
    """What changed of an order between two moments, and which inputs did it."""
    found = asyncio.run(_changes(name, begin, end))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        show_changes(found, Console())


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
        answer = asyncio.run(tell())
    except Refused as no:
        typer.echo(str(no), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{answer['order_no']} is {answer['status']}")


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
    Console().print(draw(spans))


async def _page(name: str, at: str = "") -> Any:
    async with Doors(running()) as doors:
        return await _find(doors, name, _then(at) if at else "")


async def _changes(name: str, begin: str, end: str) -> Changes:
    first, last = _then(begin), _then(end)
    if datetime.fromisoformat(first) > datetime.fromisoformat(last):
        raise typer.BadParameter("--from is after --to")
    async with Doors(running()) as doors:
        after = await _find(doors, name, last)
        try:
            before = await doors.get("order", f"/orders/{after['order_id']}", at=first)
        except Refused as no:
            if no.status != HTTPStatus.NOT_FOUND:
                raise
            before = None
    return changes(before, after)


def _then(text: str) -> str:
    try:
        return instant(text, datetime.now(UTC)).isoformat()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


async def _find(doors: Doors, name: str, at: str = "") -> Any:
    try:
        return await doors.get("order", f"/orders/{name}", **({"at": at} if at else {}))
    except Refused as no:
        typer.echo(str(no), err=True)
        raise typer.Exit(1) from None
