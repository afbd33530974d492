"""An order as it was: its history folded up to an instant, and how far that can be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms_chassis.http import Door, NotFound, Problem
from oms_order import views
from oms_order.domain import NoOrder, Order, Policy
from oms_order.history import rebuild, unsure
from oms_order.page import HistoryEntry, RebuiltView


@dataclass(frozen=True)
class Past:
    """What a page is made of; `rebuilt` is None for an order as it is."""

    order: Order | NoOrder
    policy: Policy
    history: Sequence[HistoryEntry]
    rebuilt: RebuiltView | None


async def as_it_was(door: Door, today: Policy, order_id: str, at: datetime) -> Past:
    """An order at an instant; raises NotFound where there was none yet.

    History and row are read at one moment, so that they must agree: if they do not, the rules
    have changed since, and the page says so. Folding is work: a thread does it beside the cycles.
    """
    async with door.sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        heard = await views.heard(session, order_id, views.FOLDED_MAX + 1)
        rules = await views.rules(session, today)
        stored = await views.stored(session, door.tenant, order_id)
        told = await views.history(session, order_id, at)
    if len(heard) > views.FOLDED_MAX:
        text = f"more than {views.FOLDED_MAX} inputs would have to be folded again"
        raise Problem(422, "history_too_long", text)
    was, now = await asyncio.to_thread(lambda: (rebuild(rules, heard, at), rebuild(rules, heard)))
    if was.state is None:
        raise NotFound("there was no such order yet")
    notes = unsure(rules, heard, now)
    if differing := now.differs_from(stored):
        notes.append(f"today's rules make another order of it: {', '.join(differing)} differ")
    view = RebuiltView(at, len(was.outcome.decisions), not differing, notes)
    return Past(was.state, was.policy, told, view)
