"""Watching orders until each has come to rest where it was predicted to, or nothing moves."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oms_cli.doors import Doors, Refused
from oms_cli.generator import End, Planned

LOOK_SECONDS = 1.0
STILL_SECONDS = 60.0
"""When nothing has moved for so long, whatever has not come to its end will not."""

Stages = Mapping[str, int]
"""How many orders stand at which status."""


class Watch:
    """Where the orders of a plan stand."""

    def __init__(self, doors: Doors, orders: Sequence[Planned]) -> None:
        self._doors = doors
        self._orders = {(o.channel, o.external_id): o for o in orders}
        self._codes: dict[str, str] = {}
        self.labels: dict[tuple[str, str], str] = {}

    async def until_rest(self, told: Callable[[Stages], None]) -> None:
        """Look again and again; `told` gets the stages each time they were looked at."""
        moved_at = time.monotonic()
        before: Mapping[tuple[str, str], str] = {}
        while time.monotonic() - moved_at < STILL_SECONDS:
            stages = await self._look()
            told(stages)
            if not self.astray():
                return
            if self.labels != before:
                moved_at, before = time.monotonic(), dict(self.labels)
            await asyncio.sleep(LOOK_SECONDS)

    def astray(self) -> list[tuple[Planned, str]]:
        """Orders that are not where they were predicted to be, and where they are instead."""
        return [
            (order, self.labels.get(key, "not there"))
            for key, order in self._orders.items()
            if self.labels.get(key) != order.expected.label
        ]

    async def _look(self) -> Stages:
        stages: Counter[str] = Counter()
        async for listed in self._doors.orders():
            key = (listed["channel"], listed["external_id"])
            if key in self._orders:
                stages[listed["status"]] += 1
                self.labels[key] = await self._label(listed)
        return stages

    async def _label(self, listed: Mapping[str, Any]) -> str:
        status, waiting_for = listed["status"], listed["waiting_for"]
        if status == End.CANCELLED:
            return f"{End.CANCELLED}:{await self._code(listed['order_id'])}"
        if status in (End.COMPLETED, End.REJECTED):
            return str(status)
        return f"{End.WAITS}:{waiting_for}"

    async def _code(self, order_id: str) -> str:
        if order_id not in self._codes:
            try:
                page = await self._doors.get("order", f"/orders/{order_id}")
            except Refused as no:
                return no.code
            self._codes[order_id] = page["cancel"]["code"]
        return self._codes[order_id]
