"""Row 1: every service dies at every step, the first time it comes there and a later time."""

import asyncio

import pytest
from crashes import ALONE, NEVER, Deaths, Step, all_steps, steps
from load import SHARES
from parking import are_parked, comes_through, parked, redrive, redrive_all, refusing
from patience import PatientDoors
from rows import row, smoke
from trial import Trial

from oms_chassis.crashpoints import POINTS
from oms_platform import SERVICES

ORDERS_MAX = 900
ORDERS_A_SECOND = 5.0
"""Few enough that services which restart all the time keep up."""
RECOVERY_SECONDS_MAX = 30.0
REFUSED_PERCENT = 25
MAILS_BOUNCE = {**SHARES, "mails bounce": 10}
"""Notify has nothing to publish but mails that did not arrive."""
PARKED_MIN = 3
"""One to be redriven for the first death, two for the second."""
GROUPS = {
    "transaction": ("before_tx", "after_inbox", "after_decide"),
    "commit": ("before_commit", "after_commit", "after_call"),
    "publishing": ("after_send", "before_delete", "in_wake_up"),
    "offsets": ("before_offsets", "after_offsets"),
}
SAMPLE = (
    Step("order", "after_commit", 1), Step("inventory", "before_offsets", 1),
    Step("warehouse", "after_inbox", 7), Step("billing", "after_call", 1),
    Step("shipping", "after_send", 1), Step("notify", "before_commit", 7),
)  # fmt: skip


def test_all_steps_are_enumerated_and_each_belongs_to_a_test() -> None:
    grouped = [point for group in GROUPS.values() for point in group]
    assert sorted([*grouped, *ALONE]) == sorted(POINTS)
    wanted = all_steps()
    print("\n".join(map(str, wanted)))
    assert len(wanted) == len(set(wanted)) == 2 * (len(SERVICES) * len(POINTS) - len(NEVER))


async def _die(trial: Trial, wanted: list[Step]) -> None:
    deaths = Deaths(trial.rig)
    async with trial.load(ORDERS_MAX, ORDERS_A_SECOND, shares=MAILS_BOUNCE) as load:
        await deaths.walk(wanted)
        load.enough()
    for step in deaths.died:
        trial.witness(f"deaths {step.point}", 1)
    trial.witness("records absorbed as repeated", trial.counts.of("oms_repeats_total"))
    assert not deaths.missed, "never came to: " + ", ".join(map(str, deaths.missed))
    assert deaths.recovery_seconds_max <= RECOVERY_SECONDS_MAX


@smoke
@row(1, "a sample: each service dies once, at six different steps")
async def test_a_sample_of_deaths(trial: Trial) -> None:
    await _die(trial, list(SAMPLE))


@pytest.mark.parametrize("group", GROUPS)
@row(1, "kill at every step of the cycle, the first time and a later one")
async def test_every_service_dies_at_every_step(trial: Trial, group: str) -> None:
    await _die(trial, list(steps(*GROUPS[group])))


@row(1, "kill while parked inputs are redriven")
async def test_every_service_dies_while_it_redrives(trial: Trial) -> None:
    deaths = Deaths(trial.rig)
    async with trial.load(orders=ORDERS_MAX, a_second=ORDERS_A_SECOND) as load:
        load.doors.later.add(500)  # what nobody could save is a fault to whoever asked for it
        await asyncio.gather(*(_die_redriving(deaths, load.doors, name) for name in SERVICES))
        load.enough()
    trial.witness("deaths in_redrive", len(deaths.died))
    trial.witness("inputs parked and redriven", len(trial.said("input cannot be saved")))
    assert not deaths.missed, ", ".join(map(str, deaths.missed))


async def _die_redriving(deaths: Deaths, doors: PatientDoors, name: str) -> None:
    async with refusing(deaths.rig, name, REFUSED_PERCENT):
        await are_parked(doors, name, PARKED_MIN)
    for step in steps("in_redrive", services=[name]):
        await deaths.arm(name, step)
        *before, last = (await parked(doors, name))[: step.hit]
        for line in before:
            await redrive(doors, name, line)
            await comes_through(doors, name, line)
        asking = asyncio.create_task(redrive(doors, name, last))
        await deaths.dies(step)
        await deaths.arm(name, None)
        await asking
        await comes_through(doors, name, last)
    await redrive_all(doors, name)


@row(1, "kill while partitions are given up")
async def test_every_service_dies_while_it_gives_up_partitions(trial: Trial) -> None:
    deaths = Deaths(trial.rig)
    async with trial.load(orders=ORDERS_MAX, a_second=ORDERS_A_SECOND) as load:
        await asyncio.gather(*(_die_giving_up(deaths, name) for name in SERVICES))
        load.enough()
    trial.witness("deaths in_revoke", len(deaths.died))
    assert not deaths.missed, ", ".join(map(str, deaths.missed))


async def _die_giving_up(deaths: Deaths, name: str) -> None:
    """Another replica joins, which is the first time to give something up; then it leaves."""
    for step in steps("in_revoke", services=[name]):
        await deaths.arm(name, step)
        joining = asyncio.create_task(deaths.rig.add_replica(name, "1"))
        if step.hit > 1:
            await joining
            await deaths.rig.remove_replica(name, "1")
        await deaths.dies(step)
        await deaths.arm(name, None)
        await joining
        if step.hit == 1:
            await deaths.rig.remove_replica(name, "1")
