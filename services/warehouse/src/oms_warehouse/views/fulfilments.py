"""What people read about fulfilments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_warehouse.codecs import decode_order, read_scan
from oms_warehouse.domain import Scan, Status, WorkItem
from oms_warehouse.tables import (
    UNFINISHED,
    BinRow,
    DeliveryAddressRow,
    FulfilmentRow,
    MisscanRow,
    OrderFulfilmentsRow,
    ScanRow,
)
from oms_warehouse.views.pages import PAGE_ROWS_MAX, columns
from oms_warehouse.worksheet import Worksheet, worksheet


@dataclass(frozen=True, slots=True)
class MisscanCount:
    """Mistakes that scanning caught, per person and SKU."""

    person: str
    sku: str
    code: str
    count: int


async def queue(
    session: AsyncSession,
    tenant: str,
    *,
    location: str | None = None,
    status: Status | None = None,
    overdue: bool = False,
    after: str | None = None,
    rows_max: int = PAGE_ROWS_MAX,
) -> list[WorkItem]:
    """Unfinished work, what must leave first at the top; `after` is the last one seen."""
    row = FulfilmentRow
    order = (row.ship_by, row.rank, row.fulfilment_id)
    query = select(row).where(row.tenant == tenant, UNFINISHED)
    if location is not None:
        query = query.where(row.location == location)
    if status is not None:
        query = query.where(row.status == status)
    if overdue:
        query = query.where(col(row.overdue_since).is_not(None))
    if after is not None:
        last = select(*order).where(row.tenant == tenant, row.fulfilment_id == after)
        query = query.where(tuple_(*order) > last.scalar_subquery())
    found = await session.exec(query.order_by(*map(col, order)).limit(rows_max))
    return [WorkItem(**columns(item)) for item in found]


async def order_of(session: AsyncSession, tenant: str, fulfilment_id: str) -> str | None:
    """The order a fulfilment belongs to."""
    row = FulfilmentRow
    query = select(row.order_id).where(row.tenant == tenant, row.fulfilment_id == fulfilment_id)
    return (await session.exec(query)).first()


async def fulfilment(session: AsyncSession, tenant: str, fulfilment_id: str) -> Worksheet | None:
    """One fulfilment as it is now."""
    order_id = await order_of(session, tenant, fulfilment_id)
    if order_id is None:
        return None
    row = await session.get_one(OrderFulfilmentsRow, (tenant, order_id))
    found = decode_order(row.doc).find(fulfilment_id)
    if found is None:
        raise ValueError(f"fulfilment {fulfilment_id} is not among those of its order")
    bins = await bins_of(session, tenant, found.location, {line.sku for line in found.lines})
    return worksheet(order_id, found, bins)


async def bins_of(
    session: AsyncSession, tenant: str, location: str, skus: Iterable[str]
) -> dict[str, str]:
    """Bins of those SKUs that have one at the location."""
    row = BinRow
    query = select(row).where(
        row.tenant == tenant, row.location == location, col(row.sku).in_(sorted(skus))
    )
    return {found.sku: found.bin for found in await session.exec(query)}


async def address_of(session: AsyncSession, tenant: str, fulfilment_id: str) -> str | None:
    """Where a fulfilment goes, sealed."""
    row = await session.get(DeliveryAddressRow, (tenant, fulfilment_id))
    return row.address if row else None


async def scans_of(session: AsyncSession, tenant: str, fulfilment_id: str) -> list[Scan]:
    """Who scanned what for a fulfilment, and when."""
    order_id = await order_of(session, tenant, fulfilment_id)
    row = ScanRow
    query = (
        select(row)
        .where(row.tenant == tenant, row.order_id == order_id)
        .where(row.fulfilment_id == fulfilment_id)
        .order_by(col(row.at), col(row.scan_id))
    )
    return [read_scan(columns(found)) for found in await session.exec(query)]


async def misscans(session: AsyncSession, tenant: str, since: datetime) -> list[MisscanCount]:
    """Mistakes that scanning caught, the most frequent first."""
    row = MisscanRow
    what = (row.person, row.sku, row.code)
    query = (
        select(*what, func.count())
        .where(row.tenant == tenant, row.at >= since)
        .group_by(*map(col, what))
        .order_by(func.count().desc(), *map(col, what))
        .limit(PAGE_ROWS_MAX)
    )
    return [MisscanCount(*found) for found in await session.exec(query)]
