"""`oms parked`: inputs that wait for a person, and what the person does about them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oms_cli.doors import Doors, Refused
from oms_cli.ops.pages import when
from oms_cli.where import running
from oms_platform import SERVICES

app = typer.Typer(no_args_is_help=True, help="Inputs that wait for a person.")
console = Console()

Service = Annotated[str, typer.Argument(help="the service that parked it")]
Position = Annotated[int, typer.Argument(help="its place, as `oms parked list` shows it")]


@app.command(name="list")
def list_(
    dead: Annotated[bool, typer.Option("--dead", help="dead letters instead")] = False,
) -> None:
    """What is parked, in every service, and why."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    first = "topic" if dead else "position"
    for name in ("service", first, "key", "what", "since", "why"):
        table.add_column(name, no_wrap=name == "key")
    for service, row in asyncio.run(_all("/dead-letters" if dead else "/parked")):
        place, since = (row["topic"], row["at"]) if dead else (row["position"], row["parked_at"])
        values = (service, place, row["key"], row["type"], when(since), row["reason"])
        table.add_row(*(escape(str(value)) for value in values))
    console.print(table if table.row_count else "nothing")


async def _all(path: str) -> list[tuple[str, Any]]:
    async with Doors(running()) as doors:
        return [(s, row) for s in SERVICES for row in await doors.get(s, path)]


@app.command()
def show(service: Service, position: Position) -> None:
    """One parked input with its body, which may show personal data."""

    async def found() -> Any:
        async with Doors(running()) as doors:
            return await doors.get(service, f"/parked/{position}")

    typer.echo(json.dumps(_done(found()), indent=2))


@app.command()
def retry(service: Service, position: Position) -> None:
    """Run it, and what waits behind it, again."""
    _tell(service, position, "retry", {})


@app.command()
def edit(
    service: Service, position: Position,
    file: Annotated[Path, typer.Argument(help="the corrected data as JSON", exists=True)],
) -> None:  # fmt: skip
    """Replace its data, then run it again."""
    _tell(service, position, "edit", json.loads(file.read_text()))


@app.command()
def skip(service: Service, position: Position) -> None:
    """Set it aside for good; it stays among the dead letters."""
    _tell(service, position, "skip", {})


def _tell(service: str, position: int, deed: str, body: Any) -> None:
    async def tell() -> Any:
        async with Doors(running()) as doors:
            return await doors.post(service, f"/parked/{position}/{deed}", body)

    _done(tell())
    typer.echo("done")


def _done(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except Refused as no:
        typer.echo(str(no), err=True)
        raise typer.Exit(1) from None
