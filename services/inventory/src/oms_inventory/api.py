"""Inventory's HTTP door: looking at stock. What changes it comes from the warehouse alone."""

# Annotations here are read by FastAPI, hence not postponed.
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from oms_chassis.http import Door, NotFound, scope
from oms_contracts.event import Location, Sku
from oms_inventory import views

READ = [scope("stock:read")]
Limit = Annotated[int, Query(ge=1, le=views.PAGE_ROWS_MAX)]


def routes(door: Door) -> APIRouter:
    """Every route of inventory."""
    router = APIRouter(tags=["stock"])

    @router.get("/stock", dependencies=READ)
    async def stock(
        sku: Annotated[tuple[Sku, ...], Query(max_length=100)] = (), limit: Limit = 100
    ) -> list[dict[str, Any]]:
        """Shelves of the SKUs named, or the first of all."""
        async with door.sessions() as session:
            return await views.shelves(session, door.tenant, sku, limit)

    @router.get("/stock/{sku:path}/movements", dependencies=READ)
    async def movements(
        sku: Annotated[Sku, Path()], location: Annotated[Location, Query()],
        before: Annotated[int | None, Query(ge=1)] = None, limit: Limit = 100,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """The stock book of a shelf, newest line first."""
        async with door.sessions() as session:
            rows = await views.movements(session, door.tenant, sku, location, before, limit)
        return [row.model_dump(exclude={"tenant", "sku", "location"}) for row in rows]

    @router.get("/stock/{sku:path}", dependencies=READ)
    async def one(sku: Annotated[Sku, Path()]) -> dict[str, Any]:
        """One SKU: its shelves, who waits for it, and what was bought."""
        async with door.sessions() as session:
            book = await views.book(session, door.tenant, sku)
            shelves = await views.shelves(session, door.tenant, [sku], views.PAGE_ROWS_MAX)
        if book is None:
            raise NotFound("Nobody has heard of this SKU.")
        return {
            "sku": sku,
            "locations": [{k: v for k, v in s.items() if k != "sku"} for s in shelves],
            "waiting": [w._asdict() for w in book.waiting],
            "purchases": [p._asdict() for p in book.purchases],
        }

    @router.get("/backorders", dependencies=READ)
    async def backorders(
        sku: Annotated[Sku | None, Query()] = None, limit: Limit = 100
    ) -> list[dict[str, Any]]:
        """Who waits for goods, in turn."""
        async with door.sessions() as session:
            rows = await views.waiters(session, door.tenant, sku, limit)
        return [row.model_dump(exclude={"tenant", "rank"}) for row in rows]

    @router.get("/reservations/{order_id}", dependencies=READ)
    async def reservation(order_id: Annotated[str, Path(max_length=64)]) -> dict[str, Any]:
        """What an order holds and waits for."""
        async with door.sessions() as session:
            found = await views.reservation(session, door.tenant, order_id)
        if found is None:
            raise NotFound("This order has asked for nothing.")
        told = asdict(found)
        return {name: told[name] for name in ("allocated", "waiting", "shipments")}

    return router
