"""The command line of the bench; `oms bench` passes everything on to it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.plan import CYCLE_SETTINGS, FLASH, Plan, Spread, Stage, Work
from bench.plot import svg
from bench.report import show
from bench.running import CHECKOUT, Unsettled
from bench.session import run

RESULTS = CHECKOUT / ".oms/bench"
console = Console(stderr=True)


def command(
    rate: Annotated[
        list[float] | None, typer.Option(help="orders a second; may be repeated")
    ] = None,
    seconds: Annotated[float, typer.Option(help="measured, of each rate")] = 60.0,
    warmup: Annotated[float, typer.Option(help="seconds before, not measured")] = 10.0,
    seed: Annotated[int, typer.Option(help="the same seed, the same orders")] = 1,
    skus: Annotated[int, typer.Option(help="how many articles there are")] = 10_000,
    spread: Annotated[Spread, typer.Option(help="how demand is spread over them")] = Spread.ZIPF,
    partitions: Annotated[int, typer.Option(help="of every topic")] = 6,
    set_: Annotated[list[str] | None, typer.Option("--set", help="OMS_NAME=value")] = None,
    out: Annotated[Path, typer.Option(help="where results are kept")] = RESULTS,
) -> None:
    """Measure what this machine carries: orders a second, CPU, latency, bytes, memory."""
    work = FLASH if spread is Spread.FLASH else Work(seed=seed, skus=skus, spread=spread)
    given = dict(setting.split("=", 1) for setting in set_ or ())
    plan = Plan(
        stages=tuple(Stage(r, seconds, warmup) for r in rate or [250.0]), work=work,
        partitions=partitions, settings=CYCLE_SETTINGS | given,
    )  # fmt: skip
    try:
        with redirect_stdout(sys.stderr):  # what is printed on the way is not the result
            result, told = asyncio.run(run(plan, _say))
    except Unsettled as error:
        console.print(f"[red]not everything came to its end:[/red] {error}")
        raise typer.Exit(1) from None
    show(result, console)
    _keep(out, result.line(), svg(told, f"{plan.name}, {result.revision}"))
    print(result.line())
    raise typer.Exit(1 if result.doubts else 0)


def _keep(folder: Path, line: str, plot: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    (folder / f"{name}.json").write_text(line + "\n")
    (folder / f"{name}.svg").write_text(plot)
    console.print(f"kept as {folder / name}.json and .svg")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """The command line."""
    typer.run(command)
