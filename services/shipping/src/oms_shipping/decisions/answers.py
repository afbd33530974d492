"""What shipping says: each fact from the shipment it is about, and the rows people query."""

from __future__ import annotations

from collections.abc import Iterable

from oms_contracts.event import Tracked
from oms_contracts.shipping import ShipmentFailed, ShipmentStopped, ShipmentStopRefused, Shipped
from oms_shipping.domain import LabelState, Parcel, ParcelRecord, Shipment


def shipped(shipment: Shipment, request_id: str) -> Shipped:
    """The carrier has the parcels."""
    assert shipment.rate is not None and shipment.shipped_at is not None
    carrier = shipment.rate.carrier
    return Shipped(
        request_id=request_id,
        shipment_id=shipment.shipment_id,
        parcels=tuple(
            Tracked(parcel_id=p.parcel_id, carrier=carrier, tracking_no=p.tracking_no, url=p.url)
            for p in shipment.parcels
        ),
        eta=shipment.eta,
        shipped_at=shipment.shipped_at,
    )


def failed(shipment: Shipment) -> ShipmentFailed:
    """The parcels are still here, and why."""
    assert shipment.failure is not None
    return ShipmentFailed(
        request_id=shipment.request_id,
        shipment_id=shipment.shipment_id,
        code=shipment.failure,
        text=shipment.failure_text,
    )


def stopped(shipment: Shipment, stop_id: str) -> ShipmentStopped:
    """The parcels stay; labels that cost something are not called voided."""
    return ShipmentStopped(
        request_id=stop_id,
        shipment_id=shipment.shipment_id,
        labels_voided=shipment.labels in (LabelState.NONE, LabelState.VOIDED),
    )


def stop_refused(shipment: Shipment, stop_id: str) -> ShipmentStopRefused:
    """The carrier has the parcels."""
    assert shipment.shipped_at is not None
    reason = f"handed over to the carrier at {shipment.shipped_at:%Y-%m-%d %H:%M} UTC"
    return ShipmentStopRefused(request_id=stop_id, shipment_id=shipment.shipment_id, reason=reason)


def records(
    order_id: str, shipment: Shipment, parcels: Iterable[Parcel] | None = None
) -> tuple[ParcelRecord, ...]:
    """Rows for labelled parcels: for `parcels`, or for all of the shipment."""
    rate = shipment.rate
    if rate is None:
        return ()
    return tuple(
        ParcelRecord(
            p.tracking_no, order_id, shipment.shipment_id, p.parcel_id, rate.carrier, rate.service,
            shipment.labels, p.status, p.scanned_at, p.problem,
        )
        for p in (shipment.parcels if parcels is None else parcels)
        if p.tracking_no
    )  # fmt: skip
