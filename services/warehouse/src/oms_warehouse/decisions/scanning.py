"""Picking and packing by scanning. Nothing is packed that was not scanned, twice.

Every scan carries an id from its device. Sent again it is answered as before and counts once;
a scan that was refused changed nothing, so it is judged anew.
"""

from __future__ import annotations

import json
from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again, refuse
from oms_contracts.warehouse import FulfilmentShort, ShortLine
from oms_warehouse.decisions.answers import (
    moved,
    not_stopping,
    packed,
    progress,
    scan_id_used,
    unknown_fulfilment,
    wrong_status,
)
from oms_warehouse.decisions.stopping import in_bins
from oms_warehouse.domain import (
    ClosePacking,
    Fulfilment,
    Line,
    Misscan,
    OrderFulfilments,
    ReportShort,
    Scan,
    ScanPack,
    ScanPick,
    ScanPutBack,
    ScanVerb,
    StartPick,
    Status,
)

Scanned = ScanPick | ReportShort | ScanPack | ScanPutBack
Step = tuple[Fulfilment, tuple[object, ...]]
"""The fulfilment after a scan, and what must be told."""
_MISFITS = ("wrong_item", "surplus")


def start_pick(state: OrderFulfilments, input: Input) -> Decision:
    """Claim a pick list, or take it over from a colleague."""
    said: StartPick = input.body
    fulfilment = state.find(said.fulfilment_id)
    if fulfilment is None:
        return unknown_fulfilment(said.fulfilment_id)
    match fulfilment.status:
        case Status.PICKING if fulfilment.picker == input.actor:
            return again(None, answer=progress(fulfilment))
        case Status.PICKING if not said.take_over:
            return _claimed(fulfilment)
        case Status.RELEASED | Status.PICKING:
            claimed = replace(fulfilment, status=Status.PICKING, picker=input.actor)
            return moved(input, state, state.with_fulfilment(claimed), answer=progress(claimed))
        case Status.PICKED | Status.PACKING | Status.PACKED | Status.STOPPING | Status.STOPPED:
            return wrong_status(fulfilment)


def scan(state: OrderFulfilments, input: Input, now: datetime) -> Decision:
    """One scan: answered as before if it is a repeat, else carried out or refused."""
    said: Scanned = input.body
    fulfilment = state.find(said.fulfilment_id)
    if fulfilment is None:
        return unknown_fulfilment(said.fulfilment_id)
    record = _record(fulfilment, input, now)
    earlier = state.scan(said.scan_id)
    if earlier is not None:
        if not earlier.tells_same(record):
            return scan_id_used(earlier)
        return again(None, answer=json.loads(earlier.answer))
    step = _carry_out(fulfilment, input)
    if isinstance(step, Decision):
        return _refused(step, record, fulfilment.location, input)
    after, facts = step
    answer = {**progress(after), "sku": record.sku, "qty": record.qty}
    record = replace(record, answer=json.dumps(answer))
    return moved(
        input, state, state.with_fulfilment(after, record), *facts, rows=(record,), answer=answer
    )


def _refused(decision: Decision, record: Scan, location: str, input: Input) -> Decision:
    """A wrong item changes nothing, but it is remembered who took it and where."""
    refusal = decision.refusal
    if refusal is None or refusal.code not in _MISFITS:
        return decision
    caught = Misscan(
        misscan_id=str(input.new_id(0)), fulfilment_id=record.fulfilment_id, location=location,
        verb=record.verb, sku=record.sku, qty=record.qty, code=refusal.code,
        person=record.person, at=record.at,
    )  # fmt: skip
    return replace(decision, rows=(caught,))


def _carry_out(fulfilment: Fulfilment, input: Input) -> Step | Decision:
    said: Scanned = input.body
    match said:
        case ScanPick():
            return _pick(fulfilment, said, input.actor)
        case ReportShort():
            return _short(fulfilment, said, input.actor)
        case ScanPack():
            return _pack(fulfilment, said)
        case ScanPutBack():
            return _put_back(fulfilment, said, input.actor)


def _record(fulfilment: Fulfilment, input: Input, now: datetime) -> Scan:
    """The scan as evidence."""
    said: Scanned = input.body
    sku, line_id, parcel_no, reason = "", "", 0, ""
    match said:
        case ScanPick():
            verb, sku = ScanVerb.PICK, said.sku
        case ReportShort():
            verb, line_id, reason = ScanVerb.SHORT, said.line_id, said.reason.value
            line = fulfilment.line(line_id)
            sku = line.sku if line else ""
        case ScanPack():
            verb, sku, parcel_no = ScanVerb.PACK, said.sku, said.parcel_no
        case ScanPutBack():
            verb, sku = ScanVerb.PUT_BACK, said.sku
    return Scan(
        order_id=input.key, scan_id=said.scan_id, fulfilment_id=fulfilment.fulfilment_id,
        verb=verb, qty=said.qty, sku=sku, line_id=line_id, parcel_no=parcel_no, reason=reason,
        person=input.actor, at=now,
    )  # fmt: skip


