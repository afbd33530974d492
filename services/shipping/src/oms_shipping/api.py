"""Shipping's HTTP door: people read, carriers report scans, the ramp hands parcels over."""

# Annotations here are read by FastAPI, hence not postponed.
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, Field

from oms_chassis.http import Door, NotFound, actor, scope
from oms_chassis.keys import Actor
from oms_chassis.sealing import SealError
from oms_contracts.channel import Address
from oms_shipping import documents, views
from oms_shipping.domain import HandOver, ScanReported

TrackingNo = Annotated[str, Field(min_length=1, max_length=64)]


class Scan(BaseModel):
    """A carrier's word about a parcel; `event_id` is the carrier's own number of the scan."""

    tracking_no: TrackingNo
    event_id: Annotated[str, Field(min_length=1, max_length=64)]
    code: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[ -~]+$")]
    at: AwareDatetime


class Scanned(BaseModel):
    """The labels that were scanned while the driver took the parcels."""

    tracking_nos: Annotated[list[TrackingNo], Field(min_length=1, max_length=500)]


def routes(door: Door) -> APIRouter:
    """Every route of shipping."""
    router = APIRouter()
    _reading(router, door)
    _doing(router, door)
    return router


def _reading(router: APIRouter, door: Door) -> None:
    @router.get("/shipments/{order_id}", dependencies=[scope("shipping:read")])
    async def shipments(order_id: str) -> list[views.ShipmentView]:
        async with door.sessions() as session:
            found = await views.shipments_of(session, door.tenant, order_id)
        if found is None:
            raise NotFound("nothing was ever shipped for this order")
        return views.shown(found)

    @router.get("/parcels/{tracking_no}", dependencies=[scope("shipping:read")])
    async def parcel(tracking_no: str) -> views.TrackingView:
        async with door.sessions() as session:
            found = await views.tracked(session, door.tenant, tracking_no)
        if found is None:
            raise NotFound("no parcel has this tracking number")
        return found

    @router.get("/exceptions", dependencies=[scope("shipping:read")])
    async def exceptions() -> list[views.ExceptionView]:
        async with door.sessions() as session:
            return await views.exceptions(session, door.tenant)

    @router.get("/labels/{parcel_id}", dependencies=[scope("shipping:handover")])
    async def label(parcel_id: str, format: Literal["html", "zpl"] = "html") -> Response:
        async with door.sessions() as session:
            found = await views.labelled(session, door.tenant, parcel_id)
        if found is None:
            raise NotFound("this parcel has no label that is valid")
        shipment, of = found
        try:
            address = Address.model_validate_json(door.ring.open(shipment.address))
        except SealError:
            raise NotFound("the address was erased") from None
        made = documents.label(shipment, of, address)
        html = format == "html"
        return Response(
            documents.as_html(made) if html else documents.as_zpl(made),
            media_type=f"{'text/html' if html else 'application/zpl'}; charset=utf-8",
            headers={"Cache-Control": "no-store"},  # it shows where somebody lives
        )


def _doing(router: APIRouter, door: Door) -> None:
    @router.post("/tracking", dependencies=[scope("shipping:track")])
    async def tracking(scan: Scan, who: Annotated[Actor, Depends(actor)]) -> Any:
        async with door.sessions() as session:
            order_id = await views.order_of_parcel(session, door.tenant, scan.tracking_no)
        if order_id is None:
            raise NotFound("no parcel has this tracking number")
        said = ScanReported(scan.tracking_no, scan.event_id, scan.code, scan.at)
        return await door.command("shipments", order_id, said, who.name)

    @router.post("/shipments/{shipment_id}/hand-over", dependencies=[scope("shipping:handover")])
    async def hand_over(
        shipment_id: str, scanned: Scanned, who: Annotated[Actor, Depends(actor)]
    ) -> Any:
        async with door.sessions() as session:
            order_id = await views.order_of_shipment(session, door.tenant, shipment_id)
        if order_id is None:
            raise NotFound("no labelled shipment has this id")
        given = HandOver(shipment_id, tuple(scanned.tracking_nos))
        return await door.command("shipments", order_id, given, who.name)
