"""What the order asks (ship, stop) and what a person at the ramp does (hand over)."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Decision, again, keep, refuse
from oms_contracts import order
from oms_contracts.order import ShipmentRequested, ShipmentStopRequested
from oms_contracts.shipping import FailureCode
from oms_shipping.decisions.answers import failed, records, shipped, stop_refused, stopped
from oms_shipping.decisions.moves import leave, stay, void
from oms_shipping.decisions.rates import cheapest
from oms_shipping.domain import (
    HandOver,
    LabelState,
    Parcel,
    Policy,
    Shipment,
    Shipments,
    Status,
)


class ImpossibleInput(ValueError):
    """What was heard contradicts what shipping knows; a person must see why."""


def ship(policy: Policy, state: Shipments, asked: ShipmentRequested, now: datetime) -> Decision:
    """A new shipment, or an earlier answer once more."""
    known = state.find(asked.shipment_id)
    if known is None or _starts_afresh(known, asked):
        return _start(policy, state, known, asked, now)
    if known.status is Status.STOPPED and not known.request_id:
        bound = replace(known, request_id=asked.request_id)
        return Decision(state.put(bound), (stopped(bound, bound.stopped_by[-1]),))
    if known.status is Status.HANDED_OVER:
        return again(state, shipped(known, asked.request_id))
    if known.request_id != asked.request_id:
        raise ImpossibleInput(f"{known.shipment_id} is {known.status} under another request")
    match known.status:
        case Status.BUYING | Status.LABELLED | Status.VOIDING:
            return again(state)
        case Status.FAILED:
            return again(state, failed(known))
        case Status.STOPPED:
            return again(state, stopped(known, known.stopped_by[-1]))


def _starts_afresh(known: Shipment, asked: ShipmentRequested) -> bool:
    """A further request means something new only once the one before ended with the goods here."""
    ended = known.status in (Status.FAILED, Status.STOPPED)
    return ended and known.request_id not in ("", asked.request_id)


def _start(
    policy: Policy, state: Shipments, before: Shipment | None, asked: ShipmentRequested,
    now: datetime,
) -> Decision:  # fmt: skip
    shipment = Shipment(
        shipment_id=asked.shipment_id,
        status=Status.BUYING,
        request_id=asked.request_id,
        order_no=asked.order_no,
        location=asked.location,
        service_level=asked.service_level,
        address=asked.address,
        parcels=tuple(_parcel(p) for p in asked.parcels),
        rate=cheapest(policy, asked),
        stopped_by=before.stopped_by if before else (),
        look_at=now,
    )
    if shipment.rate is None:
        nobody = replace(
            shipment,
            status=Status.FAILED,
            failure=FailureCode.CARRIER,
            failure_text=f"no carrier takes these parcels {asked.service_level} "
            f"to {asked.ship_country or 'an unknown country'}",
            look_at=None,
        )
        return Decision(state.put(nobody), (failed(nobody),))
    return keep(state.put(shipment))


def _parcel(packed: order.Parcel) -> Parcel:
    return Parcel(
        parcel_id=packed.parcel_id,
        weight_grams=packed.weight_grams,
        length_mm=packed.length_mm,
        width_mm=packed.width_mm,
        height_mm=packed.height_mm,
        units=sum(line.qty for line in packed.lines),
    )


def stop(state: Shipments, undo: ShipmentStopRequested, now: datetime) -> Decision:
    """Before the hand-over the stop wins, also over a request that has yet to come."""
    asked = Shipment(shipment_id=undo.shipment_id, status=Status.STOPPED)
    known = state.find(undo.shipment_id) or asked
    if undo.request_id in known.stopped_by:
        return again(state, stopped(known, undo.request_id))
    if undo.request_id in known.stops:
        return again(state)
    wanted = replace(known, stops=(*known.stops, undo.request_id))
    match known.status:
        case Status.HANDED_OVER:
            return Decision(state, (stop_refused(known, undo.request_id),))
        case Status.STOPPED | Status.FAILED:
            here, facts = stay(wanted, known.labels, known.attention)
            return Decision(state.put(here), facts)
        case Status.BUYING:
            return _stop_buying(state, wanted, now)
        case Status.LABELLED:
            return keep(state.put(void(wanted, now)))
        case Status.VOIDING:
            return keep(state.put(wanted))


def _stop_buying(state: Shipments, wanted: Shipment, now: datetime) -> Decision:
    """An open purchase is awaited; an unclear one is voided; one never begun ends here."""
    if state.open_call is not None and state.open_call.shipment_id == wanted.shipment_id:
        return keep(state.put(wanted))
    if wanted.attempts:
        return keep(state.put(void(wanted, now)))
    here, facts = stay(wanted, LabelState.NONE)
    return Decision(state.put(here), facts)


def hand_over(
    policy: Policy, state: Shipments, given: HandOver, order_id: str, now: datetime
) -> Decision:
    """The driver takes the parcels: all of them, each scanned."""
    known = state.find(given.shipment_id)
    if known is None:
        return refuse(state, "unknown_shipment", "no such shipment was asked for")
    match known.status:
        case Status.BUYING:
            return refuse(state, "no_labels", "wait until the labels are printed")
        case Status.VOIDING | Status.STOPPED:
            return refuse(state, "stopped", "the shipment was stopped: keep the parcels here")
        case Status.FAILED:
            return refuse(state, "failed", f"keep the parcels here: {known.failure_text}")
        case Status.HANDED_OVER:
            return again(state, answer=_receipt(known))
        case Status.LABELLED:
            return _give(policy, state, known, given, order_id, now)


def _give(
    policy: Policy, state: Shipments, known: Shipment, given: HandOver, order_id: str,
    now: datetime,
) -> Decision:  # fmt: skip
    ours = {p.tracking_no for p in known.parcels}
    scanned = set(given.tracking_nos)
    if scanned != ours:
        odd = ", ".join(sorted(scanned ^ ours)[:5])
        return refuse(state, "parcels_differ", f"scan each of its parcels, and no other: {odd}")
    left, facts = leave(policy, known, now)
    return Decision(state.put(left), facts, rows=records(order_id, left), answer=_receipt(left))


def _receipt(shipment: Shipment) -> dict[str, object]:
    assert shipment.shipped_at is not None
    return {
        "shipment_id": shipment.shipment_id,
        "shipped_at": shipment.shipped_at.isoformat(),
        "parcels": len(shipment.parcels),
    }
