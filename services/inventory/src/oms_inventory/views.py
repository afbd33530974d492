"""Reads for people and programs: what lies where, how it came to be, who holds and who waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta
from pydantic import BaseModel
from sqlalchemy import tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_inventory.codecs import decode_reservation, decode_sku
from oms_inventory.domain import Reservation, Sku
from oms_inventory.tables import BackorderRow, MovementRow, ReservationRow, SkuRow, StockRow

PAGE_ROWS_MAX = 500

Word = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")]
Turn = tuple[
    Word, Word, Annotated[int, Meta(ge=-9, le=9)], Annotated[datetime, Meta(tz=True)],
    Word, Word, Word,
]  # fmt: skip
"""Where a backorder stands: SKU, country, rank, acceptance, order, line, request."""


class ShelfView(BaseModel):
    """Stock of a SKU at a location; available = on_hand - reserved."""

    location: str
    on_hand: int
    reserved: int
    available: int


class StockView(ShelfView):
    """A shelf among those of other SKUs."""

    sku: str


class WaitingView(BaseModel):
    """Units that wait for goods at a location, for customers in a country."""

    location: str
    country: str
    units: int
    oldest_accepted_at: datetime


class PurchaseView(BaseModel):
    """An open purchase order line."""

    po_id: str
    po_line: str
    location: str
    qty: int
    received_qty: int
    eta: datetime
    confirmed: bool


class SkuView(BaseModel):
    """Everything about a SKU but its movements."""

    sku: str
    locations: list[ShelfView]
    backordered: int
    waiting: list[WaitingView]
    purchases: list[PurchaseView]


class MovementView(BaseModel):
    """A line of a stock book."""

    number: int
    kind: str
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: str
    cause: str
    booked_at: datetime


class BackorderView(BaseModel):
    """Units that an order line waits for; `eta` is what the order was told."""

    sku: str
    order_id: str
    line_id: str
    request_id: str
    country: str
    priority: int
    accepted_at: datetime
    location: str
    qty: int
    eta: datetime | None
    po_line: str


class AllocationView(BaseModel):
    """Units of an order line set aside at a location."""

    line_id: str
    sku: str
    location: str
    qty: int


class QueuedView(AllocationView):
    """Units of an order line that wait; a shortage was raised for the location."""

    request_id: str
    eta: datetime | None
    po_line: str


class ReservationView(BaseModel):
    """What an order holds and waits for, and which of its shipments were booked out."""

    order_id: str
    allocated: list[AllocationView]
    waiting: list[QueuedView]
    shipments: list[str]


async def stock(
    session: AsyncSession, tenant: str, skus: Sequence[str], after: tuple[str, str], rows_max: int
) -> list[StockView]:
    """Shelves of the SKUs named, or all of them, from behind the SKU and location `after`."""
    place = (col(StockRow.sku), col(StockRow.location))
    rows = select(StockRow).where(StockRow.tenant == tenant, tuple_(*place) > tuple_(*after))
    if skus:
        rows = rows.where(col(StockRow.sku).in_(skus))
    shelves = await session.exec(rows.order_by(*place).limit(rows_max))
    return [StockView(sku=row.sku, **_shelf(row)) for row in shelves]


async def sku(session: AsyncSession, tenant: str, key: str) -> SkuView | None:
    """One SKU; None if nobody has heard of it."""
    row = await session.get(SkuRow, (tenant, key))
    if row is None:
        return None
    book: Sku = decode_sku(row.doc)
    here = (StockRow.tenant == tenant, StockRow.sku == key)
    shelves = await session.exec(select(StockRow).where(*here).order_by(col(StockRow.location)))
    return SkuView(
        sku=key,
        locations=[ShelfView(**_shelf(shelf)) for shelf in shelves],
        backordered=book.backordered(),
        waiting=[WaitingView(**waiting._asdict()) for waiting in book.waiting],
        purchases=[PurchaseView(**purchase._asdict()) for purchase in book.purchases],
    )


def _shelf(row: StockRow) -> dict[str, Any]:
    return {
        "location": row.location,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "available": row.on_hand - row.reserved,
    }


async def movements(
    session: AsyncSession, tenant: str, key: str, location: str, before: int | None, rows_max: int
) -> list[MovementView]:
    """A shelf's stock book, newest line first, from below the line numbered `before`."""
    rows = select(MovementRow).where(
        MovementRow.tenant == tenant, MovementRow.sku == key, MovementRow.location == location
    )
    if before is not None:
        rows = rows.where(MovementRow.number < before)
    newest_first = rows.order_by(col(MovementRow.number).desc()).limit(rows_max)
    return [
        MovementView.model_validate(row.model_dump()) for row in await session.exec(newest_first)
    ]


async def backorders(
    session: AsyncSession, tenant: str, key: str | None, after: Turn | None, rows_max: int
) -> list[BackorderView]:
    """Who waits, SKU by SKU and country by country, in turn, from behind `after`."""
    place = (
        col(BackorderRow.sku), col(BackorderRow.country), col(BackorderRow.rank),
        col(BackorderRow.accepted_at), col(BackorderRow.order_id), col(BackorderRow.line_id),
        col(BackorderRow.request_id),
    )  # fmt: skip
    rows = select(BackorderRow).where(BackorderRow.tenant == tenant)
    if key is not None:
        rows = rows.where(BackorderRow.sku == key)
    if after is not None:
        rows = rows.where(tuple_(*place) > tuple_(*after))
    in_turn = await session.exec(rows.order_by(*place).limit(rows_max))
    return [
        BackorderView.model_validate(row.model_dump() | {"priority": -row.rank}) for row in in_turn
    ]


def turn_of(view: BackorderView) -> Turn:
    """Where a backorder stands, to go on reading behind it."""
    return (
        view.sku, view.country, -view.priority, view.accepted_at, view.order_id, view.line_id,
        view.request_id,
    )  # fmt: skip


async def reservation(session: AsyncSession, tenant: str, order_id: str) -> ReservationView | None:
    """What an order holds and waits for; None if it never asked."""
    row = await session.get(ReservationRow, (tenant, order_id))
    if row is None:
        return None
    found: Reservation = decode_reservation(row.doc)
    return ReservationView(
        order_id=order_id,
        allocated=[AllocationView(**units._asdict()) for units in found.allocated],
        waiting=[QueuedView(**units._asdict()) for units in found.waiting],
        shipments=list(found.shipments),
    )
