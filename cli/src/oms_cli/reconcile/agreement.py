"""I8: the stores agree with each other about goods and money."""

from __future__ import annotations

from collections import Counter, defaultdict

from oms_billing.domain import Payment, ReceivableStatus, RefundStatus
from oms_billing.domain import Status as PaymentStatus
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.stock import cut_at
from oms_cli.reconcile.telling import gone_by_line, units_by_line
from oms_inventory.domain import Reservation
from oms_order.domain import CancelState, Order
from oms_shipping.domain import Shipments
from oms_shipping.domain import Status as ShipmentStatus
from oms_warehouse.decisions import FULFILMENTS
from oms_warehouse.domain import OrderFulfilments
from oms_warehouse.domain import Status as FulfilmentStatus

_CONSUMED = """
SELECT order_id, sku, location, -sum(on_hand_delta)::bigint AS units FROM movement
WHERE tenant = $1 AND kind = 'consume' GROUP BY order_id, sku, location
"""
_SPENT = (PaymentStatus.VOIDED, PaymentStatus.DECLINED, PaymentStatus.CAPTURED)


async def all_name_the_same_shipments(ground: Ground) -> Finding:
    """What left: by the order, the carrier's service, the warehouse, stock and invoices."""
    orders = ground.orders()
    carried: dict[str, Shipments] = ground.states("shipping", "shipments")
    packed: dict[str, OrderFulfilments] = ground.states("warehouse", FULFILMENTS)
    stock: dict[str, Reservation] = ground.states("inventory", "reservation")
    money: dict[str, Payment] = ground.states("billing", "payment")
    wrong = []
    for order_id, order in orders.items():
        left = {f.shipment_id for f in order.gone()}
        said = {
            "shipping": _handed_over(carried.get(order_id)),
            "inventory": set(stock[order_id].shipments) if order_id in stock else set(),
            "billing": _invoiced_shipments(money.get(order_id)),
        }
        wrong += [
            f"{order_id}: {who} knows of {sorted(ids)}, the order of {sorted(left)}"
            for who, ids in said.items()
            if ids != left
        ]
        finished = _packed(packed.get(order_id))
        wrong += [
            f"{order_id}: fulfilment {f.fulfilment_id} left, and was never packed"
            for f in order.gone()
            if f.fulfilment_id not in finished
        ]
    return found("I8", "all name the same shipments", len(orders), wrong)


def _handed_over(shipments: Shipments | None) -> set[str]:
    given = ShipmentStatus.HANDED_OVER
    return {s.shipment_id for s in (shipments.shipments if shipments else ()) if s.status is given}


def _packed(work: OrderFulfilments | None) -> set[str]:
    done = FulfilmentStatus.PACKED
    return {f.fulfilment_id for f in (work.fulfilments if work else ()) if f.status is done}


def _invoiced_shipments(payment: Payment | None) -> set[str]:
    attempts = payment.attempts if payment else ()
    return {r.shipment_id for attempt in attempts for r in attempt.receivables}


async def all_name_the_same_units(ground: Ground) -> Finding:
    """Units set aside and waiting, by the order and by inventory."""
    stock: dict[str, Reservation] = ground.states("inventory", "reservation")
    orders, wrong = ground.orders(), []
    for order_id, order in orders.items():
        reservation = stock.get(order_id, Reservation())
        held = Counter({(a.line_id, a.location): a.qty for a in reservation.allocated})
        if held != _set_aside(order):
            wrong.append(
                f"{order_id}: inventory holds {dict(held)}, the order {dict(_set_aside(order))}"
            )
        waiting: Counter[str] = Counter()
        for b in reservation.waiting:
            waiting[b.line_id] += b.qty
        queued = units_by_line(order, (line.backordered for line in order.lines))
        if waiting != queued:
            wrong.append(
                f"{order_id}: {dict(waiting)} wait in the queue, {dict(queued)} by the order"
            )
    return found("I8", "order and inventory hold the same units", len(orders), wrong)


def _set_aside(order: Order) -> Counter[tuple[str, str]]:
    """Reserved units, and those in fulfilments that are here and not broken."""
    units: Counter[tuple[str, str]] = Counter()
    names = [line.line_id for line in order.placed.lines]
    for name, line in zip(names, order.lines, strict=True):
        for location, qty in line.reserved:
            units[name, location] += qty
    for fulfilment in order.live():
        for n, qty in fulfilment.units:
            units[names[n], fulfilment.location] += qty
        for n, qty in fulfilment.broken:
            units[names[n], fulfilment.location] -= qty
    return +units


