"""Every kind of step there is, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import chaos
import office
import trade
import trouble
from moments import seize
from plan import MOMENT, Step
from world import World

DEEDS: dict[str, Callable[[World, Random], None]] = {
    "order": chaos.place,
    "channel": chaos.channel,
    "cancel": chaos.cancel,
    "deliver": chaos.deliver,
    "relay": chaos.relay,
    "perform": chaos.perform,
    "late": chaos.late,
    "wake": chaos.wake,
    "jump": chaos.jump,
    "again": chaos.again,
    "office": office.anybody,
    "payer": office.money,
    "mailroom": office.mailroom,
    "twice": office.twice,
    "floor": trade.floor,
    "dock": trade.dock,
    "goods": trade.goods,
    "die": trouble.die,
    "rebalance": trouble.rebalance,
    "clock": trouble.clock,
    "spoil": trouble.spoil,
    "mend": trouble.mend,
}


def act(world: World, step: Step) -> None:
    """Let a step happen, as far as things allow, and let a little time pass."""
    rng = Random(step.seed)
    world.pass_time(rng.random() * world.setup.pace_seconds)
    if step.kind == MOMENT:
        seize(world, step.about)
    else:
        DEEDS[step.kind](world, rng)
