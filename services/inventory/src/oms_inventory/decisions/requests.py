"""What orders ask of inventory: set units aside, give them back, book them out of the door."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from oms_chassis.decision import Decision, again
from oms_contracts.channel import BackorderPolicy
from oms_contracts.event import Event, LineQty
from oms_contracts.inventory import (
    Backordered,
    Short,
    StockRefused,
    StockReleased,
    StockReserved,
)
from oms_contracts.order import (
    OrderAccepted,
    OrderShipped,
    ReservationReleaseRequested,
    ReservationRequested,
)
from oms_inventory.decisions import queueing
from oms_inventory.decisions.draft import Draft, capped, per_shelf, told
from oms_inventory.decisions.sourcing import Plan, open_to_newcomers, source
from oms_inventory.domain import (
    Allocation,
    Answer,
    AnswerKind,
    Backorder,
    MovementKind,
    Reservation,
    Shortage,
)

Asked = OrderAccepted | ReservationRequested


def reserve(draft: Draft, asked: Asked) -> Decision:
    """Set aside or queue every unit asked for, or refuse them all."""
    reservation = draft.reservation(draft.item.key)
    if asked.request_id in reservation.answers:
        return again(None, answer_to(asked.request_id, reservation.answers[asked.request_id]))
    reservation = _in_turn(reservation, asked)
    exclude: tuple[str, ...] = ()
    if isinstance(asked, ReservationRequested):
        exclude = asked.exclude
        reservation = _write_off(draft, asked, reservation)
    wanted: dict[str, int] = {}
    for line in asked.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.qty
    if any(line.line_id in reservation.withdrawn for line in asked.lines):
        return _refuse(draft, asked, reservation, wanted)
    stock = {sku: open_to_newcomers(draft.policy, draft.sku(sku), exclude) for sku in wanted}
    plan = source(draft.policy, asked.ship_country, wanted, stock)
    missing = _missing(wanted, plan)
    if missing and not _may_wait(draft, asked):
        return _refuse(draft, asked, reservation, missing)
    return _grant(draft, asked, reservation, plan, exclude)


def release(draft: Draft, undo: ReservationReleaseRequested) -> Decision:
    """Give back exactly what is named, as far as it is held; whoever waits is served from it."""
    order_id = draft.item.key
    reservation = draft.reservation_if_any(order_id)
    if reservation is None:
        lines = [a.line_id for a in undo.alloc] + [b.line_id for b in undo.backordered]
        withdrawn = Reservation(withdrawn=tuple(dict.fromkeys(lines)))
        return _conclude(draft, undo.request_id, withdrawn, Answer(AnswerKind.RELEASED))
    if undo.request_id in reservation.answers:
        return again(None, answer_to(undo.request_id, reservation.answers[undo.request_id]))
    gone: list[Backorder] = []
    for line in undo.backordered:
        reservation, left = reservation.wait_no_more(line.line_id, line.sku, line.qty)
        gone += left
    for units in gone:
        queueing.leave(draft, units)
    named = (Allocation(a.line_id, a.sku, a.location, a.qty) for a in undo.alloc)
    reservation, freed = reservation.give_up(named)
    for (sku, location), qty in per_shelf(freed).items():
        cause = f"release:{undo.request_id}"
        draft.move(MovementKind.RELEASE, sku, location, cause, reserved=-qty, order_id=order_id)
    answer = Answer(AnswerKind.RELEASED, freed, tuple(gone))
    _remember(draft, undo.request_id, reservation, answer)
    for sku in dict.fromkeys(a.sku for a in freed):
        queueing.serve(draft, sku)
    return draft.decision()


def ship(draft: Draft, shipped: OrderShipped) -> Decision:
    """Book out what left the house. Units the order no longer held were there all the same:
    they are found first, so that the books agree with what happened."""
    order_id = draft.item.key
    reservation = draft.reservation(order_id)
    if shipped.shipment_id in reservation.shipments:
        return again(None)
    left = tuple(Allocation(a.line_id, a.sku, a.location, a.qty) for a in shipped.alloc)
    reservation, held = reservation.give_up(left)
    held_units = per_shelf(held)
    for (sku, location), qty in per_shelf(left).items():
        reserved = held_units.get((sku, location), 0)
        if reserved < qty:
            cause = f"found:{shipped.shipment_id}"
            draft.move(
                MovementKind.FOUND, sku, location, cause,
                on_hand=qty - reserved, order_id=order_id,
            )  # fmt: skip
        cause = f"consume:{shipped.shipment_id}"
        draft.move(
            MovementKind.CONSUME, sku, location, cause,
            on_hand=-qty, reserved=-reserved, order_id=order_id,
        )  # fmt: skip
    shipments = (*reservation.shipments, shipped.shipment_id)
    draft.put_reservation(order_id, replace(reservation, shipments=shipments))
    return draft.decision()


def answer_to(request_id: str, answer: Answer) -> Event:
    """The fact that answers a request; the same for every time it is asked."""
    match answer.kind:
        case AnswerKind.RESERVED:
            backordered = tuple(
                Backordered(line_id=b.line_id, sku=b.sku, location=b.location, qty=b.qty, eta=b.eta)
                for b in answer.backordered
            )
            return StockReserved(
                request_id=request_id, alloc=told(answer.allocated), backordered=backordered
            )
        case AnswerKind.REFUSED:
            short = tuple(Short(sku=s.sku, short_by=capped(s.qty)) for s in answer.short)
            return StockRefused(request_id=request_id, short=short)
        case AnswerKind.RELEASED:
            lines = tuple(
                LineQty(line_id=b.line_id, sku=b.sku, qty=b.qty) for b in answer.backordered
            )
            return StockReleased(
                request_id=request_id, alloc=told(answer.allocated), backordered=lines
            )


def _in_turn(reservation: Reservation, asked: Asked) -> Reservation:
    """The order's turn is that of its first request."""
    if reservation.accepted_at is not None:
        return reservation
    return replace(reservation, priority=asked.priority, accepted_at=asked.accepted_at)


