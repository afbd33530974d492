"""Reads for inventory's HTTP door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_inventory.domain import Reservation, Sku
from oms_inventory.store import STORE
from oms_inventory.tables import MovementRow, ReservationRow, SkuRow, StockRow, WaiterRow

PAGE_ROWS_MAX = 500


async def book(session: AsyncSession, tenant: str, sku: str) -> Sku | None:
    """What is known of a SKU besides its shelves."""
    row = await session.get(SkuRow, (tenant, sku))
    found: Sku | None = STORE.roots[0].read({"doc": row.doc}) if row is not None else None
    return found


async def shelves(
    session: AsyncSession, tenant: str, skus: Sequence[str], rows_max: int
) -> list[dict[str, Any]]:
    """Shelves of the SKUs named, or of all."""
    rows = select(StockRow).where(StockRow.tenant == tenant)
    if skus:
        rows = rows.where(StockRow.sku.in_(skus))  # type: ignore[attr-defined]
    rows = rows.order_by(StockRow.sku, StockRow.location).limit(rows_max)
    return [
        {
            "sku": s.sku, "location": s.location, "on_hand": s.on_hand, "reserved": s.reserved,
            "available": s.on_hand - s.reserved,
        }
        for s in await session.exec(rows)
    ]  # fmt: skip


async def movements(
    session: AsyncSession, tenant: str, sku: str, location: str, before: int | None, rows_max: int
) -> Sequence[MovementRow]:
    """The stock book of a shelf, newest line first, from below the line numbered `before`."""
    rows = select(MovementRow).where(
        MovementRow.tenant == tenant, MovementRow.sku == sku, MovementRow.location == location
    )
    if before is not None:
        rows = rows.where(MovementRow.number < before)
    rows = rows.order_by(MovementRow.number.desc()).limit(rows_max)  # type: ignore[attr-defined]
    return (await session.exec(rows)).all()


async def waiters(
    session: AsyncSession, tenant: str, sku: str | None, rows_max: int
) -> Sequence[WaiterRow]:
    """Who waits for goods, in turn."""
    rows = select(WaiterRow).where(WaiterRow.tenant == tenant)
    if sku is not None:
        rows = rows.where(WaiterRow.sku == sku)
    turn = (WaiterRow.sku, WaiterRow.country, WaiterRow.rank, WaiterRow.accepted_at)
    return (await session.exec(rows.order_by(*turn).limit(rows_max))).all()


async def reservation(session: AsyncSession, tenant: str, order_id: str) -> Reservation | None:
    """What an order holds and waits for."""
    row = await session.get(ReservationRow, (tenant, order_id))
    found: Reservation | None = STORE.roots[1].read({"doc": row.doc}) if row is not None else None
    return found
