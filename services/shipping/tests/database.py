"""Shipping on a real database, without the machinery around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from builders import NOW, ORDER_ID

from oms_chassis.decision import Done, Effect, Input, Ref, mint_id
from oms_chassis.fold import Outcome, fold
from oms_chassis.problems import CommandRefused
from oms_shipping.domain import Policy
from oms_shipping.main import service
from oms_shipping.store import STORE

TENANT = "main"
PARTITIONS = 12


class Database:
    """Decides one input per transaction, as the service would."""

    def __init__(self, db: asyncpg.Connection, policy: Policy) -> None:
        self.db = db
        self.core = service.core(policy)
        self.now = NOW
        self.told = 0
        self.effects: list[Effect] = []

    async def tell(self, body: Any, key: str = ORDER_ID) -> Outcome:
        """Load, decide, save."""
        self.told += 1
        self.now += timedelta(seconds=1)
        item = Input(mint_id(self.now, f"input {self.told}"), key, body, self.now)
        refs = list(self.core.roots_of(item))
        async with self.db.transaction():
            held = await STORE.load(self.db, TENANT, refs, [item], PARTITIONS)
            before = {ref: root.state for ref, root in held.items()}
            out = fold(self.core, held, [(refs[0], item)], self.now, set())
            assert not out.failed, out.failed
            await STORE.save(self.db, TENANT, before, held, out.rows)
        self.effects += [called.effect for called in out.effects]
        return out

    async def answer(self, **answer: Any) -> Outcome:
        """The carrier does what it was asked to last."""
        effect = self.effects[-1]
        assert effect.id is not None
        return await self.tell(Done(effect.id, effect.gateway, effect.method, answer))

    async def submit(
        self, ref: Ref, body: Any, actor: str, id: UUID | None = None
    ) -> Mapping[str, Any]:
        """What the HTTP door does with a command."""
        ((_, decision),) = (await self.tell(body, ref[1])).decisions
        if decision.refusal is not None:
            raise CommandRefused(decision.refusal.code, decision.refusal.text)
        return decision.answer or {}


def seconds_after_now(count: float) -> datetime:
    """A moment in the story that the tests tell."""
    return NOW + timedelta(seconds=count)
