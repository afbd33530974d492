"""The saga table as docs/saga-table.md tells it: which cells there are, and which are a dash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parents[2] / "docs/saga-table.md"
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


def _rows(section: str) -> tuple[str, list[tuple[list[str], str]]]:
    heard, _, body = section.partition("\n")
    return heard.strip(), list(_cells(body))


def _cells(body: str) -> Iterator[tuple[list[str], str]]:
    for line in body.splitlines():
        if line.startswith("| ") and not line.startswith("| in state"):
            states, outcome = line.strip("| ").split(" | ", 1)
            yield states.split("; "), outcome
