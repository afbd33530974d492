"""Doors of the floor: the work queue, scanning, put-backs, and what is printed."""

# Annotations here are read by FastAPI, hence not postponed.
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from oms_chassis.http import Actor, Door, NotFound, Problem, actor, scope
from oms_chassis.sealing import SealError
from oms_contracts.channel import Address
from oms_warehouse import documents, views
from oms_warehouse.api.bodies import (
    After,
    AtLocation,
    Limit,
    Moment,
    PackedUnits,
    Parcels,
    PathId,
    RefusedPutBack,
    ScanId,
    Short,
    Start,
    Units,
)
from oms_warehouse.decisions import FULFILMENTS
from oms_warehouse.domain import (
    ClosePacking,
    ConfirmPutBack,
    RefusePutBack,
    ReportShort,
    Scan,
    ScanPack,
    ScanPick,
    ScanPutBack,
    StartPick,
    Status,
    WorkItem,
)
from oms_warehouse.worksheet import Worksheet

Who = Annotated[Actor, Depends(actor)]
Answer = Mapping[str, Any]
Waiting = Literal["released", "picking", "picked", "packing", "stopping"]
"""States in which somebody has to do something."""


def work_queue(door: Door) -> APIRouter:
    """What there is to do, and how far it is."""
    router = APIRouter(tags=["work"])

    @router.get("/fulfilments", dependencies=[scope("warehouse:read")])
    async def fulfilments(
        location: AtLocation = None, status: Waiting | None = None, overdue: bool = False,
        after: After = None, limit: Limit = views.PAGE_ROWS_MAX,
    ) -> list[WorkItem]:  # fmt: skip
        """Unfinished work, what must leave first at the top; `after` is the last one seen."""
        async with door.sessions() as session:
            return await views.queue(
                session, door.tenant, location=location, status=Status(status) if status else None,
                overdue=overdue, after=after, rows_max=limit,
            )  # fmt: skip

    @router.get("/fulfilments/{fulfilment_id}", dependencies=[scope("warehouse:read")])
    async def fulfilment(fulfilment_id: PathId) -> Worksheet:
        """One fulfilment: its pick list in walking order, and what comes next."""
        return await _found(door, fulfilment_id)

    @router.get(
        "/fulfilments/{fulfilment_id}/scans",
        dependencies=[scope("warehouse:read")],
        response_model_exclude={"__all__": {"answer"}},
    )
    async def scans(fulfilment_id: PathId) -> list[Scan]:
        """Who scanned what, and when."""
        async with door.sessions() as session:
            return await views.scans_of(session, door.tenant, fulfilment_id)

    @router.get("/misscans", dependencies=[scope("warehouse:read")])
    async def misscans(since: Annotated[Moment, Query()]) -> list[views.MisscanCount]:
        """Mistakes that scanning caught, per person and SKU."""
        async with door.sessions() as session:
            return await views.misscans(session, door.tenant, since)

    return router


def documents_to_print(door: Door) -> APIRouter:
    """Pages for a printer."""
    router = APIRouter(tags=["documents"])

    @router.get("/fulfilments/{fulfilment_id}/pick-list", dependencies=[scope("warehouse:pick")])
    async def pick_list(fulfilment_id: PathId) -> Response:
        """What to take from which bin."""
        return _page(documents.pick_list(await _found(door, fulfilment_id)))

    @router.get("/fulfilments/{fulfilment_id}/packing-slip", dependencies=[scope("warehouse:pack")])
    async def packing_slip(fulfilment_id: PathId) -> Response:
        """What lies in which parcel, and where it goes."""
        work = await _found(door, fulfilment_id)
        if work.status != Status.PACKED:
            raise Problem(409, "not_packed", "close the parcels first")
        async with door.sessions() as session:
            sealed = await views.address_of(session, door.tenant, fulfilment_id)
        try:
            address = Address.model_validate_json(door.ring.open(sealed or ""))
        except SealError:
            raise NotFound("the address was erased") from None
        return _page(documents.packing_slip(work, address))

    return router


