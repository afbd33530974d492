"""One seed from morning to rest, and the shortest plan that still goes wrong."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import orders
from deeds import act
from ending import check_end
from evening import settle
from plan import Setup, Step
from story import in_short, told
from trade import receive_opening_stock
from ways import Violation
from world import Plant, World

SHRINK_SECONDS_MAX = 60.0
LINES_MAX = 300
"""Of a longer story only the beginning and the end are told."""
STEPS_SHOWN_MAX = 60
AUDIT_EVERY_STEPS = 100
"""After so many steps everything is added up anew."""

gc.freeze()  # what is imported stays
gc.set_threshold(1_000_000, 20, 50)  # nearly all of a world is alive, and then all of it is dead


@dataclass(frozen=True)
class Failure:
    """A seed that went wrong: what is wrong, the plan that led there, and its story."""

    seed: int
    wrong: str
    plan: Sequence[Step]
    story: Sequence[str]

    @property
    def kind(self) -> str:
        """What is wrong, whichever order or amount it befell."""
        return re.sub(r"\S*\d\S*", "…", self.wrong)

    def __str__(self) -> str:
        lines = "\n".join(self.story)
        if len(self.story) > LINES_MAX:
            half = LINES_MAX // 2
            lines = "\n".join((*self.story[:half], "…", *self.story[-half:]))
        kinds = " ".join(step.kind for step in self.plan[:STEPS_SHOWN_MAX])
        steps = f"{len(self.plan)} steps: {kinds}"
        return f"seed {self.seed}: {self.wrong}\n\n{lines}\n\n{steps}\n{self.wrong}"


def run(setup: Setup, plant: Plant | None = None) -> World:
    """Live through a plan and the evening after it; raises Violation."""
    world = World(setup, plant)
    _live(world)
    return world


def run_quiet(setup: Setup) -> World:
    """Live through a day of good orders, each in its turn, without any chaos."""
    world = World(setup)
    receive_opening_stock(world, units_min=setup.units_max)
    rng = Random(setup.seed)
    for step in setup.plan:
        external_id = f"S-{len(world.orders) + 1}"
        world.orders.append(orders.id_of(external_id))
        world.say(world.orders[-1], orders.happy(setup, rng, external_id))
        assert step.kind == "order"
    settle(world)
    check_end(world)
    return world


def attempt(
    setup: Setup, plant: Plant | None = None, watch: Callable[[World], None] | None = None
) -> Failure | None:
    """The same, telling what went wrong instead of raising it; `watch` looks at a good end."""
    world = World(setup, plant)
    try:
        _live(world)
    except Violation as violation:
        return Failure(setup.seed, in_short(world, str(violation)), setup.plan, told(world))
    if watch is not None:
        watch(world)
    return None


def _live(world: World) -> None:
    receive_opening_stock(world)
    for n, step in enumerate(world.setup.plan, start=1):
        act(world, step)
        if n % AUDIT_EVERY_STEPS == 0:
            world.invariants.audit()
    settle(world)
    world.invariants.audit()
    check_end(world)


def shrink(setup: Setup, failure: Failure, plant: Plant | None = None) -> Failure:
    """Leave out what is not needed for something to go wrong: by ever smaller pieces of the plan.

    The method of delta debugging (Zeller, Hildebrandt 2002), reduced to complements.
    """
    give_up_at = time.monotonic() + SHRINK_SECONDS_MAX
    size = max(1, len(failure.plan) // 2)
    while size:
        start, shorter = 0, False
        while start < len(failure.plan) and time.monotonic() < give_up_at:
            plan = (*failure.plan[:start], *failure.plan[start + size :])
            found = attempt(replace(setup, plan=plan), plant)
            if found is None or found.kind != failure.kind:
                start += size
            else:
                failure, shorter = found, True
        if not shorter or size > 1 or time.monotonic() > give_up_at:
            size //= 2
    return failure
