"""What became of every row: counts that add up to the rows read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from oms_cli.endings import Named, at_rest, label
from oms_cli.replay.fates import Fate, Remark
from oms_cli.replay.plan import Plan

REFUSED_SHOWN_MAX = 10


class RowsVanished(AssertionError):
    """Some row has no fate: a fault of the replay itself."""


@dataclass(frozen=True)
class Account:
    """Rows by fate; those of orders also by how their order stands."""

    rows: int
    fates: Counter[Fate]
    standing: Mapping[Fate, Counter[str]]
    remarks: Counter[Remark]


def account(plan: Plan, stand: Mapping[Named, Mapping[str, Any]]) -> Account:
    """Account for every row read. Raises RowsVanished if the counts do not add up."""
    fates = Counter(plan.fates.values())
    if fates.total() != plan.rows:
        raise RowsVanished(f"{plan.rows} rows were read and {fates.total()} accounted for")
    by_number = {external_id: listed for (_, external_id), listed in stand.items()}
    standing: dict[Fate, Counter[str]] = defaultdict(Counter)
    for number, fate in plan.fates.items():
        if number in plan.order_of:
            standing[fate][_standing(by_number.get(plan.order_of[number]))] += 1
    return Account(plan.rows, fates, standing, plan.remarks)


def _standing(listed: Mapping[str, Any] | None) -> str:
    if listed is None:
        return "not taken yet"
    return label(listed) if at_rest(listed) else f"still {listed['status']}"


def show(told: Account, console: Console) -> None:
    """The account as a table."""
    table = Table(title=f"{told.rows:,} rows", title_justify="left", box=None, pad_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("what became of them")
    table.add_column("their orders", style="dim")
    for fate in Fate:
        if count := told.fates[fate]:
            stands = told.standing.get(fate, Counter()).most_common()
            words = ", ".join(f"{stand} {rows:,}" for stand, rows in stands)
            table.add_row(f"{count:,}", fate.value, words)
    console.print(table)
    for remark in Remark:
        if count := told.remarks[remark]:
            console.print(f"{count:>9,} lines {remark.value}", style="dim", highlight=False)
