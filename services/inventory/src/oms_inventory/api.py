"""Inventory's HTTP door: looking at stock. What changes it comes from the warehouse alone.

Long lists are read in pages: `next` of one page is `after` (or `before`) of the following one,
and null where there is nothing more.
"""

# Annotations here are read by FastAPI, hence not postponed.
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from oms_chassis.http import Door, NotFound, Problem, scope
from oms_contracts.event import Location, Sku
from oms_inventory import views

READ = [scope("stock:read")]
SKUS_NAMED_MAX = 100
CURSOR_MAX_CHARS = 1_000
ORDER_ID = r"^[A-Za-z0-9._:\-]{1,64}$"

Limit = Annotated[int, Query(ge=1, le=views.PAGE_ROWS_MAX, description="Most rows of a page.")]
Named = Annotated[tuple[Sku, ...], Query(max_length=SKUS_NAMED_MAX)]
Cursor = Annotated[str, Query(max_length=CURSOR_MAX_CHARS)]


class MovementPage(BaseModel):
    """Lines of a shelf's stock book, newest first."""

    movements: list[views.MovementView]
    next: int | None


class BackorderPage(BaseModel):
    """Units that wait, in turn within a SKU and a country."""

    backorders: list[views.BackorderView]
    next: str | None


def routes(door: Door) -> APIRouter:
    """Every route of inventory."""
    router = APIRouter(tags=["stock"])

    @router.get("/stock", dependencies=READ)
    async def stock(
        sku: Named = (),
        after: Annotated[Sku | None, Query()] = None,
        after_location: Annotated[Location | None, Query()] = None,
        limit: Limit = 100,
    ) -> list[views.StockView]:
        """Shelves of the SKUs named, or of all, in order; to go on, name the last shelf seen."""
        place = (after or "", after_location or "")
        async with door.sessions() as session:
            return await views.stock(session, door.tenant, sku, place, limit)

    # A SKU may hold slashes; what stands behind it must be looked for first.
    @router.get("/stock/{sku:path}/movements", dependencies=READ)
    async def movements(
        sku: Annotated[Sku, Path()], location: Annotated[Location, Query()],
        before: Annotated[int | None, Query(ge=1)] = None, limit: Limit = 100,
    ) -> MovementPage:  # fmt: skip
        """What moved on a shelf, why, and the balances after it."""
        async with door.sessions() as session:
            found = await views.movements(session, door.tenant, sku, location, before, limit)
        return MovementPage(movements=found, next=found[-1].number if len(found) == limit else None)

    @router.get("/stock/{sku:path}", dependencies=READ)
    async def one(sku: Annotated[Sku, Path()]) -> views.SkuView:
        """One SKU: its shelves, who waits for it, and what is on order."""
        async with door.sessions() as session:
            found = await views.sku(session, door.tenant, sku)
        if found is None:
            raise NotFound(f"nobody has heard of the SKU {sku}")
        return found

    @router.get("/backorders", dependencies=READ)
    async def backorders(
        sku: Annotated[Sku | None, Query()] = None, after: Cursor = "", limit: Limit = 100
    ) -> BackorderPage:
        """Who waits for goods."""
        turn = _turn(after) if after else None
        async with door.sessions() as session:
            found = await views.backorders(session, door.tenant, sku, turn, limit)
        following = _cursor(found[-1]) if len(found) == limit else None
        return BackorderPage(backorders=found, next=following)

    @router.get("/reservations/{order_id}", dependencies=READ)
    async def reservation(
        order_id: Annotated[str, Path(pattern=ORDER_ID)],
    ) -> views.ReservationView:
        """What an order holds and waits for."""
        async with door.sessions() as session:
            found = await views.reservation(session, door.tenant, order_id)
        if found is None:
            raise NotFound(f"the order {order_id} has asked for nothing")
        return found

    return router


_decode_turn = msgspec.json.Decoder(views.Turn).decode


def _cursor(view: views.BackorderView) -> str:
    return msgspec.json.encode(views.turn_of(view)).decode()


def _turn(cursor: str) -> views.Turn:
    try:
        turn: views.Turn = _decode_turn(cursor)
    except msgspec.DecodeError:
        raise Problem(422, "invalid_cursor", "send `next` of the page before") from None
    return turn
