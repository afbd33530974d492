"""`oms demo`: play a day into the system, watch every order to its end, prove the books."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from oms_cli.demo.day import play
from oms_cli.demo.show import progress, show, show_astray
from oms_cli.demo.summary import summarise
from oms_cli.demo.watch import Watch
from oms_cli.generator import End, Planned, orders
from oms_cli.reconcile import reconcile
from oms_cli.reconcile.command import show as show_report
from oms_cli.stack import Stack, System
from oms_cli.where import checkout, running, topics
from oms_platform import PlatformError, default_run_dir

SKUS = 300
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
        ok = asyncio.run(_standalone(count, seed) if standalone else _here(count, seed))
    except PlatformError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if ok else 1)


async def _here(count: int, seed: int) -> bool:
    ok, plan = await _demo(running(), default_run_dir(checkout()), count, seed)
    name = "/".join(_worth_a_look(plan))
    console.print(
        f"\nLook at: [bold]oms order show {name}[/bold], oms order trace {name}, oms status, "
        f"oms events tail, and the mails in {running().data_dir}/mails",
        highlight=False,
    )
    return ok


async def _standalone(count: int, seed: int) -> bool:
    def say(text: str) -> None:
        console.print(text, style="dim", markup=False)

    async with Stack(checkout(), progress=say) as stack:
        ok, _ = await _demo(stack.system, stack.run_dir, count, seed)
        console.print(f"\nIts mails, traces and logs stay in {stack.run_dir}.", highlight=False)
    console.print(
        "To look around: [bold]make up[/bold] in one terminal, then in another oms demo, "
        "oms order show, oms order trace, oms stock, oms status, oms events tail.",
        highlight=False,
    )
    return ok


async def _demo(
    system: System, run_dir: Path, count: int, seed: int
) -> tuple[bool, Sequence[Planned]]:
    """Play, show what came of it, prove it; whether everything is as foretold."""
    began = datetime.now(UTC)
    plan = list(orders(seed, count, SKUS, began - timedelta(hours=1)))
    with Live(console=console, transient=True, refresh_per_second=4) as live:
        watch = await play(
            system, run_dir, plan, began, console.print,
            lambda stages: live.update(progress(stages, count)),
        )  # fmt: skip
    summary = await summarise(system, list(watch.ids.values()), _charged(plan, watch))
    show(plan, watch.labels.values(), summary, console)
    show_astray(watch.astray(), console)
    console.print("\n[bold]oms reconcile[/bold]: stores, topics and the outside world")
    report = await reconcile(system, topics())
    show_report(report, console)
    ok = not watch.astray() and report.ok
    console.print("\n[green]all as foretold[/green]" if ok else "\n[red]not as foretold[/red]")
    return ok, plan


def _charged(plan: Sequence[Planned], watch: Watch) -> list[str]:
    """Ids of the orders whose charge was predicted."""
    names = [(o.channel, o.external_id) for o in plan if o.expected.charged_minor]
    return [watch.ids[name] for name in names if name in watch.ids]


def _worth_a_look(plan: Sequence[Planned]) -> tuple[str, str]:
    """An order that went all the way, over a detour if there is one."""
    completed = [order for order in plan if order.expected.end is End.COMPLETED]
    order = next((o for o in completed if o.case == "delivered late"), (completed or plan)[0])
    return order.channel, order.external_id
