"""Rows 9 and 10: services cut off from database or broker, one way or both; and slowness."""

import asyncio
import time
from statistics import quantiles

import httpx
from rows import row, smoke
from trial import Trial

CUT_OFF_SECONDS = 8.0
"""Longer than the shortest session: the broker takes the partitions away meanwhile."""
SLOW_SECONDS = 0.05
"""Every piece between a slow service and its database is late by so much."""
SLOW_BYTES_A_SECOND = 200_000
LOOKS = 40
UNDISTURBED_FACTOR = 2.0
"""Others may take so many times as long as before, while one service is slow (p99)."""
UNDISTURBED_SECONDS = 0.25
"""What a busy machine of two cores takes for a look at any time."""


@smoke
@row(9, "database cut off both ways, nothing is closed, then it comes through")
async def test_services_are_cut_off_from_their_databases(trial: Trial) -> None:
    names = ("inventory", "billing")
    async with trial.rig.behind_proxies(*names) as proxies, trial.load() as load:
        await load.reaches(0.2)
        before = len(load.placed)
        for name in names:
            proxies[name].database.freeze()
        await asyncio.sleep(CUT_OFF_SECONDS)
        placed = len(load.placed) - before
        for name in names:
            proxies[name].database.heal()
    trial.witness("orders accepted while stock and money were cut off", placed)


@row(9, "half open: the database hears the service, the service nothing")
async def test_answers_of_the_database_do_not_come_back(trial: Trial) -> None:
    async with trial.rig.behind_proxies("order") as proxies, trial.load() as load:
        await load.reaches(0.3)
        sent = proxies["order"].database.up.passed_bytes
        proxies["order"].database.down.frozen = True
        await asyncio.sleep(CUT_OFF_SECONDS)
        sent = proxies["order"].database.up.passed_bytes - sent
        proxies["order"].database.heal()
    trial.witness("bytes the database heard and nobody knew of", sent)


@row(9, "broker cut off for longer than a session: partitions are taken away and come back")
async def test_services_are_cut_off_from_the_broker(trial: Trial) -> None:
    names = ("order", "shipping")
    async with trial.rig.behind_proxies(*names) as proxies, trial.load(orders=90) as load:
        await load.reaches(0.3)
        for name in names:
            for proxy in proxies[name].kafka.values():
                proxy.freeze()
        await asyncio.sleep(CUT_OFF_SECONDS)
        for name in names:
            for proxy in proxies[name].kafka.values():
                proxy.heal()
    trial.witness("offsets that could not be committed", len(trial.said("offsets not committed")))


@row(10, "a slow database and a slow broker: others are served as before")
async def test_one_slow_service_slows_no_other(trial: Trial) -> None:
    async with trial.rig.behind_proxies("billing") as proxies, trial.load() as load:
        await load.reaches(0.2)
        usual = await _p99_seconds(trial)
        slow = proxies["billing"]
        for way in (slow.database.up, slow.database.down):
            way.delay_seconds = SLOW_SECONDS
        for proxy in slow.kafka.values():
            proxy.down.bytes_a_second = SLOW_BYTES_A_SECOND
        passed = slow.database.down.passed_bytes
        meanwhile = await _p99_seconds(trial)
        assert meanwhile <= max(UNDISTURBED_FACTOR * usual, UNDISTURBED_SECONDS)
        await load.reaches(0.9)
        passed = slow.database.down.passed_bytes - passed
    trial.witness("bytes that came late", passed)


async def _p99_seconds(trial: Trial) -> float:
    """How long people wait for the warehouse's list of work."""
    system, took = trial.rig.system, []
    async with httpx.AsyncClient(
        base_url=system.urls["warehouse"], headers=system.headers("operator"), timeout=30
    ) as client:
        for _ in range(LOOKS):
            began = time.monotonic()
            (await client.get("/fulfilments", params={"location": "FLOOR"})).raise_for_status()
            took.append(time.monotonic() - began)
    return quantiles(took, n=100)[98]
