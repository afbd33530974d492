"""Doors of goods: receiving, counts, damage, purchase orders."""

# Annotations here are read by FastAPI, hence not postponed.
import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from oms_chassis.http import Actor, Door, NotFound, Problem, actor, scope
from oms_contracts.event import Sku
from oms_warehouse import views
from oms_warehouse.api.bodies import (
    After,
    AtLocation,
    Confirmation,
    Count,
    Damage,
    Limit,
    PathId,
    Receipt,
    ReceiptResult,
    Receipts,
)
from oms_warehouse.decisions import GOODS
from oms_warehouse.domain import ConfirmPurchaseOrder, CountStock, PurchaseOrderLine, ReportDamage

Who = Annotated[Actor, Depends(actor)]
Answer = Mapping[str, Any]


def receiving(door: Door) -> APIRouter:
    """What was seen of goods."""
    router = APIRouter(tags=["goods"])

    @router.post("/receipts", dependencies=[scope("warehouse:receive")])
    async def receive(body: Receipt, who: Who) -> Answer:
        """Goods arrived; this is also how opening stock is entered."""
        return await door.command(GOODS, body.sku, body.command(), who.name)

    @router.post("/receipts/batch", dependencies=[scope("warehouse:receive")])
    async def receive_all(body: Receipts, who: Who) -> list[ReceiptResult]:
        """A delivery of several lines; each is taken or refused by itself."""
        return await asyncio.gather(*(_receive(door, line, who) for line in body.lines))

    @router.post("/counts", dependencies=[scope("warehouse:count")])
    async def count(body: Count, who: Who) -> Answer:
        """A shelf was counted."""
        told = CountStock(body.location, body.counted_qty, body.cause_id)
        return await door.command(GOODS, body.sku, told, who.name)

    @router.post("/damages", dependencies=[scope("warehouse:count")])
    async def damage(body: Damage, who: Who) -> Answer:
        """Units can no longer be sold."""
        told = ReportDamage(body.location, body.qty, body.cause_id, body.reason)
        return await door.command(GOODS, body.sku, told, who.name)

    @router.get("/goods/{sku:path}", dependencies=[scope("warehouse:read")])
    async def goods(sku: Annotated[Sku, Path()]) -> views.GoodsView:
        """Where a SKU lies, and what was seen of it last."""
        async with door.sessions() as session:
            found = await views.goods(session, door.tenant, sku)
        if found is None:
            raise NotFound("nothing was ever seen of this SKU")
        return found

    return router


async def _receive(door: Door, line: Receipt, who: Actor) -> ReceiptResult:
    try:
        answer = await door.command(GOODS, line.sku, line.command(), who.name)
    except Problem as problem:
        return ReceiptResult(
            line.sku, line.cause_id, ok=False, code=problem.code, text=problem.detail
        )  # fmt: skip
    return ReceiptResult(line.sku, line.cause_id, ok=True, answer=dict(answer))


def purchasing(door: Door) -> APIRouter:
    """What is on order."""
    router = APIRouter(prefix="/purchase-orders", tags=["purchase orders"])

    @router.get("", dependencies=[scope("warehouse:read")])
    async def purchase_orders(
        location: AtLocation = None, overdue: bool = False, after: After = None,
        limit: Limit = views.PAGE_ROWS_MAX,
    ) -> list[PurchaseOrderLine]:  # fmt: skip
        """Open lines, what is expected first at the top; `after` is the last one seen."""
        async with door.sessions() as session:
            return await views.purchase_orders(
                session, door.tenant, location=location, overdue=overdue, after=after,
                rows_max=limit,
            )  # fmt: skip

    @router.get("/{po_line}", dependencies=[scope("warehouse:read")])
    async def purchase_order(po_line: PathId) -> PurchaseOrderLine:
        """One line, open or received."""
        return await _line(door, po_line)

    @router.post("/{po_line}/confirm", dependencies=[scope("warehouse:purchase")])
    async def confirm(po_line: PathId, body: Confirmation, who: Who) -> Answer:
        """The supplier said what comes and when."""
        line = await _line(door, po_line)
        told = ConfirmPurchaseOrder(po_line, body.qty, body.eta)
        return await door.command(GOODS, line.sku, told, who.name)

    return router


async def _line(door: Door, po_line: str) -> PurchaseOrderLine:
    async with door.sessions() as session:
        found = await views.purchase_order(session, door.tenant, po_line)
    if found is None:
        raise NotFound("there is no such purchase order line")
    return found
