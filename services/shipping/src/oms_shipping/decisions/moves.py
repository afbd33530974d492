"""The steps of a shipment that several inputs lead to: it leaves, it stops, its labels go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import seconds
from oms_shipping.decisions.answers import shipped, stop_refused, stopped
from oms_shipping.decisions.rates import arrival
from oms_shipping.domain import LabelState, Policy, Shipment, Status

Told = tuple[Shipment, tuple[Any, ...]]
"""A shipment after a step, and the facts that follow from it."""


def leave(policy: Policy, shipment: Shipment, now: datetime) -> Told:
    """The carrier has the parcels: the request is answered, and stops come too late."""
    assert shipment.rate is not None
    left = replace(
        shipment,
        status=Status.HANDED_OVER,
        shipped_at=now,
        eta=arrival(policy, shipment.rate, now),
        look_at=now + seconds(policy.track_after_seconds),
        stops=(),
        attempts=0,
        attention="",
    )
    refusals = (stop_refused(left, stop_id) for stop_id in shipment.stops)
    return left, (shipped(left, left.request_id), *refusals)


def stay(shipment: Shipment, labels: LabelState, attention: str = "") -> Told:
    """The parcels stay here: every stop that waits is answered."""
    stopped_by = (*shipment.stopped_by, *shipment.stops)
    here = replace(
        shipment,
        status=Status.STOPPED,
        labels=labels,
        stops=(),
        stopped_by=stopped_by,
        look_at=None,
        attempts=0,
        attention=attention,
    )
    return here, tuple(stopped(here, stop_id) for stop_id in shipment.stops)


def void(shipment: Shipment, now: datetime) -> Shipment:
    """The labels are to be voided before the stop is answered."""
    return replace(shipment, status=Status.VOIDING, look_at=now, attempts=0, attention="")
