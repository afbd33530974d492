"""What people and carriers do by HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HandOver:
    """A person gave these parcels to the driver, scanning each label."""

    shipment_id: str
    tracking_nos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanReported:
    """A carrier's word about a parcel; `code` is the carrier's own, `at` the carrier's time."""

    tracking_no: str
    event_id: str
    code: str
    at: datetime
