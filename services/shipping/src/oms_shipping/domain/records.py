"""Rows that shipping writes for people to query; field names are column names."""

from __future__ import annotations

from datetime import datetime

from oms_chassis.decision import Value
from oms_contracts.shipping import ParcelStatus
from oms_shipping.domain.shipments import LabelState


class ParcelRecord(Value, frozen=True):
    """A row of the table `parcel`: the newest of one label and of the parcel that carries it."""

    tracking_no: str
    order_id: str
    shipment_id: str
    parcel_id: str
    carrier: str
    service: str
    label: LabelState
    status: ParcelStatus
    scanned_at: datetime | None
    problem: str


class ScanRecord(Value, frozen=True):
    """A row of the table `scan`: what the carrier said, in its own word and in ours."""

    tracking_no: str
    event_id: str
    code: str
    status: ParcelStatus
    at: datetime
    heard_at: datetime
