"""`oms demo`: play a day into the system, watch every order to its end, prove the books."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from oms_cli.channels import Channels
from oms_cli.demo.people import People
from oms_cli.demo.summary import Summary, summarise
from oms_cli.demo.watch import Stages, Watch
from oms_cli.doors import Doors, Refused
from oms_cli.generator import Planned, opening_stock, orders, predicted
from oms_cli.reconcile import reconcile
from oms_cli.reconcile.command import show as show_report
from oms_cli.stack import Stack, System
from oms_cli.where import checkout, running, topics
from oms_platform import PlatformError, default_run_dir

RECEIPT_LINES = 500
HTTP_CHANNEL = "store"
"""This channel places its orders over HTTP, the others write to Kafka."""
ORDERS_A_SECOND = 40.0
SKUS = 300
STAGES = (
    "accepted", "backordered", "awaiting_payment", "authorised", "in_fulfilment", "part_shipped",
    "shipped", "delivered", "completed", "cancelling", "cancelled", "rejected",
)  # fmt: skip
console = Console()


def command(
    count: Annotated[int, typer.Option("--orders", min=1, help="how many")] = 400,
    seed: Annotated[int, typer.Option(help="another seed, other orders")] = 1,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="bring a system up for it and stop it afterwards")
    ] = False,
) -> None:
    """Play orders into the system and see each come to the end that was predicted."""
    try:
        ok = asyncio.run(_standalone(count, seed) if standalone else _play(_here(), count, seed))
    except PlatformError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if ok else 1)


def _here() -> tuple[System, Path]:
    return running(), default_run_dir(checkout())


async def _standalone(count: int, seed: int) -> bool:
    async with Stack(
        checkout(), progress=lambda text: console.print(f"[dim]{text}[/dim]")
    ) as stack:
        return await _play((stack.system, stack.run_dir), count, seed)


async def _play(where: tuple[System, Path], count: int, seed: int) -> bool:
    system, run_dir = where
    began = datetime.now(UTC)
    plan = list(orders(seed, count, SKUS, began - timedelta(hours=1)))
    async with Doors(system) as doors, Channels(system) as channels, _floor(run_dir):
        console.print(f"receiving stock for {count} orders")
        await _receive(doors, plan)
        watch, people = Watch(doors, plan), People(doors, channels, plan)
        async with asyncio.TaskGroup() as day:
            working = day.create_task(people.work())
            day.create_task(_send(doors, channels, plan))
            with Live(console=console, transient=True, refresh_per_second=4) as live:
                await watch.until_rest(lambda stages: live.update(_progress(stages, count)))
            working.cancel()
    summary = await summarise(system, watch.labels.values(), began)
    _show(plan, summary)
    for order, found in watch.astray():
        console.print(f"[red]astray[/red] {escape(str(order))}, found {escape(found)}")
    console.print("\n[bold]oms reconcile[/bold]")
    report = await reconcile(system, topics())
    show_report(report, console)
    one = next((o for o in plan if o.expected.label == "completed"), plan[0])
    console.print(
        "\nLook at: [bold]oms order show "
        f"{one.channel}/{one.external_id}[/bold], oms order trace …, oms status, and the mails in "
        f"{Path(system.data_dir) / 'mails'} (while the system is up)."
    )
    return not watch.astray() and report.ok


@asynccontextmanager
async def _floor(run_dir: Path) -> AsyncIterator[None]:
    """A picker at work, in a process of its own with a key of its own."""
    with tempfile.TemporaryFile() as log:
        picker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "oms_cli.floor", "--run-dir", str(run_dir), stdout=log, stderr=log
        )
        try:
            yield
        finally:
            if picker.returncode is None:
                picker.terminate()
            await picker.wait()
            if picker.returncode:
                log.seek(0)
                console.print(f"the picker went home early:\n{log.read().decode()}", markup=False)


async def _receive(doors: Doors, plan: Sequence[Planned]) -> None:
    run = uuid4().hex[:8]
    lines = [
        {"sku": s.sku, "location": s.location, "qty": s.qty, "cause_id": f"OPEN-{run}-{s.location}"}
        for s in opening_stock(plan)
    ]
    for start in range(0, len(lines), RECEIPT_LINES):
        body = {"lines": lines[start : start + RECEIPT_LINES]}
        await doors.post("warehouse", "/receipts/batch", body)


async def _send(doors: Doors, channels: Channels, plan: Sequence[Planned]) -> None:
    """Place the orders as fast as customers would on a good day."""
    for order in plan:
        for value in order.values:
            if order.channel == HTTP_CHANNEL:
                await _post(doors, order, value)
            else:
                kind = "oms.channel.OrderPlaced.v1"
                await channels.send(order.channel, kind, order.external_id, value)
        await asyncio.sleep(1 / ORDERS_A_SECOND)
    await channels.flush()


async def _post(doors: Doors, order: Planned, value: bytes) -> None:
    key = f"{order.external_id}-{hash(value)}"
    try:
        await doors.post("order", "/orders", value, order.channel, key)
    except Refused as no:
        console.print(f"{escape(str(order))}: {escape(str(no))}")


def _progress(stages: Stages, count: int) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for stage in STAGES:
        if stages.get(stage):
            bar = "█" * max(1, round(40 * stages[stage] / count))
            table.add_row(stage.replace("_", " "), str(stages[stage]), f"[cyan]{bar}[/cyan]")
    return table


def _show(plan: Sequence[Planned], summary: Summary) -> None:
    foretold = predicted(plan)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("orders ended", "foretold", "found"):
        table.add_column(name, justify="left" if name == "orders ended" else "right")
    for label in sorted(set(foretold) | set(summary.ends)):
        found = summary.ends[label]
        shown = str(found) if found == foretold[label] else f"[red]{found}[/red]"
        table.add_row(label.replace(":", ": ").replace("_", " "), str(foretold[label]), shown)
    console.print(table)
    balances = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("account", "currency", "balance, minor units"):
        balances.add_column(name, justify="right" if "balance" in name else "left")
    for account, currency, balance in summary.ledger:
        balances.add_row(account.replace("_", " "), currency, f"{balance:,}")
    console.print("", balances)
    console.print(
        f"\nstock: {summary.on_hand:,} units on hand, {summary.reserved:,} reserved, "
        f"{summary.backordered:,} backordered; mails: {summary.mails:,}"
    )
    if summary.took_seconds:
        p50, p99 = summary.took_seconds
        console.print(f"placed → shipped: p50 {p50:.1f} s, p99 {p99:.1f} s")
