"""What follows from the carrier's answers, and from its silence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Decision, Done, Refused, Unknown, keep, late, seconds
from oms_contracts.shipping import FailureCode
from oms_shipping.decisions.answers import failed, records
from oms_shipping.decisions.calls import SILENT
from oms_shipping.decisions.moves import leave, stay, void
from oms_shipping.decisions.requests import ImpossibleInput
from oms_shipping.decisions.tracking import take_scans, wait_for_scans
from oms_shipping.domain import Handover, LabelState, Policy, Shipment, Shipments, Status

Outcome = Done | Refused | Unknown

REFUSED_ADDRESS = "address"
"""The carrier's code for an address that it does not deliver to."""
REFUSED_IN_TRANSIT = "in_transit"
"""The carrier's code for labels that cannot be voided because it has the parcels."""


def settle(
    policy: Policy, state: Shipments, outcome: Outcome, order_id: str, now: datetime
) -> Decision:
    """The open call was answered, or nobody can find out how it ended."""
    call = state.open_call
    if call is None or call.effect_id != str(outcome.effect_id):
        return late(state, "answers a call that is no longer open")
    idle = replace(state, open_call=None)
    shipment = state.find(call.shipment_id)
    assert shipment is not None
    if shipment.attention == SILENT:
        shipment = replace(shipment, attention="")
        idle = idle.put(shipment)
    match outcome.method:
        case "buy_labels":
            return _purchase(policy, idle, shipment, outcome, order_id, now)
        case "void":
            return _void(policy, idle, shipment, outcome, order_id, now)
        case "track":
            return _track(policy, idle, shipment, outcome, order_id, now)
    raise ImpossibleInput(f"the carrier is never asked to {outcome.method}")


def _purchase(
    policy: Policy, idle: Shipments, shipment: Shipment, outcome: Outcome, order_id: str,
    now: datetime,
) -> Decision:  # fmt: skip
    match outcome:
        case Done(answer=answer):
            return _bought(policy, idle, _labelled(policy, shipment, answer), order_id, now)
        case Refused() if shipment.stops:
            here, facts = stay(shipment, LabelState.NONE)
            return Decision(idle.put(here), facts)
        case Refused(code=code, text=text):
            by_address = code == REFUSED_ADDRESS
            refused = replace(
                shipment,
                status=Status.FAILED,
                failure=FailureCode.ADDRESS if by_address else FailureCode.CARRIER,
                failure_text=(text or f"the carrier refused: {code}")[:500],
                look_at=None,
                attention="",
            )
            return Decision(idle.put(refused), (failed(refused),))
        case Unknown() if shipment.stops:
            return keep(idle.put(void(shipment, now)))
        case Unknown():
            return keep(idle.put(_try_later(policy, shipment, now)))


def _labelled(policy: Policy, shipment: Shipment, answer: Mapping[str, Any]) -> Shipment:
    assert shipment.rate is not None
    numbers = {label["parcel_id"]: str(label["tracking_no"]) for label in answer["labels"]}
    if numbers.keys() != {p.parcel_id for p in shipment.parcels} or not all(numbers.values()):
        raise ImpossibleInput("the carrier labelled other parcels than it was asked to")
    template = policy.tracking_urls.get(shipment.rate.carrier, "")
    parcels = tuple(
        replace(p, tracking_no=no, url=template.replace("{tracking_no}", no))
        for p in shipment.parcels
        for no in (numbers[p.parcel_id],)
    )
    return replace(shipment, parcels=parcels, labels=LabelState.BOUGHT, attention="")


def _bought(
    policy: Policy, idle: Shipments, shipment: Shipment, order_id: str, now: datetime
) -> Decision:
    if shipment.stops:
        after: Shipment = void(shipment, now)
        facts: tuple[Any, ...] = ()
    elif policy.handover_at(shipment.location) is Handover.AT_ONCE:
        after, facts = leave(policy, shipment, now)
    else:
        until = now + seconds(policy.handover_within_seconds)
        after, facts = replace(shipment, status=Status.LABELLED, look_at=until, attempts=0), ()
    return Decision(idle.put(after), facts, rows=records(order_id, after))


def _try_later(policy: Policy, shipment: Shipment, now: datetime) -> Shipment:
    """The same call again, ever less often; a person can see that the carrier is silent."""
    pause = policy.retry_after_seconds * 2 ** min(shipment.attempts - 1, 16)
    at = now + seconds(min(pause, policy.retry_after_max_seconds))
    return replace(shipment, look_at=at, attention="the carrier's answer is unknown")


def _void(
    policy: Policy, idle: Shipments, shipment: Shipment, outcome: Outcome, order_id: str,
    now: datetime,
) -> Decision:  # fmt: skip
    if shipment.status is not Status.VOIDING:
        return _voided_too_late(idle, shipment, outcome, order_id)
    match outcome:
        case Refused(code=code) if code == REFUSED_IN_TRANSIT and shipment.bought:
            after, facts = leave(policy, shipment, now)
        case Done():
            after, facts = stay(shipment, LabelState.VOIDED)
        case Refused():
            after, facts = stay(shipment, LabelState.BOUGHT, "the carrier charges for the labels")
        case Unknown() if shipment.attempts < policy.void_attempts_max:
            after, facts = _try_later(policy, shipment, now), ()
        case Unknown():
            unclear = "the carrier does not say whether the labels are voided"
            after, facts = stay(shipment, LabelState.UNCLEAR, unclear)
    return Decision(idle.put(after), facts, rows=records(order_id, after))


def _voided_too_late(
    idle: Shipments, shipment: Shipment, outcome: Outcome, order_id: str
) -> Decision:
    """A scan showed meanwhile that the carrier has the parcels, whatever it says of the labels."""
    if not isinstance(outcome, Done):
        return late(idle, "the parcels had left before the void was answered")
    travels = replace(
        shipment, labels=LabelState.VOIDED, attention="travels with labels that were voided"
    )
    return Decision(idle.put(travels), rows=records(order_id, travels))


def _track(
    policy: Policy, idle: Shipments, shipment: Shipment, outcome: Outcome, order_id: str,
    now: datetime,
) -> Decision:  # fmt: skip
    heard, decided = shipment, Decision(idle)
    if isinstance(outcome, Done):
        decided = take_scans(policy, idle, shipment, outcome.answer["scans"], order_id, now)
        found = decided.state.find(shipment.shipment_id)
        assert found is not None
        heard = found
    return wait_for_scans(policy, decided, heard, order_id, now)
