"""`oms sizing`: the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from oms_cli.sizing.figures import FIGURES, Figures, load
from oms_cli.sizing.retention import ENDED_ORDERS_MONTHS, declared
from oms_cli.sizing.size import BUSY_MAX, WAL_DAYS_KEPT, Demand, Sizing, size
from oms_cli.where import topics

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP = 1000


def command(
    orders_per_day: Annotated[int, typer.Option(min=0, help="orders on a usual day")],
    skus: Annotated[int, typer.Option(min=0, help="articles")] = 10_000,
    channels: Annotated[int, typer.Option(min=0, help="shops and marketplaces")] = 4,
    peak_factor: Annotated[
        float, typer.Option(min=1, help="busiest hour's rate over the day's mean")
    ] = 5.0,
    orders_kept_months: Annotated[
        int, typer.Option(min=0, help="how long orders that have ended stay")
    ] = ENDED_ORDERS_MONTHS,
    figures: Annotated[Path, typer.Option(help="a result of the bench")] = FIGURES,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable")] = False,
) -> None:
    """Say what machines, disk and memory so many orders take, from measured figures."""
    measured = load(figures)
    demand = Demand(orders_per_day, skus, channels, peak_factor)
    kept = declared(topics(), orders_kept_months)
    found = size(measured, demand, kept)
    if as_json:
        told = {
            "measured": {"at": measured.at, "machine": measured.machine},
            "demand": msgspec.to_builtins(demand),
            "sizing": msgspec.to_builtins(found),
        }
        print(msgspec.json.encode(told).decode())
        return
    _show(measured, found, Console())


def _show(measured: Figures, found: Sizing, console: Console) -> None:
    console.print(
        f"measured {measured.at} on {measured.machine} ({measured.revision})", soft_wrap=True
    )
    parts = ", ".join(f"{part} {n}" for part, n in found.replicas.items())
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, said in (
        ("peak", f"{found.peak_per_s:g} orders/s"),
        ("cores", f"{found.cores}, at most {BUSY_MAX:.0%} busy"),
        ("machines", f"{found.machines} of {measured.cores} cores"),
        ("replicas", parts),
        ("partitions", f"{found.partitions} per topic, {found.topic_partitions} in all"),
        ("memory", f"{found.memory_mb:,.0f} MB"),
        ("disk", f"{_bytes(found.disk_bytes)}, every byte once"),
        ("write-ahead log", f"{_bytes(found.wal_bytes_per_day)} a day, {WAL_DAYS_KEPT} days kept"),
    ):
        table.add_row(label, said)
    console.print(table, highlight=False)
    for title, sizes in (("store", found.disk_by_store), ("topic", found.disk_by_topic)):
        _column(title, {name: _bytes(one) for name, one in sizes.items()}, console)
    _column("CPU goes to", {part: f"{one:.0%}" for part, one in found.cpu_share.items()}, console)
    _column("disk goes to", {part: f"{one:.0%}" for part, one in found.disk_share.items()}, console)


def _column(title: str, said: dict[str, str], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(title)
    table.add_column("", justify="right")
    for name, one in said.items():
        table.add_row(name, one)
    console.print()
    console.print(table, highlight=False)


def _bytes(size_: float) -> str:
    for unit in _UNITS:
        if size_ < _STEP or unit == _UNITS[-1]:
            return f"{size_:.3g} {unit}"
        size_ /= _STEP
    raise AssertionError("the last unit takes all")
