"""What the warehouse and the carrier say: goods packed, missing, stopped, gone and arrived.

Goods win over plans: whatever is true of them is taken as it is, however late it is heard.
"""

from __future__ import annotations

from msgspec.structs import replace

from oms_chassis.decision import Decision, again, late, seconds
from oms_contracts.answers import OrderDispatched
from oms_contracts.order import Gate, HoldType, OrderShipped
from oms_contracts.shipping import (
    FailureCode,
    ParcelDelivered,
    ParcelException,
    ParcelStatus,
    ShipmentFailed,
    ShipmentStopped,
    ShipmentStopRefused,
    Shipped,
)
from oms_contracts.warehouse import (
    FulfilmentPacked,
    FulfilmentShort,
    FulfilmentStopped,
    FulfilmentStopRefused,
)
from oms_order.decisions.consequences import conclude
from oms_order.decisions.turn import Impossible, Turn
from oms_order.domain.fulfilment import AT_WAREHOUSE, Fulfilment, FulfilmentState, Parcel
from oms_order.domain.order import Order
from oms_order.domain.regions import CancelState, Request, TaskKind


def packed(order: Order, told: FulfilmentPacked, turn: Turn) -> Decision:
    """Every unit of a fulfilment lies in a parcel."""
    fulfilment = _fulfilment(order, told.fulfilment_id)
    if fulfilment.state is FulfilmentState.STOPPED:
        text = "Packed after it was stopped: put the goods back."
        return conclude(turn.queue(order, TaskKind.GOODS, told.fulfilment_id, text), turn)
    if fulfilment.state is not FulfilmentState.RELEASED:
        return again(order)
    parcels = tuple(
        Parcel(
            p.parcel_id,
            p.weight_grams,
            p.length_mm,
            p.width_mm,
            p.height_mm,
            order.head.units_of(p.lines),
        )
        for p in told.parcels
    )
    order = order.with_fulfilment(fulfilment.pack(parcels, turn.now))
    if _contents(parcels) != dict(fulfilment.units):
        why = "The parcels do not hold what was to be packed."
        order = turn.hold(order, HoldType.GOODS, Gate.SHIP, why)
    return conclude(order, turn)


def _contents(parcels: tuple[Parcel, ...]) -> dict[int, int]:
    """Units of each line in all parcels."""
    units: dict[int, int] = {}
    for parcel in parcels:
        for n, qty in parcel.units:
            units[n] = units.get(n, 0) + qty
    return units


def short(order: Order, told: FulfilmentShort, turn: Turn) -> Decision:
    """Units were not found: they are asked for anew, elsewhere; the rest goes on."""
    fulfilment = _fulfilment(order, told.fulfilment_id)
    if fulfilment.state is not FulfilmentState.RELEASED:
        return late(order, f"the fulfilment is {fulfilment.state} already")
    places = order.head.places()
    missing: dict[int, int] = {}
    for line in told.short:
        n = places[line.line_id]
        missing[n] = missing.get(n, 0) + line.qty
    units = tuple(missing.items())
    lines = {n: order.lines[n].reopen(qty) for n, qty in units}
    shorts = tuple((n, fulfilment.location, qty) for n, qty in units)
    order = order.with_fulfilment(fulfilment.drop(units)).with_lines(
        lines, stock=replace(order.stock, shorts=order.stock.shorts + shorts)
    )
    return conclude(order, turn)


def stopped(order: Order, told: FulfilmentStopped, turn: Turn) -> Decision:
    """Work has ended and the goods lie in their bins again."""
    fulfilment = _fulfilment(order, told.fulfilment_id)
    if fulfilment.state not in AT_WAREHOUSE:
        return late(order, f"the fulfilment is {fulfilment.state} already")
    return conclude(_undone(order.stop(fulfilment), told.request_id), turn)


def stop_refused(order: Order, told: FulfilmentStopRefused, turn: Turn) -> Decision:
    """Work goes on: the goods are there, and too far on to come back."""
    return _goes_on(order, _fulfilment(order, told.fulfilment_id), told.request_id, turn)


def shipped(order: Order, told: Shipped, turn: Turn) -> Decision:
    """The carrier has the parcels: stock is consumed, and the customer owes."""
    fulfilment = _shipment(order, told.shipment_id)
    if fulfilment.gone:
        return again(order)
    if fulfilment.state is FulfilmentState.STOPPED:
        text = "Left with the carrier after it was stopped: get it back, or charge for it."
        return conclude(turn.queue(order, TaskKind.GOODS, told.shipment_id, text), turn)
    tracking = {t.parcel_id: t for t in told.parcels}
    parcels = tuple(
        p._replace(carrier=t.carrier, tracking_no=t.tracking_no, url=t.url)
        if (t := tracking.get(p.parcel_id))
        else p
        for p in fulfilment.parcels
    )
    late_after = seconds(turn.policy.delivery_overdue_seconds)
    gone = replace(
        fulfilment,
        state=FulfilmentState.SHIPPED,
        since=turn.now,
        request=Request(told.shipment_id, turn.now, turn.now),
        stop=None,
        broken=(),
        parcels=parcels,
        shipped_at=told.shipped_at,
        eta=told.eta,
        deliver_by=max(told.eta or turn.now, turn.now) + late_after,
    )
    order = order.with_fulfilment(gone)
    _tell_shipped(order, gone, told, turn)
    return conclude(order, turn)


