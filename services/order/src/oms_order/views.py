"""Reads for the HTTP door: orders by any of their names, their history, lists and the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, not_, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_contracts import wire
from oms_contracts.catalogue import EVENTS
from oms_order.codecs import read
from oms_order.decisions import PEOPLE, Waiting, waiting
from oms_order.domain import Command, NoOrder, Order, Policy, Status, ids_of
from oms_order.history import COLUMNS, POLICIES, WAKE, Heard, Rules
from oms_order.page import HistoryEntry
from oms_order.tables import ENDED, IdempotencyRow, OrderRow

PAGE_ROWS_MAX = 200
"""Most orders listed at once."""
HISTORY_MAX = 500
"""Most inputs shown of an order, the latest ones."""
_COMMANDS = {command.__name__ for command in get_args(Command)}
FOLDED_MAX = 5_000
"""Most inputs of an order that are folded again for somebody who looks: about a second's work."""
_HEARD = text(
    f"SELECT {COLUMNS} FROM inbox WHERE key = :key "
    "AND at <= coalesce(CAST(:until AS timestamptz), 'infinity') "
    "ORDER BY at DESC, place DESC NULLS LAST, id DESC LIMIT :most"
)
_POLICIES = text(f"SELECT {POLICIES} FROM policy")


@dataclass(frozen=True)
class OrderLine:
    """An order in a list."""

    order_id: str
    order_no: str
    channel: str
    external_id: str
    status: str
    waiting_for: str
    received_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class QueueEntry:
    """An order that waits for a person, and what for."""

    order_id: str
    order_no: str
    status: str
    owner: str
    received_at: datetime
    waiting: Sequence[Waiting]


@dataclass(frozen=True)
class Filter:
    """Which orders a list shows."""

    status: Status | None = None
    waiting_for: str = ""
    channel: str = ""
    received_before: datetime | None = None
    after: tuple[datetime, str] | None = None
    """The last order of the page before."""


async def find(session: AsyncSession, tenant: str, name: str) -> Order | NoOrder | None:
    """An order by its id or its number."""
    of = (name, name) if _is_id(name) else ids_of(name)
    if of is None:
        return None
    between = and_(col(OrderRow.order_id) >= of[0], col(OrderRow.order_id) <= of[1])
    rows = await session.exec(select(OrderRow).where(OrderRow.tenant == tenant, between).limit(1))
    row = rows.first()
    return read(row.model_dump()) if row else None


async def history(
    session: AsyncSession, order_id: str, until: datetime | None = None
) -> list[HistoryEntry]:
    """What was heard about an order, in the order it was taken in."""
    return [_entry(one) for one in await heard(session, order_id, HISTORY_MAX, until)]


def _entry(heard: Heard) -> HistoryEntry:
    return HistoryEntry(
        happened_at=heard.happened_at,
        heard_at=heard.at,
        decided_at=None if heard.place is None else heard.moment,
        type=heard.type,
        actor=heard.actor or "",
        text=_in_words(heard.type, heard.body),
    )


async def heard(
    session: AsyncSession, order_id: str, most: int, until: datetime | None = None
) -> list[Heard]:
    """The latest inputs of an order, the oldest of them first."""
    connection = await session.connection()
    found = await connection.execute(_HEARD, {"key": order_id, "until": until, "most": most})
    return [Heard(**row) for row in found.mappings()][::-1]


async def rules(session: AsyncSession, today: Policy) -> Rules:
    """Every policy that was ever in force."""
    connection = await session.connection()
    return Rules.kept(today, [tuple(row) for row in await connection.execute(_POLICIES)])


async def stored(session: AsyncSession, tenant: str, order_id: str) -> Mapping[str, Any] | None:
    """An order's row."""
    row = await session.get(OrderRow, (tenant, order_id))
    return row.model_dump() if row else None


async def listed(
    session: AsyncSession, tenant: str, which: Filter, rows_max: int
) -> list[OrderLine]:
    """Orders, the newest first."""
    query = select(OrderRow).where(OrderRow.tenant == tenant, *_conditions(which))
    query = query.order_by(col(OrderRow.received_at).desc(), col(OrderRow.order_id).desc())
    rows = await session.exec(query.limit(rows_max))
    return [OrderLine(**row.model_dump(include=set(OrderLine.__annotations__))) for row in rows]


async def queue(
    session: AsyncSession, tenant: str, policy: Policy, owner: str, channel: str, rows_max: int
) -> list[QueueEntry]:
    """Orders that wait for a person, the oldest first."""
    people = [owner] if owner else [person.value for person in PEOPLE]
    query = select(OrderRow).where(
        OrderRow.tenant == tenant,
        col(OrderRow.for_people),
        col(OrderRow.waiting_for).in_(people),
        *((OrderRow.channel == channel,) if channel else ()),
    )
    query = query.order_by(col(OrderRow.received_at), col(OrderRow.order_id)).limit(rows_max)
    entries = []
    for row in await session.exec(query):
        order = read(row.model_dump())
        if isinstance(order, Order):
            awaited = [w for w in waiting(policy, order) if w.owner in PEOPLE]
            names = (row.order_id, row.order_no, row.status, row.waiting_for, row.received_at)
            entries.append(QueueEntry(*names, awaited))
    return entries


async def idempotency(
    session: AsyncSession, tenant: str, channel: str, key: str
) -> IdempotencyRow | None:
    """What an idempotency key was used for."""
    return await session.get(IdempotencyRow, (tenant, channel, key))


def _conditions(which: Filter) -> list[ColumnElement[bool]]:
    received_at, order_id = col(OrderRow.received_at), col(OrderRow.order_id)
    conditions: list[ColumnElement[bool]] = []
    if which.status is not None:
        conditions.append(col(OrderRow.status) == which.status.value)
        if which.status not in ENDED:
            conditions.append(not_(col(OrderRow.ended)))
    if which.waiting_for:
        conditions.append(col(OrderRow.waiting_for) == which.waiting_for)
    if which.channel:
        conditions.append(col(OrderRow.channel) == which.channel)
    if which.received_before is not None:
        conditions.append(received_at < which.received_before)
    if which.after is not None:
        at, last = which.after
        conditions.append(or_(received_at < at, and_(received_at == at, order_id < last)))
    return conditions


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _in_words(type_name: str, body: bytes | None) -> str:
    """What an input said, in one line and without anything personal."""
    event = EVENTS.get(type_name)
    if body is None:
        return "(parked or set aside)"
    try:
        if event is not None and not type_name.startswith("oms.channel."):
            return str(wire.decode(event, body)).partition(" ")[2]
        if type_name in _COMMANDS or type_name == WAKE:
            said: dict[str, Any] = msgspec.json.decode(body) or {}
            return " ".join(f"{k}={v}" for k, v in said.items() if v and k != "ship_to")
    except (wire.InvalidBody, msgspec.DecodeError):
        return "(no longer readable)"
    return ""
