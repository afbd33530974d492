"""Reads for people: shipments, parcels, labels to print, and what needs somebody's attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_chassis.store import codec
from oms_shipping.domain import Parcel, Rate, Shipment, Shipments
from oms_shipping.tables import ParcelRow, ScanRow, ShipmentsRow

ROWS_MAX = 500
"""Most exceptions shown at once, the oldest first."""
_decode = codec(Shipments)[1]


@dataclass(frozen=True)
class ParcelView:
    """A parcel as the order's page shows it."""

    parcel_id: str
    weight_grams: int
    units: int
    tracking_no: str
    url: str
    status: str
    scanned_at: datetime | None
    problem: str


@dataclass(frozen=True)
class ShipmentView:
    """A shipment as the order's page shows it: nothing personal."""

    shipment_id: str
    status: str
    location: str
    rate: Rate | None
    labels: str
    shipped_at: datetime | None
    eta: datetime | None
    failure: str
    attention: str
    next_look_at: datetime | None
    parcels: Sequence[ParcelView]


@dataclass(frozen=True)
class ScanView:
    """A carrier's word, and ours for it."""

    event_id: str
    code: str
    status: str
    at: datetime


@dataclass(frozen=True)
class TrackingView:
    """A parcel with every scan, the oldest first."""

    tracking_no: str
    order_id: str
    shipment_id: str
    parcel_id: str
    carrier: str
    service: str
    label: str
    status: str
    problem: str
    scans: Sequence[ScanView]


@dataclass(frozen=True)
class ExceptionView:
    """Something a person should look at; `parcel_id` is empty where it is no single parcel."""

    order_id: str
    parcel_id: str
    since: datetime | None
    what: str


async def shipments_of(session: AsyncSession, tenant: str, order_id: str) -> Shipments | None:
    """The root of an order, as the core knows it."""
    row = await session.get(ShipmentsRow, (tenant, order_id))
    return _decode(row.doc) if row else None


def shown(shipments: Shipments) -> list[ShipmentView]:
    """Every shipment of an order without its address."""
    return [
        ShipmentView(
            shipment_id=s.shipment_id,
            status=s.status,
            location=s.location,
            rate=s.rate,
            labels=s.labels,
            shipped_at=s.shipped_at,
            eta=s.eta,
            failure=f"{s.failure}: {s.failure_text}" if s.failure else "",
            attention=s.attention,
            next_look_at=s.look_at,
            parcels=[_parcel_view(p) for p in s.parcels],
        )
        for s in shipments.shipments
    ]


def _parcel_view(parcel: Parcel) -> ParcelView:
    return ParcelView(
        parcel_id=parcel.parcel_id,
        weight_grams=parcel.weight_grams,
        units=parcel.units,
        tracking_no=parcel.tracking_no,
        url=parcel.url,
        status=parcel.status,
        scanned_at=parcel.scanned_at,
        problem=parcel.problem,
    )


async def tracked(session: AsyncSession, tenant: str, tracking_no: str) -> TrackingView | None:
    """A parcel by its tracking number."""
    row = await session.get(ParcelRow, (tenant, tracking_no))
    if row is None:
        return None
    of_parcel = (ScanRow.tenant == tenant, ScanRow.tracking_no == tracking_no)
    scans = await session.exec(select(ScanRow).where(*of_parcel).order_by(col(ScanRow.at)))
    return TrackingView(
        tracking_no=row.tracking_no,
        order_id=row.order_id,
        shipment_id=row.shipment_id,
        parcel_id=row.parcel_id,
        carrier=row.carrier,
        service=row.service,
        label=row.label,
        status=row.status,
        problem=row.problem,
        scans=[ScanView(s.event_id, s.code, s.status, s.at) for s in scans],
    )


async def order_of_parcel(session: AsyncSession, tenant: str, tracking_no: str) -> str | None:
    """Which order a labelled parcel belongs to."""
    row = await session.get(ParcelRow, (tenant, tracking_no))
    return row.order_id if row else None


async def order_of_shipment(session: AsyncSession, tenant: str, shipment_id: str) -> str | None:
    """Which order a labelled shipment belongs to."""
    of_shipment = (ParcelRow.tenant == tenant, ParcelRow.shipment_id == shipment_id)
    found = await session.exec(select(ParcelRow.order_id).where(*of_shipment).limit(1))
    return found.first()


async def labelled(
    session: AsyncSession, tenant: str, parcel_id: str
) -> tuple[Shipment, Parcel] | None:
    """A parcel whose label may be printed, with its shipment."""
    valid = (
        ParcelRow.tenant == tenant,
        ParcelRow.parcel_id == parcel_id,
        ParcelRow.label == "bought",
    )
    row = (await session.exec(select(ParcelRow).where(*valid).limit(1))).first()
    shipments = await shipments_of(session, tenant, row.order_id) if row else None
    shipment = shipments.carrying(row.tracking_no) if row and shipments else None
    if shipment is None:
        return None
    return shipment, next(p for p in shipment.parcels if p.parcel_id == parcel_id)


async def exceptions(session: AsyncSession, tenant: str) -> list[ExceptionView]:
    """Parcels with a problem, then shipments that wait for somebody."""
    parcels = await session.exec(
        select(ParcelRow)
        .where(ParcelRow.tenant == tenant, ParcelRow.problem != "")
        .order_by(col(ParcelRow.scanned_at))
        .limit(ROWS_MAX)
    )
    waiting = await session.exec(
        select(ShipmentsRow)
        .where(ShipmentsRow.tenant == tenant, ShipmentsRow.attention != "")
        .order_by(col(ShipmentsRow.changed_at))
        .limit(ROWS_MAX)
    )
    return [
        *(ExceptionView(p.order_id, p.parcel_id, p.scanned_at, p.problem) for p in parcels),
        *(ExceptionView(s.order_id, "", s.changed_at, s.attention) for s in waiting),
    ]
