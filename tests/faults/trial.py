"""One trial: the system under load, a fault in the middle of it, rest, and the proof.

    async with trial.load() as load:
        await load.reaches(0.4)
        trial.rig.kill("billing")           # the fault: anything that happens in this block
        await trial.rig.start_again("billing")
    trial.witness("billing killed", 1)      # after the proof: what was seen to happen

When the block ends, the rest of the orders is placed and everything comes to rest. Then every
order must have come to the end that its seed foretold, as it does when nothing breaks, all
invariants must hold, and must have held in every snapshot taken meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
from counts import Counts
from load import SHARES, SKUS, Load, planned
from matrix import Result
from rig import TOPICS, Rig

from oms_cli.reconcile import Demands, reconcile
from oms_cli.reconcile.sampling import Sampler

ORDERS = 60
ORDERS_A_SECOND = 12.0
REST_SECONDS = 60.0
"""How long everything may take to come to rest after the last order was placed."""
LOOK_SECONDS = 0.5


@dataclass
class Trial:
    """What a row is given: a rig to break, a load to put on it, and a record to keep."""

    rig: Rig
    result: Result
    seed: int = 1
    began: str = ""
    """Logs and history from here on belong to this trial (RFC 3339, UTC)."""
    counts: Counts = field(init=False)
    sampler: Sampler = field(init=False)

    @asynccontextmanager
    async def load(
        self,
        orders: int = ORDERS,
        a_second: float = ORDERS_A_SECOND,
        demands: Demands | None = None,
        shares: Mapping[str, int] = SHARES,
        skus: int = SKUS,
    ) -> AsyncIterator[Load]:
        """The system under load; when the block ends it comes to rest and is proven."""
        self.result.runs += 1
        self.began = datetime.now(UTC).isoformat(timespec="milliseconds")
        load = Load(self.rig.system, planned(self.seed, orders, shares, skus), a_second)
        async with load.doors, load.channels, Counts(self.rig) as self.counts:
            await load.receive_stock()
            async with Sampler(self.rig.system) as self.sampler:
                placing = asyncio.create_task(load.place_all(), name="placing")
                keeping = asyncio.create_task(self._keep_floor(), name="floor")
                try:
                    yield load
                    await placing
                    astray = await load.astray(REST_SECONDS)
                finally:
                    placing.cancel()
                    keeping.cancel()
                    await asyncio.gather(placing, keeping, return_exceptions=True)
                    await load.go_home()
            await self._prove(astray, demands or Demands())

    def witness(self, what: str, count: float) -> None:
        """Something was seen to happen, so often; fails if it never was."""
        assert count > 0, f"no {what}: the fault did not happen, so nothing is proven"
        self.result.witnessed[what] += int(count)

    async def heard(self, service: str = "order") -> Counter[str]:
        """What kinds of inputs a service with a history has heard in this trial, by type."""
        db = await asyncpg.connect(self.rig.system.check_dsns[service])
        try:
            rows = await db.fetch(
                "SELECT type, count(*) FROM inbox WHERE at >= $1::text::timestamptz GROUP BY type",
                self.began,
            )
        finally:
            await db.close()
        return Counter(dict(map(tuple, rows)))

    def said(self, text: str, *services: str) -> list[dict[str, Any]]:
        """Log lines of this trial that tell of the event `text`."""
        lines = self.rig.logged(self.began, *services)
        return [line for line in lines if line.get("event") == text]

    async def _prove(self, astray: list[str], demands: Demands) -> None:
        report = await reconcile(self.rig.system, TOPICS, REST_SECONDS, demands)
        wrong = [f"not as foretold: {order}" for order in astray]
        wrong += [f"during the fault: {what}" for what in self.sampler.violations]
        wrong += [f"still moving: {what}" for what in report.unquiet]
        wrong += [f"{f.id} {f.title}: {what}" for f in report.findings for what in f.violations]
        self.result.violations += len(wrong)
        assert self.sampler.samples, "nothing was sampled during the fault"
        assert not wrong, "\n".join(wrong[:40])

    async def _keep_floor(self) -> None:
        """Pickers whose warehouse sent them home come back."""
        while True:
            assert self.rig.floor is not None
            if not self.rig.floor.running:
                self.rig.floor.start()
            await asyncio.sleep(LOOK_SECONDS)