def _write_off(draft: Draft, asked: ReservationRequested, reservation: Reservation) -> Reservation:
    """Units a picker did not find leave the books; those no longer held have left them before."""
    shorts = (Allocation(s.line_id, s.sku, s.location, s.qty) for s in asked.shorts)
    reservation, lost = reservation.give_up(shorts)
    for (sku, location), qty in per_shelf(lost).items():
        cause = f"short:{asked.request_id}"
        draft.move(
            MovementKind.SHORT_PICK, sku, location, cause,
            on_hand=-qty, reserved=-qty, order_id=draft.item.key,
        )  # fmt: skip
    return reservation


def _missing(wanted: Mapping[str, int], plan: Plan) -> dict[str, int]:
    missing = {sku: qty - sum(plan[sku].values()) for sku, qty in wanted.items()}
    return {sku: qty for sku, qty in missing.items() if qty}


def _may_wait(draft: Draft, asked: Asked) -> bool:
    """A policy that says neither yes nor no means yes; nobody waits where no rule serves them."""
    served = draft.policy.reaches(asked.ship_country)
    return served and asked.backorder_policy is not BackorderPolicy.DENY


def _refuse(
    draft: Draft, asked: Asked, reservation: Reservation, short: Mapping[str, int]
) -> Decision:
    shortages = tuple(Shortage(sku, qty) for sku, qty in short.items())
    answer = Answer(AnswerKind.REFUSED, short=shortages)
    return _conclude(draft, asked.request_id, reservation, answer)


def _grant(
    draft: Draft, asked: Asked, reservation: Reservation, plan: Plan, exclude: tuple[str, ...]
) -> Decision:
    """Allocate what was planned, line by line, and queue the rest."""
    allocated: list[Allocation] = []
    queued: list[Backorder] = []
    for line in asked.lines:
        parts = _share(line, plan)
        allocated += parts
        missing = line.qty - sum(a.qty for a in parts)
        if missing:
            shelves = draft.sku(line.sku).shelves
            location = draft.policy.waits_at(asked.ship_country, shelves, exclude)
            units = Backorder(
                line.line_id, line.sku, location, missing, asked.request_id, asked.ship_country
            )
            queued.append(queueing.join(draft, draft.item.key, reservation, units))
    cause = f"reserve:{asked.request_id}"
    reservation = draft.allocate(draft.item.key, cause, reservation, allocated)
    if queued:
        reservation = replace(reservation, waiting=(*reservation.waiting, *queued))
    answer = Answer(AnswerKind.RESERVED, tuple(allocated), tuple(queued))
    _remember(draft, asked.request_id, reservation, answer)
    for sku, location in dict.fromkeys((b.sku, b.location) for b in queued):
        queueing.raise_shortage(draft, sku, location)
    return draft.decision()


def _share(line: LineQty, plan: Plan) -> list[Allocation]:
    """A line's part of the plan; what it takes is no longer there for the next line."""
    parts: list[Allocation] = []
    missing = line.qty
    for location, units in plan[line.sku].items():
        part = min(missing, units)
        if part:
            parts.append(Allocation(line.line_id, line.sku, location, part))
            plan[line.sku][location] = units - part
            missing -= part
    return parts


def _conclude(draft: Draft, request_id: str, reservation: Reservation, answer: Answer) -> Decision:
    _remember(draft, request_id, reservation, answer)
    return draft.decision()


def _remember(draft: Draft, request_id: str, reservation: Reservation, answer: Answer) -> None:
    """Answer a request, and keep the answer."""
    answers = {**reservation.answers, request_id: answer}
    draft.put_reservation(draft.item.key, replace(reservation, answers=answers))
    draft.tell(answer_to(request_id, answer))
