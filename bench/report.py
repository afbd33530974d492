"""Results for people: a table of measurements, and what one order takes."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.result import Result

BUDGET: dict[str, float] = {
    "publishes": 14.0, "consumes": 15.0, "skips": 23.0, "row_writes": 80.0, "outside_calls": 4.0,
    "wal_bytes": 18_000, "idle_cores": 0.1,
}  # fmt: skip
"""What an order may take (row writes without the order's history)."""

OTHERS_MAX_CORES = 0.1
"""With more than that of the machine gone, a result is not worth comparing."""
SHOWN = (
    "publishes", "consumes", "skips", "row_writes", "outside_calls", "transactions",
    "inputs_per_transaction", "log_bytes", "record_bytes",
)  # fmt: skip


def show(result: Result, console: Console) -> None:
    """The whole result."""
    console.print(
        f"[bold]{result.plan['name']}[/bold]  {result.revision}  {result.machine}", highlight=False
    )
    _measurements(result, console)
    _cost(result, console)
    if result.floors:
        _floors(result, console)
    others = max(one.others_cores + one.steal_cores for one in result.measured)
    if others > OTHERS_MAX_CORES:
        console.print(f"[yellow]others used {others:.2f} cores meanwhile: it says little[/yellow]")
    if doubts := result.doubts:
        console.print("[red]does not count:[/red]")
        for doubt in doubts:
            console.print(f"  {doubt}", markup=False, highlight=False)
    else:
        console.print("reconciled, everything came to its end: it counts")


def _measurements(result: Result, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for one in result.measured:
        table.add_column(f"at {one.rate:g}/s", justify="right")

    def row(label: str, *cells: object) -> None:
        table.add_row(label, *map(str, cells))

    found = result.measured
    row("orders a second done", *(one.orders_per_s for one in found))
    row("sustained", *("yes" if one.sustained else "no" for one in found))
    row("behind at the end, s of arrivals", *(one.behind_s for one in found))
    row("placed → shipped p50, ms", *(one.p50_ms for one in found))
    row("                 p99, ms", *(one.p99_ms for one in found))
    row("                 p99.9, ms", *(one.p999_ms for one in found))
    for group in found[0].cpu_s_per_1000:
        row(f"CPU-s per 1,000: {group}", *(one.cpu_s_per_1000.get(group, 0.0) for one in found))
    row("generator (thermometer)", *(one.generator_cpu_s_per_1000 for one in found))
    row("cores busy / others' / stolen", *(
        f"{one.busy_cores} / {one.others_cores} / {one.steal_cores}" for one in found
    ))  # fmt: skip
    row("WAL bytes per order", *(f"{one.wal_bytes_per_order:,}" for one in found))
    row("memory of the system, MB (PSS)", *(one.memory_mb["system"] for one in found))
    row("database connections", *(one.connections for one in found))
    row("shipped / cancelled", *(
        f"{one.ends.get('shipped', 0)} / {one.ends.get('cancelled', 0)}" for one in found
    ))  # fmt: skip
    if any(one.recovered_s is not None for one in found):
        row("recovered after a kill, s", *(one.recovered_s for one in found))
    console.print(table)


def _floors(result: Result, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    names = (
        "floor",
        "partitions",
        "orders/s",
        "CPU-s per 1,000",
        "WAL/order",
        "rows",
        "ours ÷ floor",
    )
    for name in names:
        table.add_column(name, justify="right")
    for one in result.floors:
        cpu = one.cpu_s_per_1000
        split = " + ".join(f"{cpu[name]:.2f}" for name in ("writers", "postgres", "broker"))
        table.add_row(
            f"{one.batch} a transaction", str(one.partitions), f"{one.orders_per_s:,.0f}",
            f"{cpu['total']:.2f} = {split}", f"{one.wal_bytes_per_order:,}",
            f"{one.rows_per_order:g}", f"{result.share_of(one):.2f}",
        )  # fmt: skip
    console.print(table)


def _cost(result: Result, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("one order takes", "", "budget"):
        table.add_column(name, justify="left" if name.startswith("one") else "right")
    found = {name: getattr(result.cost, name) for name in SHOWN}
    found["wal_bytes"] = min(one.wal_bytes_per_order for one in result.measured)
    found["idle_cores"] = result.idle_cores
    for name, value in found.items():
        budget = BUDGET.get(name)
        over = budget is not None and value > budget
        shown = f"[red]{value:g}[/red]" if over else f"{value:g}"
        table.add_row(name.replace("_", " "), shown, f"{budget:g}" if budget else "")
    console.print(table)
