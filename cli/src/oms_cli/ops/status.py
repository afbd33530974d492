"""`oms status`, `oms stock`: how far everything is behind, and what lies on the shelves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from oms_cli.doors import Doors, Refused
from oms_cli.where import running
from oms_platform import SERVICES

_FIGURES = ("lag", "outbox", "calls", "due", "parked", "dead letters")


def status() -> None:
    """Per service: unread records, facts to publish, open calls, deadlines, parked inputs."""
    found = asyncio.run(_statuses())
    Console().print(status_table(found))
    raise typer.Exit(0 if all(isinstance(one, Mapping) for one in found.values()) else 1)


def status_table(found: Mapping[str, Mapping[str, Any] | str]) -> Table:
    """What each service says of itself, or why it says nothing."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("service")
    for name in _FIGURES:
        table.add_column(name, justify="right")
    for service, told in found.items():
        if isinstance(told, str):
            table.add_row(service, f"[red]{told}[/red]")
            continue
        figures = (sum(told["lag"].values()), told["outbox"], told["calls"], told["due"])
        keys = f" ({told['parked_keys']} keys)" if told["parked"] else ""
        parked = f"{told['parked']}{keys}"
        table.add_row(service, *map(str, figures), parked, str(told["dead_letters"]))
    return table


async def _statuses() -> dict[str, Mapping[str, Any] | str]:
    found: dict[str, Mapping[str, Any] | str] = {}
    async with Doors(running()) as doors:
        for service in SERVICES:
            try:
                found[service] = await doors.get(service, "/status")
            except httpx.HTTPError:
                found[service] = "does not answer"
            except Refused as no:
                found[service] = str(no.status)
    return found


def stock(
    skus: Annotated[list[str] | None, typer.Argument(help="SKUs; none lists the first")] = None,
    limit: Annotated[int, typer.Option(min=1, help="shelves listed at most")] = 50,
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
        table.add_row(shelf["sku"], shelf["location"], *(f"{figure:,}" for figure in figures))
    Console().print(table if table.row_count else "nothing")
