"""I13: what must hold at every moment is looked at while things break, not only afterwards.

A sample is one snapshot of each service's own database (REPEATABLE READ, on the primary, by a role
that can write nothing) and of the logs of the outside world. Within one snapshot nothing is "on
its way": stock is conserved, the ledger balances and nothing outside happened twice, whatever is
down at the time. A store that is away is counted and asked again next time.

    async with Sampler(system) as sampler:
        ...  # break things
    assert sampler.samples and not sampler.violations
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from oms_cli.reconcile import ledger, once, stock
from oms_cli.reconcile.ground import Check, Ground
from oms_cli.reconcile.log import Log
from oms_cli.reconcile.outside import Outside, read_calls
from oms_cli.reconcile.stores import Stores
from oms_cli.stack import System

EVERY_SECONDS = 0.5
"""From the beginning of one sample to the next, at the least."""
SHARE_MAX = 0.2
"""Part of the time in which a sample is being taken: the longer they get, the rarer they are."""
STORE_SECONDS = 10.0
"""How long one store may take to be sampled; after that it counts as away."""
CONNECT_SECONDS = 2.0
VIOLATIONS_MAX = 1_000
"""So many different violations are kept."""
NAME = "oms-sampler"
"""What the database server knows its connections by."""
OUTSIDE = "outside"

SAMPLED: Mapping[str, tuple[Check, ...]] = {
    "inventory": (
        stock.movements_add_up,
        stock.never_oversold,
        stock.no_cause_is_booked_twice,
        stock.reservations_own_what_is_reserved,
        stock.queues_hold_who_waits,
    ),
    "billing": (
        ledger.ledger_sums_to_zero,
        ledger.every_journal_balances,
        ledger.numbers_have_no_gap,
        ledger.ledger_agrees_with_payments,
    ),
    "notify": (once.no_message_is_written_twice,),
    OUTSIDE: (
        ledger.refunds_never_exceed_captures,
        once.no_invoice_is_captured_twice,
        once.no_refund_is_paid_twice,
        once.no_label_is_bought_twice,
    ),
}
"""What is checked in a snapshot of each store, by itself."""

_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass
class Sampler:
    """Samples the stores of `system` in the background while it is open; may be opened once.

    Only one sample is taken at a time, on one connection at a time.
    """

    system: System
    every_seconds: float = EVERY_SECONDS
    sampled: Counter[str] = field(default_factory=Counter)
    """Snapshots that were checked, by store."""
    away: Counter[str] = field(default_factory=Counter)
    """How often a store could not be read, by store."""
    repeats: int = 0
    """How often something outside was asked for again and absorbed, as of the last sample."""
    found: dict[str, datetime] = field(default_factory=dict)
    """Each violation, and when it was first seen."""
    longest_seconds: float = 0.0
    """What the longest sample took."""

    @property
    def samples(self) -> int:
        """Snapshots that were checked, of all stores."""
        return self.sampled.total()

    @property
    def violations(self) -> list[str]:
        """What was wrong at any moment, with the moment it was first seen."""
        return [f"{at:%H:%M:%S.%f} {what}" for what, at in self.found.items()]

    async def __aenter__(self) -> Self:
        self._connections: dict[str, asyncpg.Connection] = {}
        self._task = asyncio.create_task(self._run(), name="sampler")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop; raises what ended the sampling before, since an unsampled fault proves nothing."""
        self._task.cancel()
        await asyncio.wait([self._task])
        for db in self._connections.values():
            db.terminate()
        if not self._task.cancelled() and (failed := self._task.exception()):
            raise failed

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            await self.sample()
            took = time.monotonic() - began
            self.longest_seconds = max(self.longest_seconds, took)
            await asyncio.sleep(max(self.every_seconds, took / SHARE_MAX) - took)

    async def sample(self) -> None:
        """Look at every store once."""
        for name in SAMPLED:
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    await self._look(name)
            except _AWAY:
                self.away[name] += 1
                if (db := self._connections.pop(name, None)) is not None:
                    db.terminate()
            else:
                self.sampled[name] += 1

    async def _look(self, name: str) -> None:
        tenant = self.system.tenant
        if name == OUTSIDE:
            calls = await asyncio.to_thread(
                read_calls, Path(self.system.data_dir), datetime.now(UTC)
            )
            await self._check(name, Ground(Stores({}, tenant), Log({}, ()), calls, {}))
            return
        async with _snapshot(await self._connection(name)) as db:
            stores = Stores({name: db}, tenant)
            roots = {name: await stores.roots(name)}
            await self._check(name, Ground(stores, Log({}, ()), Outside(), roots))

    async def _check(self, name: str, ground: Ground) -> None:
        findings = [await check(ground) for check in SAMPLED[name]]
        if name == OUTSIDE:
            self.repeats = sum(finding.repeats for finding in findings)
        for finding in findings:
            for violation in finding.violations:
                if len(self.found) < VIOLATIONS_MAX:
                    what = f"{finding.id} {finding.title}: {violation}"
                    self.found.setdefault(what, datetime.now(UTC))

    async def _connection(self, name: str) -> asyncpg.Connection:
        if name not in self._connections:
            self._connections[name] = await asyncpg.connect(
                self.system.check_dsns[name],
                timeout=CONNECT_SECONDS,
                # A look that was given up here must not go on there.
                server_settings={
                    "statement_timeout": f"{STORE_SECONDS * 1000:.0f}",
                    "application_name": NAME,
                },
            )
        return self._connections[name]


@asynccontextmanager
async def _snapshot(db: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """What is read of `db` is of one moment. After an error the connection is of no more use."""
    await db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    yield db
    await db.execute("COMMIT")
