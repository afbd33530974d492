"""`oms status`, `oms stock`: how far everything is behind, and what lies on the shelves."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from oms_cli.doors import Doors
from oms_cli.where import running
from oms_platform import SERVICES

console = Console()


def status() -> None:
    """Per service: unread records, facts to publish, open calls, deadlines, parked inputs."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    names = ("lag", "outbox", "calls", "due", "parked", "dead letters")
    for name in ("service", *names):
        table.add_column(name, justify="left" if name == "service" else "right")
    for service, found in asyncio.run(_statuses()).items():
        if found is None:
            table.add_row(service, "[red]does not answer[/red]")
            continue
        figures = [sum(found["lag"].values()), found["outbox"], found["calls"], found["due"]]
        parked = f"{found['parked']} ({found['parked_keys']} keys)" if found["parked"] else "0"
        table.add_row(service, *map(str, figures), parked, str(found["dead_letters"]))
    console.print(table)


async def _statuses() -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with Doors(running()) as doors:
        for service in SERVICES:
            try:
                found[service] = await doors.get(service, "/status")
            except httpx.HTTPError:
                found[service] = None
    return found


def stock(
    skus: Annotated[list[str] | None, typer.Argument(help="SKUs; none lists the first")] = None,
    limit: Annotated[int, typer.Option(help="shelves listed at most")] = 50,
) -> None:
    """What lies on the shelves, and what of it is spoken for."""

    async def shelves() -> Any:
        async with Doors(running()) as doors:
            return await doors.get("inventory", "/stock", sku=skus or [], limit=limit)

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("SKU", "location", "on hand", "reserved", "available"):
        table.add_column(name, justify="left" if name in ("SKU", "location") else "right")
    for shelf in asyncio.run(shelves()):
        figures = (shelf["on_hand"], shelf["reserved"], shelf["available"])
        table.add_row(shelf["sku"], shelf["location"], *map(str, figures))
    console.print(table)
