"""Performing open calls to gateways, within limits, and bringing back their outcomes.

An outcome is done, refused or unknown. Unknown is never reported as refused: it is repeated as
the gateway's method allows, and if that does not help either, the core is told that nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from oms_chassis.crashpoints import reach
from oms_chassis.decision import Done, Input, Refused, Unknown
from oms_chassis.gateway import Gateway, GatewayRefused, Repeat
from oms_chassis.metrics import Metrics
from oms_chassis.work import CallRow, Source, Work

BACKOFF_SECONDS = 0.2
"""Pause before the second attempt; doubles with each."""
BACKOFF_MAX_SECONDS = 10.0
BREAKER_FAILURES = 20
"""So many unknown results in a row open the breaker: calls wait, which is not an attempt."""
BREAKER_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """A gateway with its limit and its breaker."""

    gateway: Gateway
    slots: asyncio.Semaphore
    failures: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def succeeded(self) -> None:
        self.failures = 0
        self.closed.set()

    def failed(self) -> None:
        self.failures += 1
        if self.failures >= BREAKER_FAILURES and self.closed.is_set():
            self.closed.clear()
            asyncio.get_running_loop().call_later(BREAKER_SECONDS, self.closed.set)


class Calls:
    """Every open call of this process. `outcome` receives each result as work for the cycle."""

    def __init__(
        self, gateways: Mapping[str, Gateway], outcome: Callable[[Work], None], metrics: Metrics
    ) -> None:
        self._lines = {n: _Line(g, asyncio.Semaphore(g.in_flight_max)) for n, g in gateways.items()}
        for line in self._lines.values():
            line.closed.set()
        self._outcome = outcome
        self._metrics = metrics
        self._tasks: set[asyncio.Task[None]] = set()
        metrics.calls_open.set_function(lambda: len(self._tasks))

    def feed(self, rows: Iterable[CallRow], *, first_try: bool) -> None:
        """Start calls. Without `first_try` an earlier process may have made them already."""
        for row in rows:
            task = asyncio.create_task(self._perform(row, first_try), name=f"call {row.method}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Abandon open calls: their rows stay, and whoever takes over repeats them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines.values():
            await line.gateway.close()

    async def _perform(self, row: CallRow, first_try: bool) -> None:
        name = row.gateway
        line = self._lines[name]
        async with line.slots:
            body = await self._result(line, name, row, first_try)
        reach("after_call")
        item = Input(row.call_id, row.key, body, datetime.now(UTC), row.partition)
        self._metrics.outcome(name, row.method, type(body).__name__)
        self._outcome(
            Work(
                item,
                Source.OUTCOME,
                (row.kind, row.key),
                type(body).__name__,
                row.traceparent,
                row=row.id,
            )
        )

    async def _result(
        self, line: _Line, name: str, row: CallRow, first_try: bool
    ) -> Done | Refused | Unknown:
        gateway, method, key = line.gateway, row.method, str(row.call_id)
        request: Mapping[str, Any] = msgspec.json.decode(row.body)
        repeat = gateway.repeat[method]
        unsure, why = not first_try, "an earlier process may have made this call"
        for attempt in range(gateway.attempts_max):
            await line.closed.wait()
            if unsure and repeat is Repeat.ASK_PERSON:
                break
            try:
                async with asyncio.timeout(gateway.timeout_seconds):
                    answer = None
                    if unsure and repeat is Repeat.BY_LOOKUP:
                        answer = await gateway.lookup(method, key, request)
                    if answer is None:
                        answer = await gateway.call(method, key, request)
            except GatewayRefused as no:
                line.succeeded()
                return Refused(row.call_id, name, method, no.code, no.text)
            except Exception as error:  # an unknown result, whatever the library calls it
                line.failed()
                unsure, why = True, f"{type(error).__name__}: {error}"
                log.warning(
                    "call unanswered",
                    extra={"gateway": name, "method": method, "key": key, "error": why},
                )
                await asyncio.sleep(min(BACKOFF_SECONDS * 2**attempt, BACKOFF_MAX_SECONDS))
            else:
                line.succeeded()
                return Done(row.call_id, name, method, answer)
        return Unknown(row.call_id, name, method, why)
