"""Reads for people: what was sent about an order or a SKU, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_chassis.store import codec
from oms_notify.domain import ROLE_OF, Alerts, Mailbag, Messages, OrderHead
from oms_notify.tables import AlertsRow, MessagesRow

ROWS_MAX = 500
"""Most failures shown at once, the oldest first."""
_decode_head = codec(OrderHead)[1]
_decode_bag = codec(Mailbag)[1]
_decode_alerts = codec(Alerts)[1]


@dataclass(frozen=True)
class MessageView:
    """One message; `recipient` is empty for those who may not see personal data."""

    message_id: str
    template: str
    role: str
    fact_id: str
    status: str
    at: datetime
    reason: str
    asked_by: str
    recipient: str


@dataclass(frozen=True)
class FailureView:
    """An order or a SKU some message about which needs a person."""

    kind: str
    key: str
    since: datetime
    what: str


async def messages_of(session: AsyncSession, tenant: str, order_id: str) -> Messages | None:
    """The root of an order, as the core knows it."""
    row = await session.get(MessagesRow, (tenant, order_id))
    return Messages(_decode_head(row.head), _decode_bag(row.doc)) if row else None


async def alerts_of(session: AsyncSession, tenant: str, sku: str) -> Alerts | None:
    """The root of a SKU, as the core knows it."""
    row = await session.get(AlertsRow, (tenant, sku))
    return _decode_alerts(row.doc) if row else None


def shown(bag: Mailbag, customer: str = "") -> Sequence[MessageView]:
    """Every message, the oldest first; `customer` is written beside those that went to one."""
    return [
        MessageView(
            message_id=m.message_id,
            template=m.template,
            role=ROLE_OF[m.template],
            fact_id=m.fact_id,
            status=m.status,
            at=m.at,
            reason=m.reason,
            asked_by=m.asked_by,
            recipient=customer if ROLE_OF[m.template] == "customer" else "",
        )
        for m in bag.messages
    ]


async def failures(session: AsyncSession, tenant: str) -> Sequence[FailureView]:
    """Orders first, then SKUs, each the oldest first."""
    orders = await session.exec(
        select(MessagesRow)
        .where(MessagesRow.tenant == tenant, MessagesRow.attention != "")
        .order_by(col(MessagesRow.changed_at))
        .limit(ROWS_MAX)
    )
    skus = await session.exec(
        select(AlertsRow)
        .where(AlertsRow.tenant == tenant, AlertsRow.attention != "")
        .order_by(col(AlertsRow.changed_at))
        .limit(ROWS_MAX)
    )
    return [
        *(FailureView("order", r.order_id, r.changed_at, r.attention) for r in orders),
        *(FailureView("sku", r.sku, r.changed_at, r.attention) for r in skus),
    ]
