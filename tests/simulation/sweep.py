"""Many seeds at once, on every core there is, and what was seen in the course of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from os import cpu_count
from typing import TypeVar

from cells import Cell
from plan import setup
from simulation import attempt
from world import World

SEEDS_A_PIECE = 50
P = TypeVar("P")
R = TypeVar("R")


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


def sweep(seeds: Sequence[int], *, stored: bool = False) -> Sweep:
    """Live through all of them."""
    pieces = [(seeds[n : n + SEEDS_A_PIECE], stored) for n in range(0, len(seeds), SEEDS_A_PIECE)]
    total = Sweep()
    for part in in_parallel(_live_through, pieces):
        total.add(part)
    total.failed.sort()
    return total


def in_parallel(deed: Callable[[P], R], pieces: Sequence[P]) -> Iterator[R]:
    """What a deed makes of each piece, on every core there is; in any order."""
    with get_context("forkserver").Pool(cpu_count()) as pool:
        yield from pool.imap_unordered(deed, pieces)


def _live_through(piece: tuple[Sequence[int], bool]) -> Sweep:
    seeds, stored = piece
    found = Sweep()
    for seed in seeds:
        chosen = setup(seed, stored=stored)
        found.orders += sum(step.kind == "order" for step in chosen.plan)
        if attempt(chosen, watch=found.watch) is not None:
            found.failed.append(seed)
    return found
