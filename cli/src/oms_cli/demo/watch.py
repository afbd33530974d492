"""Watching orders until each has come to rest where it was predicted to, or nothing moves."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from oms_cli.doors import Doors
from oms_cli.endings import Named, find_orders, label
from oms_cli.generator import Planned

LOOK_SECONDS = 1.0
STILL_SECONDS = 60.0
"""When nothing has moved for so long, whatever has not come to its end will not."""
NOT_THERE = "not there"

Stages = Mapping[str, int]
"""How many orders stand at which status."""


class Watch:
    """Where the orders of a plan stand; none of them was received before `since`."""

    def __init__(self, doors: Doors, orders: Sequence[Planned], since: datetime) -> None:
        self._doors = doors
        self._since = since
        self._orders = {(o.channel, o.external_id): o for o in orders}
        self._codes: dict[Named, str] = {}
        self.labels: dict[Named, str] = {}
        self.ids: dict[Named, str] = {}
        """Order ids, as far as the orders are there."""

    async def until_rest(self, told: Callable[[Stages], None]) -> None:
        """Look again and again; `told` gets the stages each time they were looked at."""
        moved_at = time.monotonic()
        before: Mapping[Named, str] = {}
        while time.monotonic() - moved_at < STILL_SECONDS:
            told(await self.look())
            if not self.astray():
                return
            if self.labels != before:
                moved_at, before = time.monotonic(), dict(self.labels)
            await asyncio.sleep(LOOK_SECONDS)

    def astray(self) -> list[tuple[Planned, str]]:
        """Orders that are not where they were predicted to be, and where they are instead."""
        return [
            (order, self.labels.get(name, NOT_THERE))
            for name, order in self._orders.items()
            if self.labels.get(name) != order.expected.label
        ]

    async def look(self) -> Stages:
        """Find out where every order stands now."""
        found = await find_orders(self._doors, self._orders.keys(), self._since)
        for name, listed in found.items():
            self.ids[name] = listed["order_id"]
            self.labels[name] = label(listed, await self._code(name, listed))
        return Counter(listed["status"] for listed in found.values())

    async def _code(self, name: Named, listed: Mapping[str, Any]) -> str:
        """Why an order was cancelled: its page says, once."""
        if listed["status"] != "cancelled":
            return ""
        if name not in self._codes:
            page = await self._doors.get("order", f"/orders/{listed['order_id']}")
            self._codes[name] = page["cancel"]["code"]
        return self._codes[name]
