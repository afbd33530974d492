"""Rows 16 and 30: replicas come and go all the time; one stands still and comes back a zombie."""

import asyncio
from random import Random

import pytest
from rows import row
from trial import Trial

from oms_platform import SERVICES

SLOTS = ("1", "2")
"""Further replicas of each service, beside the one with slot 0."""
STORM_ROUNDS = 8
PAUSE_SECONDS = (1.0, 3.0)
FROZEN_SECONDS = 9.0
"""Longer than a session (6 s): the frozen replica's partitions are somebody else's by then."""


async def _everybody(trial: Trial, slot: str) -> None:
    await asyncio.gather(*(trial.rig.add_replica(name, slot) for name in SERVICES))


async def _storm(trial: Trial, name: str, chance: Random) -> None:
    """Replicas of one service leave and join, some in order and some not."""
    for round_ in range(STORM_ROUNDS):
        slot = SLOTS[round_ % len(SLOTS)]
        if (name, slot) in trial.rig.replicas:
            if chance.random() < 0.5:
                trial.rig.kill_replica(name, slot)
            else:
                await trial.rig.remove_replica(name, slot)
        else:
            await trial.rig.add_replica(name, slot)
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))


@pytest.mark.parametrize("names", [SERVICES[:3], SERVICES[3:]], ids=["first", "last"])
@row(16, "replicas join, leave and die every few seconds, three of each service at most")
async def test_a_storm_of_rebalances(trial: Trial, names: tuple[str, ...]) -> None:
    async with trial.load(orders=900, a_second=4) as load:
        await load.reaches(0.01)
        await asyncio.gather(*(_storm(trial, name, Random(name)) for name in names))
        await trial.rig.remove_replicas()
        load.enough()
    given_up = [line for line in trial.said("work given up") if line["process"] in names]
    trial.witness("rebalances", len(given_up))
    amid = [line for line in given_up if line["in_cycle"] or line["batches_dropped"]]
    trial.witness("rebalances in the middle of a batch", len(amid))
    if repeats := trial.counts.of("oms_repeats_total"):  # a batch may also be lost unheard
        trial.witness("records absorbed as repeated", repeats)


@pytest.mark.parametrize("names", [SERVICES[:3], SERVICES[3:]], ids=["first", "last"])
@row(30, "SIGSTOP past the session time-out while another replica takes over, then SIGCONT")
async def test_a_frozen_replica_comes_back_and_is_nobodys_owner(
    trial: Trial, names: tuple[str, ...]
) -> None:
    async with trial.load(orders=900, a_second=5) as load:
        await asyncio.gather(*(trial.rig.add_replica(name, "1") for name in names))
        for name in names:
            trial.rig.freeze(name)
        await asyncio.sleep(FROZEN_SECONDS)
        for name in names:
            trial.rig.thaw(name)
        await load.reaches(len(load.placed) / len(load.plan) + 0.05)
        await trial.rig.remove_replicas()
        load.enough()
    trial.witness("replicas that stood still past their session", len(names))