async def shipped_units_were_booked_out(ground: Ground) -> Finding:
    """What left by the order is what left the shelves, and what was invoiced."""
    consumed: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for order_id, sku, location, units in await ground.stores.rows(
        "inventory", _CONSUMED, ground.tenant
    ):
        consumed[order_id][sku, location] = units
    money: dict[str, Payment] = ground.states("billing", "payment")
    cut = await cut_at(ground) is not None
    orders, wrong = ground.orders(), []
    for order_id, order in orders.items():
        left = _left(order)
        aged = cut and order_id not in consumed
        if consumed[order_id] != left and not aged:
            out = dict(consumed[order_id])
            wrong.append(f"{order_id}: {out} left the shelves, {dict(left)} by the order")
        gone = gone_by_line(order)
        invoiced = _invoiced_units(money.get(order_id))
        if invoiced != gone:
            wrong.append(f"{order_id}: {dict(invoiced)} invoiced, {dict(gone)} by the order")
    return found("I8", "shipped units were booked out and invoiced", len(orders), wrong)


def _left(order: Order) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for fulfilment in order.gone():
        for n, qty in fulfilment.units:
            units[order.placed.lines[n].sku, fulfilment.location] += qty
    return units


def _invoiced_units(payment: Payment | None) -> Counter[str]:
    units: Counter[str] = Counter()
    for attempt in payment.attempts if payment else ():
        for line, qty, _ in attempt.invoiced():
            units[line.line_id] += qty
    return units


async def order_and_billing_name_the_same_money(ground: Ground) -> Finding:
    """Invoices, what is paid of them, and what went back."""
    money: dict[str, Payment] = ground.states("billing", "payment")
    orders, wrong = ground.orders(), []
    for order_id, order in orders.items():
        payment = money.get(order_id, Payment())
        invoices = {
            f.shipment_id: (f.invoice.invoice_no, f.invoice.paid) for f in order.gone() if f.invoice
        }
        receivables = {
            r.shipment_id: (r.invoice_no, _is_settled(r.status, r.on_account))
            for attempt in payment.attempts
            for r in attempt.receivables
        }
        if invoices != receivables:
            wrong.append(f"{order_id}: billing says {receivables}, the order {invoices}")
        done = RefundStatus.COMPLETED
        refunded = sum(
            r.amount_minor for a in payment.attempts for r in a.refunds if r.status is done
        )
        known = order.payment.refunded_minor
        if refunded != known:
            wrong.append(f"{order_id}: {refunded} refunded, the order knows of {known}")
    return found("I8", "order and billing name the same money", len(orders), wrong)


def _is_settled(status: ReceivableStatus, on_account: bool) -> bool:
    """As far as the order is concerned: on account means that the goods may go."""
    return on_account or status is ReceivableStatus.SETTLED


async def ended_orders_hold_nothing(ground: Ground) -> Finding:
    """An order that came to its end keeps no stock, no promise of money and nobody at work; a
    cancelled one has shipped nothing and has no money."""
    stock: dict[str, Reservation] = ground.states("inventory", "reservation")
    money: dict[str, Payment] = ground.states("billing", "payment")
    work: dict[str, OrderFulfilments] = ground.states("warehouse", FULFILMENTS)
    carried: dict[str, Shipments] = ground.states("shipping", "shipments")
    ended = {order_id: order for order_id, order in ground.orders().items() if order.finished}
    wrong = []
    for order_id, order in ended.items():
        reservation = stock.get(order_id, Reservation())
        if reservation.allocated or reservation.waiting:
            wrong.append(f"{order_id}: {order.status}, and inventory still keeps units for it")
        payment = money.get(order_id, Payment())
        live = [
            a.status.value for a in payment.attempts if a.status not in _SPENT and a.remaining_minor
        ]
        if live:
            wrong.append(f"{order_id}: {order.status}, and its payment is {', '.join(live)}")
        open_work = [
            f for f in work.get(order_id, OrderFulfilments()).fulfilments if not f.finished
        ]
        if open_work:
            wrong.append(f"{order_id}: {order.status}, and somebody still works on it")
        if order.cancel.state is CancelState.DONE:
            kept = order.payment.captured_minor - order.payment.refunded_minor
            if kept or _handed_over(carried.get(order_id)):
                wrong.append(f"{order_id}: cancelled, and {kept} kept or goods shipped")
    return found("I8", "ended orders hold nothing", len(ended), wrong)
