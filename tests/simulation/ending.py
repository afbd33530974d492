"""What must be true once nothing moves any more: everybody has finished, and all agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from settlement import money_agrees
from trade import shipments
from ways import Violation, must
from world import World

from oms_billing.sandbox import Promise
from oms_chassis.decision import Input
from oms_contracts import answers, billing, inventory, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.stock import StockLevelChanged
from oms_inventory.domain import Reservation
from oms_notify.domain import Status as MailStatus
from oms_order.decisions import whose_move
from oms_order.domain import NoOrder, Order, Status
from oms_shipping.domain import Status as ShipmentStatus
from oms_warehouse.domain import Status as FulfilmentStatus

_MAILED = (
    said.OrderAccepted, said.OrderShipped, said.OrderInvoiced, said.OrderDelayed,
    said.OrderCancelled, said.CancellationRefused, said.OrderHeld,
)  # fmt: skip
_WAITED_FOR = {
    "supplier": {"supplier", "customer"},
    "customer service": {"customer_service", "operations", "receivables"},
    "approver": {"approver"},
    "receivables": {"receivables", "operations"},
    "payer": {"payer"},
    "picker": {"warehouse", "operations"},
}
"""Whose move it is where these people do nothing."""


class Evidence:
    """What was told about each order and what the outside world knows of it, looked up once."""

    def __init__(self, world: World) -> None:
        self.answers: defaultdict[str, list[Any]] = defaultdict(list)
        for order_id, fact in world.answers:
            self.answers[order_id].append(fact)
        self.promises: defaultdict[str, list[Promise]] = defaultdict(list)
        for promise in world.outside.payments.provider.promises.values():
            self.promises[promise.order_id].append(promise)
        self.mailed: defaultdict[str, list[Input]] = defaultdict(list)
        for record in world.nodes["notify"].heard:
            if isinstance(record.item.body, _MAILED):
                self.mailed[record.item.key].append(record.item)
        self.taken = {
            parcel_id.rpartition("-P")[0]
            for purchase in world.outside.carrier.purchases.values()
            if purchase.taken
            for parcel_id in purchase.labels
        }
        """Fulfilments of which the carrier has parcels."""


def check_end(world: World) -> None:
    """Every order has ended, and all services agree about how."""
    for node in world.nodes.values():
        must(not node.waiting and not node.unsent(), f"{node.name} has something yet to hear")
        must(not node.parking.keys, f"{node.name} has parked inputs")
    committed, published = world.invariants.facts, world.log.count
    must(committed == published, f"{committed} facts were committed, {published} published")
    if world.setup.on_strike:
        _somebody_is_waited_for(world)
        return
    evidence = Evidence(world)
    for order_id in world.orders:
        order = world.nodes["order"].state("order", order_id)
        match order:
            case NoOrder():
                must(order.status is Status.REJECTED, f"{order_id} was placed and is {order}")
            case Order():
                _ended(world, evidence, order_id, order)
    _requests_are_answered(world)
    _stock_is_told(world)


def _somebody_is_waited_for(world: World) -> None:
    """Orders that have not ended wait for those who strike, and say so."""
    expected = set[str]().union(*(_WAITED_FOR[who] for who in world.setup.on_strike))
    for order_id in world.orders:
        order = world.nodes["order"].state("order", order_id)
        if isinstance(order, Order) and not order.finished:
            whose = whose_move(order)
            must(
                whose in expected, f"{order_id} is {order.status}, waiting for {whose or 'nobody'}"
            )


def _ended(world: World, evidence: Evidence, order_id: str, order: Order) -> None:
    must(
        order.status in (Status.COMPLETED, Status.CANCELLED),
        f"{order_id} is {order.status}, waiting for {whose_move(order) or 'nobody'}",
    )
    must(not order.body.tasks and not order.body.holds, f"{order_id} left people something to do")
    left: Counter[str] = Counter()
    for n, qty in enumerate(_gone(order)):
        line = order.placed.lines[n]
        left[line.line_id] = qty
        units = qty + order.lines[n].cancelled
        must(units == line.qty, f"{order_id}: {units} of {line.qty} units of {line.line_id} ended")
        must(
            world.invariants.shipped[order_id, line.line_id] == qty,
            f"{order_id}: {qty} units of {line.line_id} left, and another number was told",
        )
    _goods_agree(world, order_id, order, left)
    _parcels_agree(world, evidence, order_id, order)
    money_agrees(world, evidence.promises[order_id], order_id, order, left)
    _channel_knows(world, evidence.answers[order_id], order_id, order)
    _customer_knows(world, evidence.mailed[order_id], order_id)


def _gone(order: Order) -> list[int]:
    units = [0] * len(order.lines)
    for fulfilment in order.gone():
        for n, qty in fulfilment.units:
            units[n] += qty
    return units


def _goods_agree(world: World, order_id: str, order: Order, left: Counter[str]) -> None:
    """Inventory booked out what left, and keeps nothing for an order that has ended."""
    reservation = world.nodes["inventory"].state("reservation", order_id) or Reservation()
    must(not reservation.allocated, f"{order_id} still holds {reservation.allocated}")
    must(not reservation.waiting, f"{order_id} still waits for {reservation.waiting}")
    expected: Counter[str] = Counter()
    for line in order.placed.lines:
        expected[line.sku] += left[line.line_id]
    for sku, qty in expected.items():
        consumed = world.invariants.stock.consumed[order_id, sku]
        must(consumed == qty, f"{order_id}: {qty} of {sku} left, {consumed} were booked out")


def _parcels_agree(world: World, evidence: Evidence, order_id: str, order: Order) -> None:
    """What the order takes for gone was handed over, and nothing else; the rest lies in bins."""
    gone = {f.shipment_id for f in order.gone()}
    for shipment in shipments(world, order_id).shipments:
        name = f"{order_id}: shipment {shipment.shipment_id}"
        handed_over = shipment.status is ShipmentStatus.HANDED_OVER
        must(handed_over == (shipment.shipment_id in gone), f"{name} is {shipment.status}")
        ended = (ShipmentStatus.HANDED_OVER, ShipmentStatus.STOPPED, ShipmentStatus.FAILED)
        must(shipment.status in ended, f"{name} is still {shipment.status}")
    work = world.nodes["warehouse"].state("fulfilments", order_id)
    left = {f.fulfilment_id for f in order.gone()}
    for fulfilment in work.fulfilments if work is not None else ():
        expected = FulfilmentStatus.PACKED
        if fulfilment.fulfilment_id not in left:
            expected = FulfilmentStatus.STOPPED
        name = f"{order_id}: fulfilment {fulfilment.fulfilment_id}"
        must(fulfilment.status is expected, f"{name} is {fulfilment.status}, not {expected}")
    taken = {f.fulfilment_id for f in order.fulfilments} & evidence.taken
    must(taken <= left, f"{order_id}: the carrier has parcels of {taken} besides {left}")


# Those who are told


def _channel_knows(world: World, told: Sequence[Any], order_id: str, order: Order) -> None:
    closed = [fact for fact in told if isinstance(fact, answers.OrderClosed)]
    must(len(closed) == 1, f"{order_id}: the channel was told {len(closed)} times that it ended")
    shipped = {x.line_id: x.qty for x in closed[0].shipped}
    expected = {
        line.line_id: qty
        for line, qty in zip(order.placed.lines, _gone(order), strict=True)
        if qty
    }  # fmt: skip
    must(shipped == expected, f"{order_id}: {expected} left, the channel was told {shipped}")
    confirmed = any(isinstance(fact, answers.OrderConfirmed) for fact in told)
    must(confirmed, f"{order_id} was never confirmed to the channel")
    if world.wishes[order_id]:
        answered = any(isinstance(fact, answers.CancellationAnswered) for fact in told)
        must(answered, f"{order_id}: a wish to cancel was never answered")


def _customer_knows(world: World, mailed: Sequence[Input], order_id: str) -> None:
    """Every fact worth a mail has been mailed once, or somebody knows that it was not."""
    messages = world.nodes["notify"].state("messages", order_id).bag.messages
    ended = (MailStatus.SENT, MailStatus.FAILED, MailStatus.RESENT)
    for message in messages:
        must(message.status in ended, f"{order_id}: {message.template} is {message.status}")
        if message.status is MailStatus.SENT:
            kept = message.message_id in world.outside.mail.delivered
            must(kept, f"{order_id}: {message.template} was never delivered")
    facts = {m.fact_id for m in messages}
    for item in mailed:
        if str(item.id) not in facts:
            raise Violation(f"{order_id}: no mail about {item.body}")


_ANSWERED_BY: dict[type, tuple[type, ...]] = {
    said.OrderAccepted: (inventory.StockReserved, inventory.StockRefused),
    said.ReservationRequested: (inventory.StockReserved, inventory.StockRefused),
    said.ReservationReleaseRequested: (inventory.StockReleased,),
    said.PaymentVoidRequested: (billing.PaymentVoided,),
    said.RefundRequested: (billing.RefundCompleted, billing.RefundFailed),
    said.FulfilmentStopRequested: (warehouse.FulfilmentStopped, warehouse.FulfilmentStopRefused),
    said.ShipmentRequested: (
        shipping.Shipped, shipping.ShipmentFailed, shipping.ShipmentStopped,
    ),
    said.ShipmentStopRequested: (shipping.ShipmentStopped, shipping.ShipmentStopRefused),
}  # fmt: skip


def _requests_are_answered(world: World) -> None:
    """No question stays open: each is answered by its own request id.

    A payment request may be ended by a void instead, a shipment by a stop.
    """
    answered: set[tuple[Any, type]] = set()
    stopped: set[str] = set()
    for record in world.nodes["order"].heard:
        body = record.item.body
        answered.add((getattr(body, "request_id", None), type(body)))
        if isinstance(body, shipping.ShipmentStopped):
            stopped.add(body.shipment_id)
    for node in world.nodes.values():
        for record in node.heard:
            body = record.item.body
            kinds = _ANSWERED_BY.get(type(body), ())
            open_ = bool(kinds) and not any((body.request_id, kind) in answered for kind in kinds)
            if open_ and getattr(body, "shipment_id", "") not in stopped:
                raise Violation(f"{body} about {record.item.key} was never answered")


def _stock_is_told(world: World) -> None:
    """The newest stock level of every SKU is what the books say."""
    for sku in world.nodes["inventory"].memory.keys("sku"):
        book = world.nodes["inventory"].state("sku", sku)
        level = world.levels.get(sku)
        must(
            isinstance(level, StockLevelChanged) or not book.shelves,
            f"the stock of {sku} was never published",
        )
        for told in level.levels if level is not None else ():
            shelf = book.shelves[told.location]
            same = (told.on_hand, told.reserved) == (shelf.on_hand, shelf.reserved)
            must(same, f"{sku}: {told} was published last, the books say {shelf}")
