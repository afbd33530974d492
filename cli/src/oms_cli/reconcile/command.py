"""`oms reconcile` as a command: what was checked, in a table or as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oms_cli.reconcile import Demands, Report, reconcile
from oms_cli.reconcile.log import Spot
from oms_cli.where import running, topics

SHOWN_MAX = 20
"""Violations shown of each check; JSON has them all."""


def command(
    as_json: Annotated[bool, typer.Option("--json", help="findings as JSON")] = False,
    wait_seconds: Annotated[float, typer.Option(help="how long to wait for quiet")] = 30.0,
    at_rest: Annotated[
        bool, typer.Option(help="nothing happens any more: whatever still moves is wrong")
    ] = False,
    canary: Annotated[
        Path | None, typer.Option(help="words, one a line, that must be found nowhere")
    ] = None,
    injected: Annotated[
        Path | None,
        typer.Option(help="poisoned records, one `topic partition offset` a line"),
    ] = None,
) -> None:
    """Prove the running system consistent: stores, topics and outside world, I1 to I12."""
    demands = Demands(
        at_rest,
        tuple(canary.read_text().splitlines()) if canary else (),
        frozenset(map(_spot, injected.read_text().splitlines())) if injected else None,
    )
    report = asyncio.run(reconcile(running(), topics(), wait_seconds, demands))
    if as_json:
        typer.echo(as_text(report))
    else:
        show(report, Console())
    raise typer.Exit(0 if report.ok else 1)


def _spot(line: str) -> Spot:
    topic, partition, offset = line.split()
    return topic, int(partition), int(offset)


def as_text(report: Report) -> str:
    """The report as JSON."""
    told = {
        "ok": report.ok,
        "in_motion": report.in_motion,
        "unquiet": list(report.unquiet),
        "findings": [asdict(finding) for finding in report.findings],
    }
    return msgspec.json.format(msgspec.json.encode(told)).decode()


def show(report: Report, console: Console) -> None:
    """The report as a table, and what is wrong below it."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "must be true", "looked at", "wrong"):
        table.add_column(name, justify="left" if name in ("", "must be true") else "right")
    for finding in report.findings:
        wrong = f"[red]{len(finding.violations)}[/red]" if finding.violations else "0"
        absorbed = f"{finding.repeats:,} repeats were absorbed" if finding.repeats else ""
        notes = "; ".join(filter(None, (finding.note, absorbed)))
        note = f" [dim]({escape(notes)})[/dim]" if notes else ""
        table.add_row(finding.id, f"{escape(finding.title)}{note}", f"{finding.count:,}", wrong)
    console.print(table)
    for finding in report.findings:
        _show_violations(finding.id, finding.title, finding.violations, console)
    if report.in_motion:
        reasons = f" ({'; '.join(report.unquiet)})" if report.unquiet else ""
        console.print(f"left out, being in motion: {report.in_motion}{escape(reasons)}")


def _show_violations(id_: str, title: str, violations: Sequence[str], console: Console) -> None:
    if not violations:
        return
    console.print(f"[red]{id_} {escape(title)}[/red]: {len(violations)} violations")
    for violation in violations[:SHOWN_MAX]:
        console.print(f"  {violation}", markup=False, highlight=False)
    if len(violations) > SHOWN_MAX:
        console.print(f"  … and {len(violations) - SHOWN_MAX} more (--json has them all)")
