"""Looks the seeds through for moments at which an order can be told what it is rarely told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from deeds import act
from moments import ANEW, Cell, is_past, said_before
from moments import at_hand as at_first
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


def hunt(seeds: Iterable[int], wanted: Iterable[Cell], *, anew: bool = False) -> Bag:
    """Bring about each of the wanted cells for which these seeds have a moment, once; with `anew`
    by saying once more what was said before.
    """
    left, found = set(wanted), dict[Cell, Setup]()
    for seed in seeds:
        if not left:
            break
        found |= moments(seed, left, anew=anew)
        left -= found.keys()
    bag = Bag()
    for cell in sorted(found):
        failure = attempt(found[cell], watch=bag.sweep.watch)
        if failure is not None:
            bag.failures.append((found[cell], failure))
    return bag


def moments(seed: int, wanted: Iterable[Cell], *, anew: bool) -> dict[Cell, Setup]:
    """Plans that bring wanted cells about, as far as this seed has the moment for them."""
    at_hand, mark = (said_before, f"|{ANEW}") if anew else (at_first, "")
    chosen, left, found = setup(seed), set(wanted), dict[Cell, Setup]()
    world = World(chosen)
    receive_opening_stock(world)
    for n, step in enumerate(chosen.plan, start=1):
        act(world, step)
        for number, cell in at_hand(world):
            if cell in left and (not anew or is_past(world, number, cell[1])):
                left.remove(cell)
                moment = Step(MOMENT, 0, f"{number}|{cell[1]}{mark}")
                found[cell] = replace(chosen, plan=(*chosen.plan[:n], moment))
    return found
