"""Notify on a real database, without the machinery around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from builders import NOW, ORDER_ID, SKU

from oms_chassis.decision import Done, Effect, Input, Ref, Refused, mint_id
from oms_chassis.fold import Outcome, fold
from oms_chassis.problems import CommandRefused
from oms_notify.domain import Policy
from oms_notify.main import service
from oms_notify.store import STORE

TENANT = "main"
PARTITIONS = 12
ORDER = ("messages", ORDER_ID)
GOODS = ("alerts", SKU)


class Database:
    """Decides one input per transaction, as the service would."""

    def __init__(self, db: asyncpg.Connection, policy: Policy | None = None) -> None:
        self.db = db
        self.core = service.core(policy or Policy())
        self.now = NOW
        self.told = 0
        self.effects: list[Effect] = []

    async def tell(self, body: Any, ref: Ref = ORDER, actor: str = "") -> Outcome:
        """Load, decide, save."""
        self.told += 1
        self.now += timedelta(seconds=1)
        input_id = mint_id(self.now, f"input {self.told}")
        item = Input(input_id, ref[1], body, self.now, actor=actor)
        refs = {ref, *self.core.roots_of(item)}
        async with self.db.transaction():
            held = await STORE.load(self.db, TENANT, refs, [item], PARTITIONS)
            before = {found: root.state for found, root in held.items()}
            out = fold(self.core, held, [(ref, item)], self.now, set())
            assert not out.failed, out.failed
            await STORE.save(self.db, TENANT, before, held, out.rows)
        self.effects += [called.effect for called in out.effects]
        return out

    async def sent(self, ref: Ref = ORDER) -> Outcome:
        """The mail server takes the open mail."""
        effect = self.effects[-1]
        assert effect.id is not None
        return await self.tell(Done(effect.id, effect.gateway, effect.method, {}), ref)

    async def refused(self, ref: Ref = ORDER) -> Outcome:
        """The mail server turns the open mail down."""
        effect = self.effects[-1]
        assert effect.id is not None
        return await self.tell(Refused(effect.id, effect.gateway, effect.method, "550"), ref)

    async def submit(
        self, ref: Ref, body: Any, actor: str, id: UUID | None = None
    ) -> Mapping[str, Any]:
        """What the HTTP door does with a command."""
        ((_, decision),) = (await self.tell(body, ref, actor)).decisions
        if decision.refusal is not None:
            raise CommandRefused(decision.refusal.code, decision.refusal.text)
        return decision.answer or {}
