"""The order releases goods: pick lists are made, or the goods count as packed at once."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again
from oms_contracts.order import Fulfilment as Released
from oms_contracts.order import OrderReleased
from oms_warehouse.decisions.answers import moved, packed, stopped
from oms_warehouse.domain import (
    AUTOMATIC,
    WEIGHT_MAX_GRAMS,
    Content,
    DeliveryAddress,
    Fulfilment,
    Line,
    OrderFulfilments,
    Parcel,
    Policy,
    Status,
    StopAnswer,
)


def release(
    policy: Policy, before: OrderFulfilments | None, input: Input, now: datetime
) -> Decision:
    """Take on the fulfilments that are new; answer again for those that are known.

    A repeat does not name short units again: FulfilmentShort tells what drops out, and told
    twice it would drop twice.
    """
    told: OrderReleased = input.body
    state = before or OrderFulfilments()
    facts: list[object] = []
    rows: list[object] = []
    for released in told.fulfilments:
        known = state.find(released.fulfilment_id)
        fulfilment = known or _born(policy, state, told, released, now)
        facts += _answers(fulfilment)
        if known is None:
            rows.append(DeliveryAddress(released.fulfilment_id, told.address))
            state = replace(
                state,
                fulfilments=(*state.fulfilments, fulfilment),
                early_stops=tuple(
                    s for s in state.early_stops if s.fulfilment_id != released.fulfilment_id
                ),
            )
    if state is before:
        return again(None, *facts)
    return moved(input, before, state, *facts, rows=tuple(rows))


def _born(
    policy: Policy, state: OrderFulfilments, told: OrderReleased, released: Released, now: datetime
) -> Fulfilment:
    """A new fulfilment; stopped from birth if the stop came first."""
    fulfilment = Fulfilment(
        fulfilment_id=released.fulfilment_id,
        location=released.location,
        order_no=told.order_no,
        service_level=told.service_level,
        ship_by=told.ship_by,
        due_at=told.ship_by,
        lines=tuple(Line(line.line_id, line.sku, line.qty) for line in released.lines),
        flags=told.flags,
    )
    stops = tuple(s for s in state.early_stops if s.fulfilment_id == released.fulfilment_id)
    if stops:
        return replace(fulfilment, status=Status.STOPPED, stops=stops)
    if policy.location(released.location).auto_fulfil:
        return _packed_at_once(policy, fulfilment, now)
    return fulfilment


def _packed_at_once(policy: Policy, fulfilment: Fulfilment, now: datetime) -> Fulfilment:
    """One parcel with everything, as heavy as its units are by rule."""
    lines = tuple(replace(line, picked=line.qty) for line in fulfilment.lines)
    contents = tuple(Content(line.line_id, line.sku, line.qty) for line in lines)
    weight_grams = min(fulfilment.wanted * policy.unit_weight_grams, WEIGHT_MAX_GRAMS)
    return replace(
        fulfilment,
        lines=lines,
        parcels=(Parcel(1, contents, weight_grams),),
        status=Status.PACKED,
        packed_by=AUTOMATIC,
        packed_at=now,
    )


def _answers(fulfilment: Fulfilment) -> list[object]:
    """What the saga is told of a fulfilment that was released, for the first time or again."""
    if fulfilment.status is Status.PACKED:
        return [packed(fulfilment)]
    return [stopped(s, fulfilment) for s in fulfilment.stops if s.answer is StopAnswer.STOPPED]
