"""The command line of the bench; `oms bench` passes everything on to it."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console

from bench.floor.measure import BATCHES, PARTITIONS
from bench.places import RESULTS
from bench.plan import CYCLE_SETTINGS, Plan, Stage, Work
from bench.plot import svg
from bench.report import show
from bench.running import Unsettled
from bench.session import run
from bench.variants import VARIANTS, grow, vary

console = Console(stderr=True)


class Profile(StrEnum):
    """How long: about two minutes, one variant's two minutes, or three times ten."""

    QUICK = "quick"
    VARIANT = "variant"
    HEADLINE = "headline"


SECONDS = {Profile.QUICK: (30.0, 10.0), Profile.VARIANT: (120.0, 30.0)}
"""Measured, and before that warming up."""
HEADLINE = ((1.0, 600.0), (1.0, 600.0), (1.0, 600.0), (0.9, 120.0), (0.5, 120.0))
"""Shares of the rate, and seconds of each."""
HEADLINE_WARM_UP_SECONDS = 60.0


class Floor(StrEnum):
    """How much of the floor is measured."""

    NONE = "none"
    ONE = "one"
    ALL = "all"


FLOORS: dict[Floor, tuple[tuple[int, int], ...]] = {
    Floor.NONE: (),
    Floor.ONE: ((50, 6),),
    Floor.ALL: tuple((batch, n) for n in PARTITIONS for batch in BATCHES),
}


def stages(
    profile: Profile, rates: list[float], seconds: float | None, warm_up: float | None
) -> tuple[Stage, ...]:
    """What a profile measures, unless told otherwise."""
    if profile is Profile.HEADLINE:
        return tuple(
            Stage(rate * share, seconds or long, HEADLINE_WARM_UP_SECONDS)
            for rate in rates for share, long in HEADLINE
        )  # fmt: skip
    long, before = SECONDS[profile]
    warm = before if warm_up is None else warm_up
    return tuple(Stage(rate, seconds or long, warm) for rate in rates)


def command(
    rate: Annotated[list[float] | None, typer.Option(help="orders a second, or several")] = None,
    profile: Annotated[Profile, typer.Option(help="how long")] = Profile.QUICK,
    variant: Annotated[str, typer.Option(help=f"one of {', '.join(VARIANTS)}")] = "",
    floor: Annotated[Floor, typer.Option(help="the same without logic")] = Floor.ONE,
    seconds: Annotated[float | None, typer.Option(help="measured, of each rate")] = None,
    warmup: Annotated[float | None, typer.Option(help="seconds before, not measured")] = None,
    seed: Annotated[int, typer.Option(help="the same seed, the same orders")] = 1,
    skus: Annotated[int, typer.Option(help="how many articles there are")] = 10_000,
    partitions: Annotated[int, typer.Option(help="of every topic")] = 6,
    stored: Annotated[
        list[int] | None, typer.Option(help="measure again with so many orders stored")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="OMS_NAME=value")] = None,
    out: Annotated[Path, typer.Option(help="where results are kept")] = RESULTS,
) -> None:
    """Measure what this machine carries: orders a second, CPU, latency, bytes, memory."""
    given = dict(setting.split("=", 1) for setting in set_ or ())
    plan = Plan(
        stages=stages(profile, rate or [250.0], seconds, warmup), work=Work(seed=seed, skus=skus),
        partitions=partitions, settings=CYCLE_SETTINGS | given, floors=FLOORS[floor],
    )  # fmt: skip
    if variant:
        if variant not in VARIANTS:
            raise typer.BadParameter(f"there is no variant {variant}")
        plan = replace(vary(plan, variant), floors=())
    if stored:
        plan = replace(grow(plan, stored), name=f"growth to {stored[-1]:,}")
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
    """The command line. Being ended is like Ctrl-C: what was started is stopped and removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app()
