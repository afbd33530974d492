"""`oms`: every command, mounted."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console

from oms_cli import containers
from oms_cli.demo.command import command as demo
from oms_cli.ops import events, orders, parked, status
from oms_cli.reconcile.command import command as reconcile
from oms_cli.replay.command import command as replay
from oms_cli.sizing.command import command as sizing
from oms_cli.stack import Stack
from oms_cli.where import checkout
from oms_platform import PlatformError, default_run_dir, doctor, stop_running

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(containers.app, name="compose")
app.add_typer(orders.app, name="order")
app.add_typer(parked.app, name="parked")
app.add_typer(events.app, name="events")
app.command()(status.status)
app.command()(status.stock)
app.command(name="demo")(demo)
app.command(name="replay")(replay)
app.command(name="reconcile")(reconcile)
app.command(name="sizing")(sizing)
console = Console(stderr=True)


@app.command()
def up(
    keep_data: Annotated[bool, typer.Option(help="keep data from the last run")] = False,
) -> None:
    """Bring up broker, databases, six services and a mailbox; stop them on Ctrl-C."""
    asyncio.run(_up(keep_data))


async def _up(keep_data: bool) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    try:
        async with Stack(checkout(), keep_data=keep_data, progress=console.print) as stack:
            for name, url in stack.system.urls.items():
                console.print(f"  {name:<10} {url}")
            console.print(f"up; keys and addresses in {stack.run_dir}. Ctrl-C stops it.")
            await stop.wait()
    except PlatformError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.command()
def down() -> None:
    """Stop what `oms up` keeps running in this checkout."""
    stopped = asyncio.run(stop_running(default_run_dir(checkout())))
    console.print("stopped" if stopped else "nothing was running")


@app.command(
    context_settings={
        "allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": [],
    }
)  # fmt: skip
def bench(context: typer.Context) -> None:
    """Measure what this machine carries; `oms bench --help` says how. Needs a checkout."""
    told = subprocess.run([sys.executable, "-m", "bench", *context.args], cwd=checkout())
    raise typer.Exit(told.returncode)


@app.command(name="doctor")
def diagnose() -> None:
    """Say what this machine has and lacks, with the command that helps."""
    findings = asyncio.run(doctor(default_run_dir(checkout())))
    for finding in findings:
        mark = "ok     " if finding.ok else "missing"
        # Unwrapped: a command in two halves cannot be copied.
        console.print(f"{mark} {finding.name}: {finding.detail}", markup=False, soft_wrap=True)
        if finding.command:
            console.print(f"        {finding.command}", markup=False, soft_wrap=True)
    sys.exit(0 if all(f.ok for f in findings) else 1)