def _pick(fulfilment: Fulfilment, said: ScanPick, person: str) -> Step | Decision:
    if fulfilment.status is not Status.PICKING:
        return wrong_status(fulfilment)
    if fulfilment.picker != person:
        return _claimed(fulfilment)
    left = fulfilment.left_of(said.sku, lambda line: line.to_pick)
    if said.qty > left:
        return _misfit(fulfilment, said.sku, said.qty, left, "put {surplus} back")
    return fulfilment.pick(said.sku, said.qty), ()


def _pack(fulfilment: Fulfilment, said: ScanPack) -> Step | Decision:
    if fulfilment.status not in (Status.PICKED, Status.PACKING):
        return wrong_status(fulfilment)
    left = fulfilment.left_of(said.sku, fulfilment.unpacked_of)
    if said.qty > left:
        return _misfit(fulfilment, said.sku, said.qty, left, "take {surplus} out of the parcel")
    return fulfilment.pack(said.parcel_no, said.sku, said.qty), ()


def _put_back(fulfilment: Fulfilment, said: ScanPutBack, person: str) -> Step | Decision:
    if fulfilment.status is not Status.STOPPING:
        return not_stopping(fulfilment)
    left = fulfilment.left_of(said.sku, lambda line: line.picked - line.put_back)
    if said.qty > left:
        return _misfit(fulfilment, said.sku, said.qty, left, "keep {surplus} and call a supervisor")
    after = fulfilment.put_back(said.sku, said.qty)
    return (after, ()) if after.to_put_back else in_bins(after, person)


def _short(fulfilment: Fulfilment, said: ReportShort, person: str) -> Step | Decision:
    """While picking, units that are not there; later, picked units that are not fit to be sent."""
    line = fulfilment.line(said.line_id)
    if line is None:
        return refuse(None, "unknown_line", f"There is no line {said.line_id} on this pick list.")
    match fulfilment.status:
        case Status.PICKING if fulfilment.picker != person:
            return _claimed(fulfilment)
        case Status.PICKING:
            left = line.to_pick
        case Status.PICKED | Status.PACKING:
            left = fulfilment.unpacked_of(line)
        case Status.RELEASED | Status.PACKED | Status.STOPPING | Status.STOPPED:
            return wrong_status(fulfilment)
    if said.qty > left:
        return refuse(
            None, "too_many_short",
            f"Only {left} units of line {line.line_id} are left: report at most {left}.",
        )  # fmt: skip
    return fulfilment.drop(line, said.qty), (_short_fact(fulfilment, line, said),)


def _short_fact(fulfilment: Fulfilment, line: Line, said: ReportShort) -> FulfilmentShort:
    short = ShortLine(
        line_id=line.line_id, sku=line.sku, location=fulfilment.location, qty=said.qty,
        reason=said.reason.value,
    )  # fmt: skip
    return FulfilmentShort(fulfilment_id=fulfilment.fulfilment_id, short=(short,))


def close_packing(state: OrderFulfilments, input: Input, now: datetime) -> Decision:
    """All parcels are closed: what lies in them must be what was picked."""
    said: ClosePacking = input.body
    fulfilment = state.find(said.fulfilment_id)
    if fulfilment is None:
        return unknown_fulfilment(said.fulfilment_id)
    if fulfilment.status is Status.PACKED:
        return again(None, answer=progress(fulfilment))
    if fulfilment.status not in (Status.PICKED, Status.PACKING):
        return wrong_status(fulfilment)
    if fulfilment.to_pack:
        return refuse(
            None, "not_packed",
            f"{fulfilment.to_pack} picked units lie in no parcel: scan them into one, "
            "or report them short.",
        )  # fmt: skip
    open_parcels = [parcel.parcel_no for parcel in fulfilment.parcels]
    if sorted(measure.parcel_no for measure in said.parcels) != open_parcels:
        numbers = ", ".join(str(n) for n in open_parcels)
        return refuse(
            None, "parcels_differ", f"Weigh exactly these parcels, each once: {numbers}."
        )  # fmt: skip
    closed = fulfilment.close(said.parcels, input.actor, now)
    return moved(
        input, state, state.with_fulfilment(closed), packed(closed), answer=progress(closed)
    )


def _claimed(fulfilment: Fulfilment) -> Decision:
    return refuse(
        None, "claimed",
        f"{fulfilment.picker} is picking this list: take another one, or take it over.",
    )  # fmt: skip


def _misfit(fulfilment: Fulfilment, sku: str, qty: int, left: int, todo: str) -> Decision:
    """The item does not belong here, or there are too many of it."""
    todo = todo.format(surplus=qty - left)
    if not fulfilment.knows(sku):
        return refuse(None, "wrong_item", f"{sku} does not belong to this fulfilment: {todo}.")
    return refuse(None, "surplus", f"{left} more of {sku} belong here, not {qty}: {todo}.")
