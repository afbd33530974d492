"""Looks the seeds through for moments at which an order can be told what it is rarely told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from deeds import act
from moments import ANEW, Cell, is_past, said_before
from moments import at_hand as at_first
from plan import MOMENT, Setup, Step, setup
from simulation import Failure, attempt
from sweep import Sweep, in_parallel
from trade import receive_opening_stock
from world import World

SEEDS_A_PIECE = 25


@dataclass
class Bag:
    """What a hunt brought: the cells reached, and what went wrong."""

    sweep: Sweep = field(default_factory=Sweep)
    failures: list[tuple[Setup, Failure]] = field(default_factory=list)


def hunt(seeds: Sequence[int], wanted: Iterable[Cell], *, anew: bool = False) -> Bag:
    """Bring about each of the wanted cells for which these seeds have a moment, once; with `anew`
    by saying once more what was said before.
    """
    cells = sorted(wanted)
    pieces = [
        (seeds[n : n + SEEDS_A_PIECE], cells, anew) for n in range(0, len(seeds), SEEDS_A_PIECE)
    ]
    found: dict[Cell, Setup] = {}
    for part in in_parallel(_look_through, pieces):
        for cell, chosen in part.items():
            if cell not in found or chosen.seed < found[cell].seed:
                found[cell] = chosen
    plans = [found[cell] for cell in sorted(found)]
    bag = Bag()
    pieces_of_plans = [plans[n : n + SEEDS_A_PIECE] for n in range(0, len(plans), SEEDS_A_PIECE)]
    for caught in in_parallel(_seize_all, pieces_of_plans):
        bag.sweep.add(caught.sweep)
        bag.failures += caught.failures
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


def _look_through(piece: tuple[Sequence[int], Sequence[Cell], bool]) -> dict[Cell, Setup]:
    seeds, wanted, anew = piece
    left, found = set(wanted), dict[Cell, Setup]()
    for seed in seeds:
        found |= moments(seed, left, anew=anew)
        left -= found.keys()
    return found


def _seize_all(plans: Sequence[Setup]) -> Bag:
    bag = Bag()
    for chosen in plans:
        failure = attempt(chosen, watch=bag.sweep.watch)
        if failure is not None:
            bag.failures.append((chosen, failure))
    return bag
