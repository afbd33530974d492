"""Scans: from carriers' codes to a parcel's status, whatever order they are heard in.

A parcel that comes back stays so (a delivery after that is one to the sender); else a delivery
is final; else the newest scan counts. So the same scans lead to the same status in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Decision, again, late, refuse, seconds
from oms_contracts.shipping import ParcelDelivered, ParcelException, ParcelStatus
from oms_shipping.decisions.answers import records
from oms_shipping.decisions.moves import Told, leave
from oms_shipping.domain import (
    PROBLEMS,
    Parcel,
    Policy,
    ScanRecord,
    ScanReported,
    Shipment,
    Shipments,
    Status,
)

ASTRAY = "the carrier has a parcel of a shipment that was stopped"
_RANK = {
    word: rank
    for rank, word in enumerate(
        (
            ParcelStatus.PRE_TRANSIT,
            ParcelStatus.IN_TRANSIT,
            ParcelStatus.OUT_FOR_DELIVERY,
            ParcelStatus.AVAILABLE_FOR_PICKUP,
            ParcelStatus.DELIVERY_FAILED,
            ParcelStatus.DAMAGED,
            ParcelStatus.LOST,
        )
    )
}
"""Which of two scans of the same instant is the later one."""


def report(
    policy: Policy, state: Shipments, scan: ScanReported, order_id: str, now: datetime
) -> Decision:
    """A carrier tells of a scan by itself."""
    shipment = state.carrying(scan.tracking_no)
    if shipment is None:
        return late(state, "the label is no longer in use")
    if scan.at > now + seconds(policy.clock_skew_seconds):
        return refuse(state, "dated_ahead", "the scan is dated ahead of our clock: mend yours")
    decision = _take(policy, state, shipment, (scan,), order_id, now)
    after = decision.state.carrying(scan.tracking_no)
    answer = {"tracking_no": scan.tracking_no, "status": _parcel(after, scan.tracking_no).status}
    if after == shipment:
        return again(state, rows=decision.rows, answer=answer)
    return replace(decision, answer=answer)


def take_scans(
    policy: Policy, state: Shipments, shipment: Shipment, answer: Iterable[Mapping[str, Any]],
    order_id: str, now: datetime,
) -> Decision:  # fmt: skip
    """The carrier was asked and tells of every scan so far; strangers' parcels are left out."""
    ours = {p.tracking_no for p in shipment.parcels}
    latest = now + seconds(policy.clock_skew_seconds)
    scans = (
        ScanReported(s["tracking_no"], s["event_id"], s["code"], datetime.fromisoformat(s["at"]))
        for s in answer
    )
    sound = [s for s in scans if s.tracking_no in ours and s.at <= latest]
    return _take(policy, state, shipment, sound, order_id, now)


def wait_for_scans(
    policy: Policy, decided: Decision, shipment: Shipment, order_id: str, now: datetime
) -> Decision:
    """Ask again later, as long as a parcel is on its way; tell of a silence that is too long."""
    quiet_since = now - seconds(policy.quiet_after_seconds)
    silent = [p for p in shipment.underway if _is_silent(shipment, p, quiet_since)]
    waiting = shipment
    for parcel in silent:
        told = replace(parcel, told=(*parcel.told, ParcelStatus.UNKNOWN))
        waiting = _with(waiting, told)
    waiting = replace(waiting, look_at=_next_poll(policy, waiting, now), attempts=0)
    facts = [_exception(waiting, p, ParcelStatus.UNKNOWN, now) for p in silent]
    told_of = [p for p in waiting.parcels if p.tracking_no in {s.tracking_no for s in silent}]
    return replace(
        decided,
        state=decided.state.put(waiting),
        facts=(*decided.facts, *facts),
        rows=(*decided.rows, *records(order_id, waiting, told_of)),
    )


def _is_silent(shipment: Shipment, parcel: Parcel, quiet_since: datetime) -> bool:
    assert shipment.shipped_at is not None
    heard_at = max(parcel.scanned_at or shipment.shipped_at, shipment.shipped_at)
    return ParcelStatus.UNKNOWN not in parcel.told and heard_at < quiet_since


def _next_poll(policy: Policy, shipment: Shipment, now: datetime) -> datetime | None:
    return now + seconds(policy.track_every_seconds) if shipment.underway else None


