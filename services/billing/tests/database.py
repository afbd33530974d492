"""Billing on a real database, without the machinery around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from builders import NOW, ORDER

from oms_billing.domain import Policy
from oms_billing.main import service
from oms_billing.sandbox import Provider
from oms_billing.store import STORE
from oms_chassis.decision import Done, Effect, Input, Ref, Refused, Unknown, mint_id
from oms_chassis.fold import Outcome, fold
from oms_chassis.problems import CommandRefused

TENANT = "main"
PARTITIONS = 12


class Database:
    """Decides batches of inputs, one transaction each, as the service would."""

    def __init__(self, db: asyncpg.Connection, now: datetime = NOW) -> None:
        self.db = db
        self.core = service.core(Policy())
        self.now = now
        self.told = 0
        self.provider = Provider()
        self.open_calls: list[tuple[str, Effect]] = []

    async def tell(self, *bodies: Any, key: str = ORDER) -> Outcome:
        """Load, decide, save; all in one batch."""
        return await self.batch([(key, body) for body in bodies])

    async def batch(self, told: list[tuple[str, Any]]) -> Outcome:
        """The same about several orders."""
        self.now += timedelta(seconds=1)
        items = []
        for key, body in told:
            self.told += 1
            id_ = body.effect_id if isinstance(body, Done | Refused | Unknown) else None
            items.append(Input(id_ or mint_id(self.now, f"{self.told}"), key, body, self.now))
        refs = {ref for item in items for ref in self.core.roots_of(item)}
        async with self.db.transaction():
            held = await STORE.load(self.db, TENANT, refs, items, PARTITIONS)
            before = {ref: root.state for ref, root in held.items()}
            own = [(self.core.roots_of(item)[0], item) for item in items]
            out = fold(self.core, held, own, self.now, set())
            assert not out.failed, out.failed
            await STORE.save(self.db, TENANT, before, held, out.rows)
        self.open_calls += [
            (c.ref[1], Effect(c.effect.gateway, c.effect.method, c.effect.body, c.id))
            for c in out.effects
        ]
        return out

    async def answered(self) -> None:
        """The provider answers every open call, and those that follow."""
        while self.open_calls:
            calls, self.open_calls = self.open_calls, []
            await self.batch([(key, self._outcome(effect)) for key, effect in calls])

    def _outcome(self, effect: Effect) -> Done | Refused | Unknown:
        assert effect.id is not None
        about = (effect.id, effect.gateway, effect.method)
        key = str(effect.body["key"])
        reply = self.provider.handle(effect.method, key, effect.body, self.now)
        if reply.code:
            return Refused(*about, reply.code)
        return Unknown(*about) if reply.answer is None else Done(*about, reply.answer)

    async def submit(
        self, ref: Ref, body: Any, actor: str, id: UUID | None = None
    ) -> Mapping[str, Any]:
        """What the HTTP door does with a command."""
        ((_, decision),) = (await self.tell(body, key=ref[1])).decisions
        if decision.refusal is not None:
            raise CommandRefused(decision.refusal.code, decision.refusal.text)
        return decision.answer or {}
