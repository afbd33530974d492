"""The world as a check sees it, open to be tampered with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import asyncpg
from world import TENANT, TOPICS

from oms_cli.reconcile.ground import NO_SECRETS, Ground, lay_out
from oms_cli.reconcile.log import Log, Secrets, Spot, Told
from oms_cli.reconcile.outside import Outside
from oms_cli.reconcile.quiet import Rest
from oms_cli.reconcile.stores import Stores


@dataclass
class Scene:
    """The world as a check sees it, open to be tampered with; nothing of it lasts."""

    stores: dict[str, asyncpg.Connection]
    told: list[Told]
    outside: Outside
    heard: dict[str, dict[tuple[str, int], int]] = field(default_factory=dict)
    secrets: Secrets = NO_SECRETS
    rest: Rest = field(default_factory=Rest)
    injected: frozenset[Spot] | None = None

    async def run(self, name: str, statement: str, *values: object) -> None:
        """Change a service's database."""
        await self.stores[name].execute(statement, *values)

    async def value(self, name: str, statement: str) -> str:
        """Something to tamper with."""
        found = await self.stores[name].fetchval(statement)
        assert found is not None, f"nothing to tamper with: {statement}"
        return str(found)

    async def ground(self) -> Ground:
        """What the checks look at."""
        ends = {}
        for told in self.told:
            ends[told.place] = max(told.offset + 1, ends.get(told.place, 0))
        log = Log(TOPICS, self.told, {}, ends, self.heard)
        ground = await lay_out(Stores(self.stores, TENANT), log, self.outside)
        return replace(
            ground, secrets=self.secrets, rest=self.rest, injected=self.injected
        )  # fmt: skip


async def completed(s: Scene) -> str:
    """An order that was shipped and paid for by a provider's token."""
    return await s.value(
        "order",
        "SELECT order_id FROM orders WHERE status = 'completed' AND channel = 'web' "
        "ORDER BY order_id",
    )


async def some_sku(s: Scene) -> str:
    return await s.value("inventory", "SELECT sku FROM movement ORDER BY sku")


Plant = Callable[[Scene], Awaitable[None]]