def shipment_failed(order: Order, told: ShipmentFailed, turn: Turn) -> Decision:
    """The carrier would not take the parcels: a person mends the address, or the carrier."""
    fulfilment = _shipment(order, told.shipment_id)
    asked = fulfilment.request
    if (
        fulfilment.state is not FulfilmentState.SHIP_ASKED
        or asked is None
        or asked.request_id != told.request_id
    ):
        return late(order, f"the fulfilment is {fulfilment.state} already")
    order = order.with_fulfilment(fulfilment.stay(turn.now))
    if order.cancel.state is CancelState.NO:
        address = told.code is FailureCode.ADDRESS
        kind = HoldType.ADDRESS if address else HoldType.CARRIER
        why = told.text or "The carrier would not take the parcels."
        order = turn.hold(order, kind, Gate.SHIP, why)
    return conclude(order, turn)


def shipment_stopped(order: Order, told: ShipmentStopped, turn: Turn) -> Decision:
    """The parcels stay: they stand packed again."""
    fulfilment = _shipment(order, told.shipment_id)
    if fulfilment.state is not FulfilmentState.SHIP_ASKED:
        return late(order, f"the fulfilment is {fulfilment.state} already")
    order = order.with_fulfilment(fulfilment.stay(turn.now))
    return conclude(_undone(order, told.request_id), turn)


def shipment_stop_refused(order: Order, told: ShipmentStopRefused, turn: Turn) -> Decision:
    """Too late: the carrier has the parcels, or will."""
    return _goes_on(order, _shipment(order, told.shipment_id), told.request_id, turn)


def delivered(order: Order, told: ParcelDelivered, turn: Turn) -> Decision:
    """A parcel arrived."""
    fulfilment = _shipment(order, told.shipment_id)
    parcel = fulfilment.parcel(told.parcel_id)
    if parcel is None or not fulfilment.gone:
        return late(order, "no such parcel of this order is on its way")
    if parcel.ended_at is not None:
        return again(order)
    arrived = fulfilment.arrive(told.parcel_id, ParcelStatus.DELIVERED, told.at)
    return conclude(order.with_fulfilment(arrived), turn)


def parcel_exception(order: Order, told: ParcelException, turn: Turn) -> Decision:
    """Something is wrong with a parcel on its way: somebody looks after it."""
    fulfilment = _shipment(order, told.shipment_id)
    parcel = fulfilment.parcel(told.parcel_id)
    if parcel is None or not fulfilment.gone or parcel.ended_at is not None:
        return late(order, "no such parcel of this order is on its way")
    order = order.with_fulfilment(fulfilment.with_status(told.parcel_id, told.status))
    text = told.text or f"The carrier says: {told.status.replace('_', ' ')}."
    return conclude(turn.queue(order, TaskKind.PARCEL, told.parcel_id, text), turn)


def _fulfilment(order: Order, fulfilment_id: str) -> Fulfilment:
    found = order.fulfilment(fulfilment_id)
    if found is None:
        raise Impossible(f"fulfilment {fulfilment_id} was never released")
    return found


def _shipment(order: Order, shipment_id: str) -> Fulfilment:
    found = order.shipment(shipment_id)
    if found is None:
        raise Impossible(f"shipment {shipment_id} was never asked for")
    return found


def _undone(order: Order, request_id: str) -> Order:
    """Name it in the receipt, if a cancellation asked for it."""
    if order.cancel.state is not CancelState.WANTED:
        return order
    return order.but(cancel=order.cancel.undo(request_id))


def _goes_on(order: Order, fulfilment: Fulfilment, request_id: str, turn: Turn) -> Decision:
    asked = fulfilment.stop
    if asked is None or asked.request_id != request_id:
        return late(order, f"the fulfilment is {fulfilment.state} already")
    order = order.with_fulfilment(fulfilment.go_on())
    if order.cancel.state is CancelState.WANTED:
        refused = (*order.cancel.refused, fulfilment.fulfilment_id)
        order = order.but(cancel=replace(order.cancel, refused=refused))
    return conclude(order, turn)


def _tell_shipped(order: Order, gone: Fulfilment, told: Shipped, turn: Turn) -> None:
    head, placed = order.head, order.placed
    turn.say(
        OrderShipped(
            order_no=head.order_no,
            shipment_id=told.shipment_id,
            fulfilment_id=gone.fulfilment_id,
            alloc=head.allocations((n, gone.location, qty) for n, qty in gone.units),
            last=_nothing_else_ships(order),
            parcels=told.parcels,
            eta=told.eta,
            shipped_at=told.shipped_at,
        )
    )
    turn.answer_channel(
        order,
        OrderDispatched(
            channel=placed.channel,
            external_id=placed.external_id,
            order_no=head.order_no,
            lines=head.quantities(gone.units),
            parcels=told.parcels,
            eta=told.eta,
        ),
    )


def _nothing_else_ships(order: Order) -> bool:
    """Whether every other unit has left, is cancelled, or is certain to be."""
    if any(f.live for f in order.fulfilments):
        return False
    return all(line.units_free <= line.unwanted for line in order.lines)
