"""Calls to the carrier: one at a time per order, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Decision, Effect, Input, derive_id, keep, seconds
from oms_shipping.domain import OpenCall, Policy, Shipment, Shipments, Status

GATEWAY = "carrier"
SILENT = "the carrier does not answer"
"""Brought to a person's attention while a call is open for too long."""
_URGENCY = (Status.VOIDING, Status.BUYING, Status.HANDED_OVER)
_METHODS = {
    Status.VOIDING: "void",
    Status.BUYING: "buy_labels",
    Status.HANDED_OVER: "track",
}


def call_next(policy: Policy, decided: Decision, input: Input, now: datetime) -> Decision:
    """Begin the most urgent call that is due, unless one is open."""
    state = decided.state
    if state is None or state.open_call is not None or decided.verdict == "refuse":
        return decided
    due = [
        s for status in _URGENCY for s in state.shipments
        if s.status is status and s.look_at is not None and s.look_at <= now
    ]  # fmt: skip
    if not due:
        return decided
    calling = replace(due[0], attempts=due[0].attempts + 1)
    effect_id = derive_id(input.id, GATEWAY)
    look_at = now + seconds(policy.answer_within_seconds)
    call = OpenCall(str(effect_id), calling.shipment_id, look_at)
    effect = Effect(GATEWAY, _METHODS[calling.status], _words(calling, now), id=effect_id)
    after = replace(state.put(calling), open_call=call)
    return replace(decided, state=after, effects=(*decided.effects, effect))


def _words(shipment: Shipment, now: datetime) -> Mapping[str, Any]:
    """What the carrier is told. `purchase_id` is the same whenever the call is repeated."""
    assert shipment.rate is not None
    common = {"purchase_id": shipment.request_id, "carrier": shipment.rate.carrier}
    if shipment.status is Status.BUYING:
        return common | {
            "service": shipment.rate.service,
            "shipment_id": shipment.shipment_id,
            "order_no": shipment.order_no,
            "location": shipment.location,
            "parcels": [
                {
                    "parcel_id": p.parcel_id,
                    "weight_grams": p.weight_grams,
                    "size_mm": [p.length_mm, p.width_mm, p.height_mm],
                }
                for p in shipment.parcels
            ],
            "address": shipment.address,
        }
    if shipment.status is Status.VOIDING:
        return common | {"tracking_nos": [p.tracking_no for p in shipment.parcels if p.tracking_no]}
    assert shipment.shipped_at is not None
    return common | {
        "tracking_nos": [p.tracking_no for p in shipment.underway],
        "shipped_at": shipment.shipped_at.isoformat(),
        "asked_at": now.isoformat(),
    }


def look_again(policy: Policy, state: Shipments, now: datetime) -> Decision:
    """A deadline has passed: say so where a person can see it, and set the next one.

    Calls that have become due are begun by `call_next`.
    """
    after = state
    if state.open_call is not None and state.open_call.look_at <= now:
        after = _remind_of_call(policy, state, state.open_call, now)
    for shipment in state.shipments:
        due = shipment.look_at is not None and shipment.look_at <= now
        if due and shipment.status is Status.LABELLED:
            reminded = replace(
                shipment,
                look_at=now + seconds(policy.handover_within_seconds),
                attention="labelled parcels wait for the driver",
            )
            after = after.put(reminded)
    return keep(after)


def _remind_of_call(policy: Policy, state: Shipments, call: OpenCall, now: datetime) -> Shipments:
    silent = state.find(call.shipment_id)
    assert silent is not None
    reminded = replace(silent, attention=SILENT)
    later = replace(call, look_at=now + seconds(policy.answer_within_seconds))
    return replace(state.put(reminded), open_call=later)
