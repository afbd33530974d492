"""Reading what the system used, from the beginning of a stage to its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bench import counts, meter
from bench.load import Job
from bench.plan import Plan, Stage
from bench.running import settle
from bench.worker import Worker, worker
from oms_cli.stack import Stack

LOOK_SECONDS = 5.0
"""Memory is looked at so often: reading it takes the kernel some milliseconds a process."""
RESTART_SECONDS = 1.0
"""A supervisor starts again what was killed after this."""


@dataclass
class Reading:
    """What was read at the two ends of a stage, and in between."""

    began: float
    ended: float
    used: meter.Figures
    database: counts.Figures
    memory: meter.Figures = field(default_factory=dict)
    generator: dict[str, float] = field(default_factory=dict)
    killed: float = 0.0
    """When a service was killed, in seconds since the epoch; 0 if none was."""


async def read_stage(stack: Stack, plan: Plan, stage: Stage, number: int) -> Reading:
    """Load the system for one stage and let it come to rest."""
    system = stack.system
    job = Job(system.bootstrap, system.tenant, plan.work, stage, number)
    async with worker("bench.load", job) as generator:
        began = (await generator.hear())["began"] + stage.warm_up_seconds
        await asyncio.sleep(began - time.time())
        killing = asyncio.create_task(_kill(stack, stage))
        reading = await _read(stack, generator, began + stage.seconds)
        reading.killed = await killing
        reading.generator = await generator.hear()
    await settle(stack)
    return reading


async def _read(stack: Stack, generator: Worker, end: float) -> Reading:
    pids = meter.groups(stack) | {"generator": [generator.pid]}
    used, database = meter.cpu(pids), await counts.database(stack)
    began = time.time()
    memory: meter.Figures = {}
    while (left := end - time.time()) > 0:
        await asyncio.sleep(min(left, LOOK_SECONDS))
        for name, mb in meter.memory_mb(pids).items():
            memory[name] = max(memory.get(name, 0.0), mb)
    used = {name: value - used[name] for name, value in meter.cpu(pids).items()}
    after = await counts.database(stack)
    after["wal_bytes"] -= database["wal_bytes"]
    return Reading(began, time.time(), used, after, memory)


async def _kill(stack: Stack, stage: Stage) -> float:
    """Kill a service in the middle of the stage and start it again."""
    if not stage.kill:
        return 0.0
    await asyncio.sleep(stage.seconds / 2)
    killed = time.time()
    stack.services[stage.kill].kill()
    await asyncio.sleep(RESTART_SECONDS)
    stack.services[stage.kill].start()
    return killed
