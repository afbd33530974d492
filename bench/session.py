"""One session: bring the system up, measure each stage, wait for every end, prove the books."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench import counts, meter, record
from bench.plan import Plan, Stage
from bench.result import Cost, Measured, Result
from bench.running import CHECKOUT, Generator, Say, bring_up, settle, topics_of
from oms_cli.reconcile import reconcile
from oms_cli.stack import Stack

LOOK_SECONDS = 5.0
"""Memory is looked at so often: reading it takes the kernel some milliseconds a process."""
STATISTICS_SECONDS = 11.0
"""PostgreSQL's processes tell their counters after 10 idle seconds at the latest."""
SHARES = (0.5, 0.99, 0.999)


@dataclass
class Reading:
    """What was read at the two ends of a stage, and in between."""

    began: float
    ended: float
    used: meter.Figures
    database: counts.Figures
    memory: meter.Figures = field(default_factory=dict)
    generator: dict[str, float] = field(default_factory=dict)


@dataclass
class Session:
    """A system that is up, and what was measured on it so far."""

    plan: Plan
    stack: Stack
    say: Say
    readings: list[Reading] = field(default_factory=list)

    async def measure(self, stage: Stage) -> None:
        """Load the system for one stage and let it come to rest."""
        number = len(self.readings) + 1
        self.say(f"{stage.rate:g} orders/s for {stage.warm_up_seconds:g} + {stage.seconds:g} s")
        generator = Generator(self.stack, self.plan.work, stage, number)
        began = await generator.start() + stage.warm_up_seconds
        await asyncio.sleep(began - time.time())
        reading = await self._read(generator, began, began + stage.seconds)
        reading.generator = await generator.finish()
        self.readings.append(reading)
        await settle(self.stack)

    async def _read(self, generator: Generator, began: float, end: float) -> Reading:
        pids = meter.groups(self.stack, generator.pids)
        used, database = meter.cpu(pids), await counts.database(self.stack)
        began = time.time()
        memory: meter.Figures = {}
        while (left := end - time.time()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))
            for name, mb in meter.memory_mb(pids).items():
                memory[name] = max(memory.get(name, 0.0), mb)
        used = {name: value - used[name] for name, value in meter.cpu(pids).items()}
        after = await counts.database(self.stack)
        after["wal_bytes"] -= database["wal_bytes"]
        return Reading(began, time.time(), used, after, memory)


async def run(plan: Plan, say: Say) -> tuple[Result, record.Record]:
    """All stages of a plan; the record of the log is for the plot."""
    async with bring_up(plan, say) as stack:
        session = Session(plan, stack, say)
        services, rows = await counts.by_services(stack), await _rows(stack)
        log = counts.log_bytes(stack)
        for stage in plan.stages:
            await session.measure(stage)
        say("reading the log")
        told = await record.read(stack.system.bootstrap, stack.system.tenant, topics_of(stack))
        services = _less(await counts.by_services(stack), services)
        log = _less(counts.log_bytes(stack), log)
        rows = {
            table: _less(now, rows.get(table, {})) for table, now in (await _rows(stack)).items()
        }
        say("reconciling")
        report = await reconcile(stack.system, topics_of(stack))
        wrong = [f"{f.id} {f.title}: {v}" for f in report.findings for v in f.violations]
        wrong += [f"{report.in_motion} still in motion"] if report.in_motion else []
        result = Result(
            plan=plan.told(), revision=revision(), machine=machine(),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            measured=tuple(
                measured(stage, reading, told)
                for stage, reading in zip(plan.stages, session.readings, strict=True)
            ),
            cost=cost(told, services, rows, log),
            reconciled=not wrong, violations=tuple(wrong),
        )  # fmt: skip
        return result, told


async def _rows(stack: Stack) -> dict[str, counts.Figures]:
    await asyncio.sleep(STATISTICS_SECONDS)
    return await counts.table_rows(stack)


def _less(after: counts.Figures, before: counts.Figures) -> counts.Figures:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def measured(stage: Stage, reading: Reading, told: record.Record) -> Measured:
    """The figures of a stage from what was read."""
    seconds = reading.ended - reading.began
    lives = told.between(reading.began, reading.ended)
    done = told.done_between(reading.began, reading.ended)
    per_1000 = 1000 / max(done, 1)
    used = dict(reading.used)
    machine_s, steal_s = used.pop("machine"), used.pop("steal")
    system = {name: cpu for name, cpu in used.items() if cpu > 0 and name not in meter.OURS}
    cpu = {name: round(value * per_1000, 3) for name, value in system.items()}
    p50, p99, p999 = (round(1000 * s) for s in record.percentiles(lives, SHARES))
    memory = {name: round(mb) for name, mb in reading.memory.items()}
    memory["system"] = sum(mb for name, mb in memory.items() if name not in meter.OURS)
    ends = Counter(life.end for life in lives if life.end)
    return Measured(
        rate=stage.rate, seconds=round(seconds, 2), orders=len(lives),
        orders_per_s=round(done / seconds, 1),
        behind_s=round(told.open_at(reading.ended) / stage.rate, 2),
        p50_ms=p50, p99_ms=p99, p999_ms=p999,
        cpu_s_per_1000=cpu | {"total": round(sum(system.values()) * per_1000, 3)},
        generator_cpu_s_per_1000=round(
            1000 * reading.generator["cpu_seconds"] / reading.generator["sent"], 3
        ),
        generator_late_s=round(reading.generator["late_s_max"], 2),
        others_cores=round(meter.others_cores(reading.used, seconds), 2),
        steal_cores=round(steal_s / seconds, 2), busy_cores=round(machine_s / seconds, 2),
        wal_bytes_per_order=round(reading.database["wal_bytes"] / max(done, 1)),
        memory_mb=memory, connections=round(reading.database["connections"]),
        ends=dict(ends), unfinished=len(lives) - ends.total(),
    )  # fmt: skip


def cost(
    told: record.Record, services: counts.Figures, rows: dict[str, counts.Figures],
    log: counts.Figures,
) -> Cost:  # fmt: skip
    """What one order takes, warm-ups included: counts do not depend on the clock."""
    orders = max(len(told.lives), 1)
    ours = {kind: n for kind, n in told.records.items() if not kind[1].startswith("oms.goods.")}
    return Cost(
        orders=len(told.lives),
        publishes=round(services["publishes"] / orders, 2),
        consumes=round(services["consumes"] / orders, 2),
        skips=round(services["skips"] / orders, 2),
        transactions=round(services["transactions"] / orders, 2),
        row_writes=round(counts.written(rows) / orders, 2),
        outside_calls=round(services["calls"] / orders, 2),
        log_bytes=round(sum(log.values()) / orders),
        record_bytes=round(sum(told.bytes[kind] for kind in ours) / orders),
        records_by_type={
            f"{topic} {name}": round(n / orders, 4) for (topic, name), n in sorted(ours.items())
        },
        rows_by_table={
            table: per
            for table, kinds in sorted(rows.items())
            if (per := {kind: round(n / orders, 4) for kind, n in kinds.items() if n})
        },
    )


def revision() -> str:
    """The commit that was measured, marked where the tree differs from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True
    )
    return told.stdout.strip() or "unknown"


def machine() -> str:
    """What it ran on."""
    with open("/proc/cpuinfo") as told:
        names = [line.partition(":")[2].strip() for line in told if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return f"{os.cpu_count()} x {name}, Python {platform.python_version()}"
