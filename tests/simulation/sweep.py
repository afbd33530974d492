"""Many seeds, one after the other in one process, and what was seen in the course of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cells import Cell
from plan import setup
from simulation import attempt
from world import World


@dataclass
class Sweep:
    """What came of many seeds."""

    seen: Counter[str] = field(default_factory=Counter)
    cells: Counter[Cell] = field(default_factory=Counter)
    """Which cells of the services' tables were reached, and how often."""
    failed: list[int] = field(default_factory=list)
    """Seeds that went wrong."""
    orders: int = 0

    def watch(self, world: World) -> None:
        """A seed came to its end."""
        self.seen.update(world.seen())
        self.cells.update(world.cells.reached)

    def add(self, other: Sweep) -> None:
        """What came of some more."""
        self.seen.update(other.seen)
        self.cells.update(other.cells)
        self.failed += other.failed
        self.orders += other.orders


def sweep(seeds: Iterable[int], *, stored: bool = False) -> Sweep:
    """Live through all of them."""
    found = Sweep()
    for seed in seeds:
        chosen = setup(seed, stored=stored)
        found.orders += sum(step.kind == "order" for step in chosen.plan)
        if attempt(chosen, watch=found.watch) is not None:
            found.failed.append(seed)
    return found
