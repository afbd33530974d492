"""Reads for the order service's HTTP door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, text, tuple_
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_order.decisions import waiting
from oms_order.domain import NoOrder, Order, Policy, ids_of, order_key
from oms_order.page import page
from oms_order.store import read
from oms_order.tables import IdempotencyRow, OrderRow

PAGE_ROWS_MAX = 200
HISTORY_ROWS_MAX = 1_000

_HISTORY = text(
    "SELECT id, at, happened_at, type, actor FROM inbox WHERE key = :key ORDER BY at, id LIMIT :max"
)


async def find(session: AsyncSession, tenant: str, name: str) -> Order | NoOrder | None:
    """The order with this id, or with this number."""
    rows = select(OrderRow).where(OrderRow.tenant == tenant)
    ids = ids_of(name)
    if ids is not None:
        rows = rows.where(OrderRow.order_id >= ids[0], OrderRow.order_id <= ids[1])
    else:
        rows = rows.where(OrderRow.order_id == name)
    found = (await session.exec(rows.limit(1))).first()
    return None if found is None else _state(found)


async def of_channel(
    session: AsyncSession, tenant: str, channel: str, external_id: str
) -> Order | NoOrder | None:
    """The order that a channel knows by its own number."""
    return await find(session, tenant, order_key(tenant, channel, external_id))


async def full_page(
    session: AsyncSession, policy: Policy, order: Order | NoOrder
) -> dict[str, Any]:
    """The order's page with its history."""
    order_id = order.head.order_id if isinstance(order, Order) else order.order_id
    told = await session.exec(_HISTORY, params={"key": order_id, "max": HISTORY_ROWS_MAX})  # type: ignore[call-overload]
    history = [dict(row._mapping) for row in told]
    awaited = waiting(policy, order) if isinstance(order, Order) else []
    return page(order, awaited, history)


async def listed(
    session: AsyncSession, tenant: str, *,
    status: str | None, whose_move: str | None, after: tuple[datetime, str] | None, rows_max: int,
) -> Sequence[OrderRow]:  # fmt: skip
    """Orders, the oldest first, from just behind `after` (when received, and id)."""
    rows = select(OrderRow).where(OrderRow.tenant == tenant)
    if status is not None:
        rows = rows.where(OrderRow.status == status)
    if whose_move is not None:
        rows = rows.where(OrderRow.waits_for == whose_move)
    place = tuple_(OrderRow.received_at, OrderRow.order_id)
    if after is not None:
        rows = rows.where(place > after)
    rows = rows.order_by(OrderRow.received_at, OrderRow.order_id).limit(rows_max)  # type: ignore[arg-type]
    return (await session.exec(rows)).all()


async def counts(session: AsyncSession, tenant: str) -> list[tuple[str, str, int]]:
    """How many orders stand where, and whose move it is."""
    rows = (
        select(OrderRow.status, OrderRow.waits_for, func.count())
        .where(OrderRow.tenant == tenant)
        .group_by(OrderRow.status, OrderRow.waits_for)
        .order_by(OrderRow.status, OrderRow.waits_for)
    )
    return [(status, whose, count) for status, whose, count in await session.exec(rows)]


async def used_for(
    session: AsyncSession, tenant: str, channel: str, key: str
) -> IdempotencyRow | None:
    """What a caller's idempotency key was used for."""
    rows = select(IdempotencyRow).where(
        IdempotencyRow.tenant == tenant,
        IdempotencyRow.channel == channel,
        IdempotencyRow.idempotency_key == key,
    )
    return (await session.exec(rows)).first()


def _state(row: OrderRow) -> Order | NoOrder:
    return read({"head": row.head, "doc": row.doc})