def _take(
    policy: Policy, state: Shipments, shipment: Shipment, scans: Iterable[ScanReported],
    order_id: str, now: datetime,
) -> Decision:  # fmt: skip
    after = shipment
    facts: list[Any] = []
    raw: list[ScanRecord] = []
    assert shipment.rate is not None
    for scan in scans:
        word = policy.word(shipment.rate.carrier, scan.code)
        raw.append(ScanRecord(scan.tracking_no, scan.event_id, scan.code, word, scan.at, now))
        after, told = _observe(policy, after, scan, word, now)
        facts += told
    if after.status is Status.HANDED_OVER and (after.look_at is None or not after.underway):
        after = replace(after, look_at=_next_poll(policy, after, now))
    changed = [p for p in after.parcels if p not in shipment.parcels]
    rows = (*records(order_id, after, changed), *raw)
    return Decision(state.put(after), facts, rows=rows)


def _observe(
    policy: Policy, shipment: Shipment, scan: ScanReported, word: ParcelStatus, now: datetime
) -> Told:
    if word is ParcelStatus.UNKNOWN:
        return shipment, ()
    facts: tuple[Any, ...] = ()
    moved = word is not ParcelStatus.PRE_TRANSIT
    if moved and shipment.status in (Status.LABELLED, Status.VOIDING):
        shipment, facts = leave(policy, shipment, now)  # the scan proves the hand-over
    parcel = _parcel(shipment, scan.tracking_no)
    seen = _scanned(parcel, word, scan.at)
    told: tuple[Any, ...] = ()
    if moved and shipment.status is Status.STOPPED and word not in parcel.told:
        seen = replace(seen, told=(*seen.told, word))
        shipment = replace(shipment, attention=ASTRAY)
        told = (_exception(shipment, parcel, word, scan.at, ASTRAY),)
    elif word is ParcelStatus.DELIVERED and seen != parcel:
        told = (
            ParcelDelivered(
                shipment_id=shipment.shipment_id, parcel_id=parcel.parcel_id, at=scan.at
            ),
        )
    elif word in PROBLEMS and (seen != parcel or _first(parcel, word)):
        seen = replace(seen, told=(*(w for w in seen.told if w is not word), word))
        told = (_exception(shipment, parcel, word, scan.at),)
    return _with(shipment, seen), (*facts, *told)


def _first(parcel: Parcel, word: ParcelStatus) -> bool:
    """Damage does not heal: it is told even when newer scans were heard before."""
    return word is ParcelStatus.DAMAGED and word not in parcel.told


def _scanned(parcel: Parcel, word: ParcelStatus, at: datetime) -> Parcel:
    """The parcel after a scan; the same one if the scan changes nothing."""
    if parcel.status is ParcelStatus.RETURN_TO_SENDER:
        return parcel
    if word is not ParcelStatus.RETURN_TO_SENDER:
        if parcel.status is ParcelStatus.DELIVERED:
            return parcel
        if word is not ParcelStatus.DELIVERED and not _newer(parcel, word, at):
            return parcel
    told = tuple(w for w in parcel.told if w is not ParcelStatus.UNKNOWN)
    return replace(parcel, status=word, scanned_at=at, told=told)


def _newer(parcel: Parcel, word: ParcelStatus, at: datetime) -> bool:
    if parcel.scanned_at is None:
        return True
    return (at, _RANK[word]) > (parcel.scanned_at, _RANK[parcel.status])


def _parcel(shipment: Shipment, tracking_no: str) -> Parcel:
    return next(p for p in shipment.parcels if p.tracking_no == tracking_no)


def _with(shipment: Shipment, parcel: Parcel) -> Shipment:
    same = parcel.parcel_id
    parcels = tuple(parcel if p.parcel_id == same else p for p in shipment.parcels)
    return replace(shipment, parcels=parcels)


def _exception(
    shipment: Shipment, parcel: Parcel, word: ParcelStatus, at: datetime, text: str = ""
) -> ParcelException:
    return ParcelException(
        shipment_id=shipment.shipment_id,
        parcel_id=parcel.parcel_id,
        status=word,
        at=at,
        text=text or PROBLEMS[word],
    )
