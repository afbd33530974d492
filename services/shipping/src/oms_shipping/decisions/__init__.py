"""What shipping does when told something: `decide`, and when it looks again: `deadline`."""

from __future__ import annotations

from datetime import datetime

from oms_chassis.decision import Deadline, Decision, Done, Input, Refused, Unknown, Woke, refuse
from oms_contracts.order import ShipmentRequested, ShipmentStopRequested
from oms_shipping.decisions.calls import call_next, look_again
from oms_shipping.decisions.outcomes import settle
from oms_shipping.decisions.requests import ImpossibleInput, hand_over, ship, stop
from oms_shipping.decisions.tracking import report
from oms_shipping.domain import HandOver, Policy, ScanReported, Shipments, Status

__all__ = ["ImpossibleInput", "deadline", "decide"]

_AWAITED = {
    Status.BUYING: ("labels are to be bought", "shipping"),
    Status.VOIDING: ("labels are to be voided", "shipping"),
    Status.LABELLED: ("labelled parcels wait for the driver", "warehouse"),
    Status.HANDED_OVER: ("a parcel is on its way", "carrier"),
}


def decide(policy: Policy, state: Shipments | None, input: Input, now: datetime) -> Decision:
    """Take in what happened, then begin the most urgent call to the carrier that is due."""
    return call_next(policy, _hear(policy, state, input, now), input, now)


def _hear(policy: Policy, state: Shipments | None, input: Input, now: datetime) -> Decision:
    match state, input.body:
        case _, ShipmentRequested() as asked:
            return ship(policy, state or Shipments(), asked, now)
        case _, ShipmentStopRequested() as undo:
            return stop(state or Shipments(), undo, now)
        case None, HandOver() | ScanReported():
            return refuse(None, "unknown_shipment", "no shipment of this order was asked for")
        case Shipments(), HandOver() as given:
            return hand_over(policy, state, given, input.key, now)
        case Shipments(), ScanReported() as scan:
            return report(policy, state, scan, input.key, now)
        case Shipments(), Done() | Refused() | Unknown() as outcome:
            return settle(policy, state, outcome, input.key, now)
        case Shipments(), Woke():
            return look_again(policy, state, now)
    raise ImpossibleInput(f"{type(input.body).__name__} cannot happen here")


def deadline(policy: Policy, state: Shipments) -> Deadline | None:
    """The open call's, or else that of the shipment whose turn is first; None: all is settled."""
    if state.open_call is not None:
        return Deadline(state.open_call.look_at, "the carrier has not answered", "carrier")
    turns = [(s.look_at, n) for n, s in enumerate(state.shipments) if s.look_at is not None]
    if not turns:
        return None
    at, first = min(turns)
    reason, owner = _AWAITED[state.shipments[first].status]
    return Deadline(at, reason, owner)
