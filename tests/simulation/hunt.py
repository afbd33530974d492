"""Looks the seeds through for moments at which an order can be told what it is rarely told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from deeds import act
from moments import ANEW, Cell, at_hand, is_past, said_before
from plan import MOMENT, Setup, Step, setup
from simulation import Failure, attempt
from sweep import Sweep
from trade import receive_opening_stock
from world import World


@dataclass
class Bag:
    """What a hunt brought: the cells reached, and what went wrong."""

    sweep: Sweep = field(default_factory=Sweep)
    failures: list[tuple[Setup, Failure]] = field(default_factory=list)


def hunt(seeds: Iterable[int], first: Iterable[Cell], anew: Iterable[Cell]) -> Bag:
    """Bring about, once, each cell for which these seeds have a moment: those of `first` by what
    was never said before, those of `anew` by saying once more what was.
    """
    wanted = {"": set(first), ANEW: set(anew)}
    found: dict[tuple[str, Cell], Setup] = {}
    for seed in seeds:
        found |= moments(seed, wanted)
    bag = Bag()
    for name in sorted(found):
        failure = attempt(found[name], watch=bag.sweep.watch)
        if failure is not None:
            bag.failures.append((found[name], failure))
    return bag


def moments(seed: int, wanted: dict[str, set[Cell]]) -> dict[tuple[str, Cell], Setup]:
    """Plans that bring wanted cells about, as far as this seed has the moment for them. A cell
    that is found is wanted no more.
    """
    chosen, found = setup(seed), dict[tuple[str, Cell], Setup]()
    world, looked = World(chosen), (0, 0)
    receive_opening_stock(world)
    for n, step in enumerate(chosen.plan, start=1):
        act(world, step)
        stands = (len(world.story), len(world.nodes["order"].published))
        if stands == looked:  # nothing happened, nothing was said to an order
            continue
        looked = stands
        for way, number, cell in _at_hand(world, wanted):
            wanted[way].remove(cell)
            mark = f"|{way}" if way else ""
            moment = Step(MOMENT, 0, f"{number}|{cell[1]}{mark}")
            found[way, cell] = replace(chosen, plan=(*chosen.plan[:n], moment))
    return found


def _at_hand(world: World, wanted: dict[str, set[Cell]]) -> Iterator[tuple[str, int, Cell]]:
    for number, cell in at_hand(world):
        if cell in wanted[""]:
            yield "", number, cell
    for number, cell in said_before(world):
        if cell in wanted[ANEW] and is_past(world, number, cell[1]):
            yield ANEW, number, cell
