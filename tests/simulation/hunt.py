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

RARE_SEEDS = (
    2_148, 2_384, 2_499, 2_691, 3_670, 10_005, 10_020, 10_031, 10_035, 10_101, 10_136, 10_144,
    10_191, 10_280, 10_300, 10_398, 10_413, 10_442, 10_501, 10_513, 10_521, 10_573, 10_673,
    10_717, 10_865, 10_875, 10_877, 10_894, 10_995, 11_104, 11_302, 11_354, 11_375, 11_493,
    12_073, 12_358, 12_693, 12_981, 13_073, 13_193, 13_202, 13_227, 13_576, 14_049, 14_343,
    14_350, 14_560, 14_662, 14_775, 15_360, 16_344, 17_491, 18_319, 19_245, 19_565, 19_635,
    19_973, 20_887, 21_488, 24_212, 24_320, 24_418, 32_552, 32_709, 33_405, 35_005,
)  # fmt: skip
"""Seeds with moments that are rare: found by looking through very many of them."""


@dataclass
class Bag:
    """What a hunt brought: the cells reached, and what went wrong."""

    sweep: Sweep = field(default_factory=Sweep)
    failures: list[tuple[Setup, Failure]] = field(default_factory=list)


def hunt(seeds: Iterable[int], first: Iterable[Cell], anew: Iterable[Cell]) -> Bag:
    """Bring about, once, each cell for which these seeds have a moment: those of `first` by what
    was never said before, those of `anew` by saying once more what was.

    A moment may pass by without its cell, as when what waits is something heard already. Then
    the cell stays wanted.
    """
    wanted, bag = {"": set(first), ANEW: set(anew)}, Bag()
    for seed in seeds:
        for (way, cell), chosen in moments(seed, wanted).items():
            caught = Sweep()
            failure = attempt(chosen, watch=caught.watch)
            if failure is not None:
                bag.failures.append((chosen, failure))
            elif ("order", *cell) not in caught.cells:
                wanted[way].add(cell)
            bag.sweep.add(caught)
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
