"""`oms replay` as a command."""

from __future__ import annotations

import asyncio
import lzma
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from oms_cli.channels import Channels
from oms_cli.doors import Doors
from oms_cli.replay.plan import Plan, make_plan
from oms_cli.replay.play import Played, play
from oms_cli.replay.report import REFUSED_SHOWN_MAX, account, show
from oms_cli.replay.rows import NotOnlineRetail, read_rows
from oms_cli.where import running


def command(
    file: Annotated[Path, typer.Argument(help="Online Retail data, .csv or .csv.xz")],
    limit: Annotated[int | None, typer.Option(min=1, help="invoices at most")] = None,
    rate: Annotated[float, typer.Option(min=0, help="orders a second; 0: no pause")] = 20.0,
    wait_seconds: Annotated[float, typer.Option(help="how long orders may take to settle")] = 120.0,
) -> None:
    """Feed public order data into the running system and account for every row."""
    console = Console()
    system = running()
    try:
        plan = make_plan(read_rows(file), limit)
    except (NotOnlineRetail, OSError, lzma.LZMAError) as error:
        console.print(f"{file}: {error}", markup=False)
        raise typer.Exit(2) from None

    async def run() -> Played:
        async with Doors(system) as doors, Channels(system) as channels:
            return await play(plan, doors, channels, rate, wait_seconds, console.print)

    played = asyncio.run(run())
    _tell(plan, played, console)


def _tell(plan: Plan, played: Played, console: Console) -> None:
    show(account(plan, played.stand), console)
    console.print(
        f"{played.orders:,} orders, {played.wishes:,} wishes to cancel and "
        f"{played.adjustments:,} adjustments in {played.seconds:.0f} s",
        highlight=False,
    )
    for refused in played.refused[:REFUSED_SHOWN_MAX]:
        console.print(f"the warehouse turned down {refused}", markup=False)
