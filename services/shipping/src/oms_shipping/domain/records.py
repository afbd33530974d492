"""Rows that shipping writes for people to query; field names are column names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from oms_contracts.shipping import ParcelStatus
from oms_shipping.domain.shipments import LabelState


@dataclass(frozen=True, slots=True)
class ParcelRecord:
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


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """A row of the table `scan`: what the carrier said, in its own word and in ours."""

    tracking_no: str
    event_id: str
    code: str
    status: ParcelStatus
    at: datetime
    heard_at: datetime
