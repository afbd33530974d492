"""The saga table as docs/saga-table.md tells it: its cells, and which are out of reach."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parents[2] / "docs/saga-table.md"
UNREACHABLE = Path(__file__).with_name("unreachable.toml")
DASH = "\N{EN DASH}"
OTHERS = "any other"

Cell = tuple[str, str]
"""State and input."""


def table() -> dict[Cell, str]:
    """Every cell and what it says."""
    sections = [_rows(section) for section in FILE.read_text().split("\n## ")[1:]]
    every = {s for _, rows in sections for states, _ in rows for s in states if s != OTHERS}
    cells: dict[Cell, str] = {}
    for heard, rows in sections:
        named = {state for states, _ in rows for state in states}
        for states, outcome in rows:
            meant = every - named if states == [OTHERS] else states
            cells.update({(state, heard): outcome for state in meant})
    return cells


def cells() -> dict[Cell, str]:
    """Every cell that is not a dash: the table gives the reason of those itself."""
    return {cell: outcome for cell, outcome in table().items() if outcome != DASH}


def unreachable() -> dict[Cell, str]:
    """Cells that nothing brings about, and why."""
    told, known = tomllib.loads(UNREACHABLE.read_text()), cells()
    states = {row["name"]: row["why"] for row in told["state"]}
    inputs = {row["name"]: row["why"] for row in told["input"]}
    found = {(s, h): states.get(s) or inputs[h] for s, h in known if s in states or h in inputs}
    for row in told["cells"]:
        found |= {(state, row["input"]): row["why"] for state in row["states"]}
    assert found.keys() <= known.keys(), found.keys() - known.keys()
    return found


def unmet() -> dict[Cell, str]:
    """Cells that no seed met so far, though nothing is known that forbids them."""
    rows = tomllib.loads(UNREACHABLE.read_text())["unmet"]
    found = {(state, row["input"]): row["why"] for row in rows for state in row["states"]}
    assert found.keys() <= cells().keys(), found.keys() - cells().keys()
    return found


def is_past(outcome: str) -> bool:
    """Whether an order, told so, has it behind it: it was heard before, or is of no interest."""
    return outcome.startswith(("again", "late"))


def _rows(section: str) -> tuple[str, list[tuple[list[str], str]]]:
    heard, _, body = section.partition("\n")
    return heard.strip(), list(_cells(body))


def _cells(body: str) -> Iterator[tuple[list[str], str]]:
    for line in body.splitlines():
        if line.startswith("| ") and not line.startswith("| in state"):
            states, outcome = line.strip("| ").split(" | ", 1)
            yield states.split("; "), outcome