def scanning(door: Door) -> APIRouter:
    """Picking and packing, step by step."""
    router = APIRouter(prefix="/fulfilments/{fulfilment_id}", tags=["scanning"])

    @router.post("/start", dependencies=[scope("warehouse:pick")])
    async def start(fulfilment_id: PathId, body: Start, who: Who) -> Answer:
        """Claim a pick list."""
        return await _tell(door, StartPick(fulfilment_id, body.take_over), who)

    @router.post("/pick", dependencies=[scope("warehouse:pick")])
    async def pick(fulfilment_id: PathId, scan_id: ScanId, body: Units, who: Who) -> Answer:
        """Units were taken from their bin."""
        return await _tell(door, ScanPick(fulfilment_id, body.sku, scan_id, body.qty), who)

    @router.post("/short", dependencies=[scope("warehouse:pick")])
    async def short(fulfilment_id: PathId, scan_id: ScanId, body: Short, who: Who) -> Answer:
        """Units of a line are not there, or not fit to be sent."""
        told = ReportShort(fulfilment_id, body.line_id, body.qty, body.reason, scan_id)
        return await _tell(door, told, who)

    @router.post("/pack", dependencies=[scope("warehouse:pack")])
    async def pack(fulfilment_id: PathId, scan_id: ScanId, body: PackedUnits, who: Who) -> Answer:
        """Picked units were laid into a parcel."""
        told = ScanPack(fulfilment_id, body.parcel_no, body.sku, scan_id, body.qty)
        return await _tell(door, told, who)

    @router.post("/close-packing", dependencies=[scope("warehouse:pack")])
    async def close_packing(fulfilment_id: PathId, body: Parcels, who: Who) -> Answer:
        """All parcels are closed and weighed."""
        return await _tell(door, ClosePacking(fulfilment_id, body.measures()), who)

    return router


def put_backs(door: Door) -> APIRouter:
    """Fulfilments that the order no longer wants."""
    router = APIRouter(prefix="/put-backs", tags=["put-backs"])

    @router.get("", dependencies=[scope("warehouse:read")])
    async def open_put_backs(
        location: AtLocation = None, after: After = None, limit: Limit = views.PAGE_ROWS_MAX
    ) -> list[WorkItem]:
        """What is to be put back into its bins, and why."""
        async with door.sessions() as session:
            return await views.queue(
                session, door.tenant, location=location, status=Status.STOPPING, after=after,
                rows_max=limit,
            )  # fmt: skip

    @router.post("/{fulfilment_id}/scan", dependencies=[scope("warehouse:pick")])
    async def scan(fulfilment_id: PathId, scan_id: ScanId, body: Units, who: Who) -> Answer:
        """Units lie in their bin again."""
        return await _tell(door, ScanPutBack(fulfilment_id, body.sku, scan_id, body.qty), who)

    @router.post("/{fulfilment_id}/confirm", dependencies=[scope("warehouse:pick")])
    async def confirm(fulfilment_id: PathId, who: Who) -> Answer:
        """Every unit lies in its bin again."""
        return await _tell(door, ConfirmPutBack(fulfilment_id), who)

    @router.post("/{fulfilment_id}/refuse", dependencies=[scope("warehouse:pick")])
    async def refuse(fulfilment_id: PathId, body: RefusedPutBack, who: Who) -> Answer:
        """It is too late to stop."""
        return await _tell(door, RefusePutBack(fulfilment_id, body.reason), who)

    return router


async def _tell(door: Door, said: Any, who: Actor) -> Answer:
    """Have the core decide about what a person did with a fulfilment."""
    async with door.sessions() as session:
        order_id = await views.order_of(session, door.tenant, said.fulfilment_id)
    if order_id is None:
        raise NotFound("there is no such fulfilment")
    return await door.command(FULFILMENTS, order_id, said, who.name)


async def _found(door: Door, fulfilment_id: str) -> Worksheet:
    async with door.sessions() as session:
        found = await views.fulfilment(session, door.tenant, fulfilment_id)
    if found is None:
        raise NotFound("there is no such fulfilment")
    return found


def _page(html: str) -> Response:
    return Response(html, media_type="text/html; charset=utf-8")
