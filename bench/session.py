"""One session: bring the system up, measure each stage, wait for every end, prove the books."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench import counts, growth, meter, record
from bench.figures import cost, measured
from bench.floor.measure import floors
from bench.plan import FLASH_UNITS, Plan, Spread
from bench.reading import Reading, read_stage
from bench.result import Cost, Result
from bench.revision import machine, revision
from bench.running import Say, bring_up, topics_of
from oms_cli.reconcile import reconcile
from oms_cli.stack import Stack

STATISTICS_SECONDS = 11.0
"""PostgreSQL's processes tell their counters after 10 idle seconds at the latest."""


@dataclass
class Session:
    """A system that is up, and what was measured on it so far."""

    plan: Plan
    stack: Stack
    say: Say
    readings: list[Reading] = field(default_factory=list)
    cost: Cost | None = None
    idle_cores: float = 0.0
    wrong: list[str] = field(default_factory=list)

    async def open_books(self) -> None:
        """Note where all counters stand, and what the system uses while it has nothing to do."""
        self._services = await counts.by_services(self.stack)
        self._log = counts.log_bytes(self.stack)
        self._stored = await counts.stored_bytes(self.stack)
        pids, began = meter.groups(self.stack), time.monotonic()
        used = meter.of_system(meter.cpu(pids))
        self._rows = await self._table_rows()
        used = meter.of_system(meter.cpu(pids)) - used
        self.idle_cores = round(used / (time.monotonic() - began), 3)

    async def measure(self) -> None:
        """All stages. Before orders are copied into the stores, what there is is proved."""
        for number, stage in enumerate(self.plan.stages, 1):
            if stage.stored_orders:
                if self.cost is None:
                    await self.close_books()
                await self._store(stage.stored_orders)
            self.say(f"{stage.rate:g} orders/s for {stage.warm_up_seconds:g} + {stage.seconds:g} s")
            self.readings.append(await read_stage(self.stack, self.plan, stage, number))
        if self.cost is None:
            await self.close_books()

    async def close_books(self) -> None:
        """What an order took so far, and whether everything is consistent."""
        self.say("reading the log")
        told = await self.record()
        services = _less(await counts.by_services(self.stack), self._services)
        log = _less(counts.log_bytes(self.stack), self._log)
        rows = {
            table: _less(now, self._rows.get(table, {}))
            for table, now in (await self._table_rows()).items()
        }
        stored = _less(await counts.stored_bytes(self.stack), self._stored)
        self.cost = cost(told, services, rows, log, stored)
        self.say("reconciling")
        report = await reconcile(self.stack.system, topics_of(self.stack))
        self.wrong = [f"{f.id} {f.title}: {v}" for f in report.findings for v in f.violations]
        if report.in_motion:
            self.wrong.append(f"{report.in_motion} still in motion")
        sold = sum(life.end == "shipped" for life in told.lives.values())
        if self.plan.work.spread is Spread.FLASH and sold != FLASH_UNITS:
            self.wrong.append(f"{sold} units were sold, and there were {FLASH_UNITS}")

    async def record(self) -> record.Record:
        """What the log tells by now."""
        system = self.stack.system
        return await record.read(system.bootstrap, system.tenant, topics_of(self.stack))

    async def _store(self, orders: int) -> None:
        assert self.cost is not None
        self.say(f"copying until {orders:,} orders are stored")
        kept = {
            table: kinds.get("insert", 0.0) - kinds.get("delete", 0.0)
            for table, kinds in self.cost.rows_by_table.items()
        }
        await growth.fill(growth.admin_dsns(self.stack.platform.state), kept, orders)

    async def _table_rows(self) -> dict[str, counts.Figures]:
        await asyncio.sleep(STATISTICS_SECONDS)
        return await counts.table_rows(self.stack)


async def run(plan: Plan, say: Say) -> tuple[Result, record.Record]:
    """All stages of a plan; the record of the log is for the plot."""
    async with bring_up(plan, say) as stack:
        session = Session(plan, stack, say)
        await session.open_books()
        await session.measure()
        assert session.cost is not None
        told = await session.record()
        cells = plan.floors
        lowest = await floors(stack, session.cost, topics_of(stack), cells, say) if cells else ()
        return Result(
            plan=plan.told(), revision=revision(), machine=machine(),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            measured=tuple(
                measured(stage, reading, told)
                for stage, reading in zip(plan.stages, session.readings, strict=True)
            ),
            cost=session.cost, idle_cores=session.idle_cores, floors=lowest,
            reconciled=not session.wrong, violations=tuple(session.wrong),
        ), told  # fmt: skip


def _less(after: counts.Figures, before: counts.Figures) -> counts.Figures:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}
