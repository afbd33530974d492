"""`oms order`: one order's page, its cancellation, its way through the services."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from oms_cli.doors import Doors, Refused
from oms_cli.ops.pages import show_order
from oms_cli.ops.traces import draw, read_spans
from oms_cli.where import running

app = typer.Typer(no_args_is_help=True, help="Look at an order, cancel it, follow it.")

Name = Annotated[str, typer.Argument(help="id, order number, or CHANNEL/NUMBER")]


@app.command()
def show(name: Name, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Everything about an order: lines, money, parcels, history, and what it waits for."""
    page = asyncio.run(_page(name))
    if as_json:
        typer.echo(json.dumps(page, indent=2))
    else:
        show_order(page, Console())


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


async def _page(name: str) -> Any:
    async with Doors(running()) as doors:
        return await _find(doors, name)


async def _find(doors: Doors, name: str) -> Any:
    try:
        return await doors.get("order", f"/orders/{name}")
    except Refused as no:
        typer.echo(str(no), err=True)
        raise typer.Exit(1) from None
