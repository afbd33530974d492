"""What people read about goods and purchase orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_warehouse.codecs import decode_goods, read_entry
from oms_warehouse.domain import GoodsEntry, PurchaseOrderLine
from oms_warehouse.tables import STILL_OPEN, GoodsEntryRow, GoodsRow, PurchaseOrderLineRow
from oms_warehouse.views.pages import PAGE_ROWS_MAX, columns

ENTRIES_SHOWN = 50
"""Latest receipts, counts and damages shown for a SKU."""


@dataclass(frozen=True, slots=True)
class ShelfView:
    """Where a SKU lies at a location."""

    location: str
    bin: str
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class GoodsView:
    """What the warehouse knows of a SKU: where it lies and what was seen of it last."""

    sku: str
    shelves: list[ShelfView]
    entries: list[GoodsEntry]


async def goods(session: AsyncSession, tenant: str, sku: str) -> GoodsView | None:
    """What the warehouse knows of a SKU."""
    row = await session.get(GoodsRow, (tenant, sku))
    if row is None:
        return None
    known = decode_goods(row.doc)
    entry = GoodsEntryRow
    query = (
        select(entry)
        .where(entry.tenant == tenant, entry.sku == sku)
        .order_by(col(entry.at).desc(), col(entry.cause_id))
        .limit(ENTRIES_SHOWN)
    )
    return GoodsView(
        sku=sku,
        shelves=[ShelfView(s.location, s.bin, s.received_at) for s in known.shelves],
        entries=[read_entry(columns(found)) for found in await session.exec(query)],
    )


async def purchase_orders(
    session: AsyncSession,
    tenant: str,
    *,
    location: str | None = None,
    overdue: bool = False,
    after: str | None = None,
    rows_max: int = PAGE_ROWS_MAX,
) -> list[PurchaseOrderLine]:
    """Open lines, what is expected first at the top; `after` is the last one seen."""
    row = PurchaseOrderLineRow
    order = (row.eta, row.po_line)
    query = select(row).where(row.tenant == tenant, STILL_OPEN)
    if location is not None:
        query = query.where(row.location == location)
    if overdue:
        query = query.where(col(row.overdue_since).is_not(None))
    if after is not None:
        last = select(*order).where(row.tenant == tenant, row.po_line == after)
        query = query.where(tuple_(*order) > last.scalar_subquery())
    found = await session.exec(query.order_by(*map(col, order)).limit(rows_max))
    return [PurchaseOrderLine(**columns(line)) for line in found]


async def purchase_order(
    session: AsyncSession, tenant: str, po_line: str
) -> PurchaseOrderLine | None:
    """One purchase order line, open or received."""
    row = await session.get(PurchaseOrderLineRow, (tenant, po_line))
    return PurchaseOrderLine(**columns(row)) if row else None
