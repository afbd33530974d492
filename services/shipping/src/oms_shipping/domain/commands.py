"""What people and carriers do by HTTP."""

from __future__ import annotations

from datetime import datetime

from oms_chassis.decision import Value


class HandOver(Value, frozen=True):
    """A person gave these parcels to the driver, scanning each label."""

    shipment_id: str
    tracking_nos: tuple[str, ...]


class ScanReported(Value, frozen=True):
    """A carrier's word about a parcel; `code` is the carrier's own, `at` the carrier's time."""

    tracking_no: str
    event_id: str
    code: str
    at: datetime
