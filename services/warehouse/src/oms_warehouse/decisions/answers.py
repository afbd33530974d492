"""How a changed fulfilment is told: to the saga as facts, to people as rows and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oms_chassis.decision import Decision, Input, refuse
from oms_contracts import order as order_contract
from oms_contracts.channel import ServiceLevel
from oms_contracts.event import Alloc, LineQty
from oms_contracts.warehouse import FulfilmentPacked, FulfilmentStopped, FulfilmentStopRefused
from oms_warehouse.domain import (
    Fulfilment,
    OrderFulfilments,
    Parcel,
    Scan,
    Status,
    Stop,
    WorkItem,
)

FULFILMENTS = "fulfilments"
"""The kind of root that holds all fulfilments of an order, keyed by order id."""


def moved(
    input: Input,
    before: OrderFulfilments | None,
    after: OrderFulfilments,
    *facts: object,
    rows: tuple[object, ...] = (),
    answer: Mapping[str, Any] | None = None,
) -> Decision:
    """The order's fulfilments are now `after`; the work queue shows what has changed."""
    shown = {work_item(input.key, f) for f in before.fulfilments} if before else set()
    items = [item for f in after.fulfilments if (item := work_item(input.key, f)) not in shown]
    states = {(FULFILMENTS, input.key): after}
    return Decision(states=states, facts=facts, rows=(*items, *rows), answer=answer)


def work_item(order_id: str, fulfilment: Fulfilment) -> WorkItem:
    """The fulfilment as the work queue shows it."""
    open_stops = fulfilment.awaited_stops()
    return WorkItem(
        fulfilment_id=fulfilment.fulfilment_id,
        order_id=order_id,
        order_no=fulfilment.order_no,
        location=fulfilment.location,
        status=fulfilment.status.value,
        service_level=fulfilment.service_level.value,
        ship_by=fulfilment.ship_by,
        rank=0 if fulfilment.service_level is ServiceLevel.EXPRESS else 1,
        units=fulfilment.wanted,
        flags=" ".join(fulfilment.flags),
        picker=fulfilment.picker,
        # A customer's words: the database takes every character but this one.
        stop_reason=open_stops[0].reason.replace("\0", " ") if open_stops else "",
        due_at=None if fulfilment.finished else fulfilment.due_at,
        overdue_since=None if fulfilment.finished else fulfilment.overdue_since,
    )


def progress(fulfilment: Fulfilment) -> dict[str, Any]:
    """What a person is told after each step: how far it is, and what comes next."""
    return {
        "fulfilment_id": fulfilment.fulfilment_id,
        "status": fulfilment.status.value,
        "next_step": fulfilment.next_step.value,
        "units_left": fulfilment.units_left,
    }


def packed(fulfilment: Fulfilment) -> FulfilmentPacked:
    """The fact that a packed fulfilment is packed."""
    if fulfilment.packed_at is None:
        raise ValueError(f"fulfilment {fulfilment.fulfilment_id} is not packed")
    return FulfilmentPacked(
        fulfilment_id=fulfilment.fulfilment_id,
        parcels=tuple(_parcel(fulfilment, parcel) for parcel in fulfilment.parcels),
        packed_by=fulfilment.packed_by,
        packed_at=fulfilment.packed_at,
    )


def parcel_id(fulfilment: Fulfilment, parcel_no: int) -> str:
    """The name of a parcel outside the warehouse."""
    return f"{fulfilment.fulfilment_id}-P{parcel_no}"


def _parcel(fulfilment: Fulfilment, parcel: Parcel) -> order_contract.Parcel:
    return order_contract.Parcel(
        parcel_id=parcel_id(fulfilment, parcel.parcel_no),
        weight_grams=parcel.weight_grams,
        length_mm=parcel.length_mm,
        width_mm=parcel.width_mm,
        height_mm=parcel.height_mm,
        lines=tuple(LineQty(line_id=c.line_id, sku=c.sku, qty=c.qty) for c in parcel.contents),
    )


def stopped(stop: Stop, fulfilment: Fulfilment | None) -> FulfilmentStopped:
    """The answer to a stop: every unit that was still wanted lies in its bin."""
    lines = fulfilment.lines if fulfilment else ()
    location = fulfilment.location if fulfilment else ""
    return FulfilmentStopped(
        request_id=stop.request_id,
        fulfilment_id=stop.fulfilment_id,
        alloc=tuple(
            Alloc(line_id=line.line_id, sku=line.sku, location=location, qty=line.wanted)
            for line in lines
            if line.wanted
        ),
    )


def stop_refused(stop: Stop) -> FulfilmentStopRefused:
    """The answer to a stop that a person turned down."""
    return FulfilmentStopRefused(
        request_id=stop.request_id, fulfilment_id=stop.fulfilment_id, reason=stop.refusal
    )


_WRONG_STATUS = {
    Status.RELEASED: ("not_started", "Start this pick list first."),
    Status.PICKING: ("not_picked", "Pick the remaining {units_left} units, or report them short."),
    Status.PICKED: ("already_picked", "Everything is picked: take the units to packing."),
    Status.PACKING: ("packing", "Packing has begun: scan the other {units_left} units."),
    Status.PACKED: ("already_packed", "The parcels are closed: take them to the loading dock."),
    Status.STOPPING: ("stopping", "The order was stopped: put the {units_left} units back."),
    Status.STOPPED: ("stopped", "The fulfilment is stopped: leave its units in their bins."),
}


def wrong_status(fulfilment: Fulfilment) -> Decision:
    """Not now: the code names where the fulfilment stands, the sentence what to do instead."""
    code, text = _WRONG_STATUS[fulfilment.status]
    return refuse(None, code, text.format_map(progress(fulfilment)))


def not_stopping(fulfilment: Fulfilment) -> Decision:
    """There is nothing to put back."""
    text = f"Nothing is to be put back: this fulfilment is {fulfilment.status.value}."
    return refuse(None, "not_stopping", text)


def unknown_fulfilment(fulfilment_id: str) -> Decision:
    """Nobody released such a fulfilment."""
    return refuse(None, "unknown_fulfilment", f"There is no fulfilment {fulfilment_id}.")


def scan_id_used(scan: Scan) -> Decision:
    """The device gave one id to two different scans."""
    return refuse(
        None, "scan_id_used",
        f"This scan id was used before, for {scan.qty} units of {scan.sku}: scan again.",
    )  # fmt: skip
