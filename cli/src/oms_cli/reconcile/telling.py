"""I8: what is told, on the order's topic and to its channel, is what the order's page shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.log import ORDER_TOPIC, is_answers, root_key
from oms_contracts import wire
from oms_contracts.answers import OrderClosed, OrderConfirmed, OrderRejected
from oms_contracts.channel import PaymentMethod
from oms_contracts.order import OrderCancelled, OrderCompleted, OrderInvoiced, OrderShipped
from oms_order.domain import CancelState, Invoice, NoOrder, Order, Status


@dataclass(slots=True)
class Tale:
    """What an order's topic tells of it, folded."""

    shipped: Counter[str] = field(default_factory=Counter)
    """Units by line."""
    cancelled: Counter[str] = field(default_factory=Counter)
    shipments: set[str] = field(default_factory=set)
    invoiced: dict[str, tuple[str, int, bool]] = field(default_factory=dict)
    """Invoice number, amount and whether it is paid, by shipment: the newest counts."""
    completed: int = 0


def tales(ground: Ground) -> dict[str, Tale]:
    """The fold of every order's facts; copies of a record count once."""
    found: dict[str, Tale] = defaultdict(Tale)
    seen: set[str] = set()
    for told in ground.log.told:
        if told.topic != ORDER_TOPIC or told.id in seen:
            continue
        seen.add(told.id)
        hear = _HEARD.get(told.type)
        if hear is not None:
            hear(found[told.key], told.value)
    return found


def _shipped(tale: Tale, value: bytes) -> None:
    fact = wire.decode(OrderShipped, value)
    tale.shipments.add(fact.shipment_id)
    for a in fact.alloc:
        tale.shipped[a.line_id] += a.qty


def _cancelled(tale: Tale, value: bytes) -> None:
    for line in wire.decode(OrderCancelled, value).lines:
        tale.cancelled[line.line_id] += line.qty


def _invoiced(tale: Tale, value: bytes) -> None:
    fact = wire.decode(OrderInvoiced, value)
    tale.invoiced[fact.shipment_id] = (fact.invoice_no, fact.amount_minor, fact.paid)


def _completed(tale: Tale, _: bytes) -> None:
    tale.completed += 1


_HEARD: dict[str, Callable[[Tale, bytes], None]] = {
    OrderShipped.TYPE: _shipped,
    OrderCancelled.TYPE: _cancelled,
    OrderInvoiced.TYPE: _invoiced,
    OrderCompleted.TYPE: _completed,
}


def units_by_line(order: Order, counts: Iterable[int]) -> Counter[str]:
    """Units by line id, without lines that have none."""
    pairs = zip(order.placed.lines, counts, strict=True)
    return Counter({line.line_id: qty for line, qty in pairs if qty})


def gone_by_line(order: Order) -> Counter[str]:
    """Units that left, by line id."""
    return units_by_line(order, order.units_in(*{f.state for f in order.gone()}))


async def the_topic_tells_the_order(ground: Ground) -> Finding:
    """Who only follows the topic knows what was shipped, cancelled, invoiced and ended."""
    told, orders = tales(ground), ground.orders()
    wrong = []
    for order_id, order in orders.items():
        wrong += [f"{order_id}: {fault}" for fault in _untold(order, told.get(order_id, Tale()))]
    return found("I8", "the topic tells what the order's page shows", len(orders), wrong)


def _untold(order: Order, tale: Tale) -> Iterator[str]:
    if tale.shipped != gone_by_line(order):
        yield f"told shipped {dict(tale.shipped)}, are {dict(gone_by_line(order))}"
    cancelled = units_by_line(order, (line.cancelled for line in order.lines))
    if order.cancel.state is not CancelState.WANTED and tale.cancelled != cancelled:
        yield f"told cancelled {dict(tale.cancelled)}, are {dict(cancelled)}"
    if tale.completed != (order.body.completed_at is not None):
        yield f"told completed {tale.completed} times, is {order.status}"
    invoices = {
        f.shipment_id: (f.invoice.invoice_no, f.invoice.amount_minor, _money_in(order, f.invoice))
        for f in order.gone()
        if f.invoice is not None
    }
    if tale.invoiced != invoices:
        yield f"told invoiced {tale.invoiced}, are {invoices}"


def _money_in(order: Order, invoice: Invoice) -> bool:
    """On account an invoice settles the order, and is told as open until the customer pays."""
    on_account = order.placed.payment_method is PaymentMethod.TERMS and invoice.amount_minor > 0
    return invoice.paid and not on_account


async def channels_were_told(ground: Ground) -> Finding:
    """Each channel knows what became of its orders: whether they were taken, and how they ended.

    The first is told again whenever a channel asks again; the last is told once.
    """
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for told in {t.id: t for t in ground.log.told if is_answers(t.topic)}.values():
        answers[root_key(ground.tenant, told.topic, told.key)][told.type] += 1
    states: dict[str, Order | NoOrder] = ground.states("order", "order")
    wrong = []
    for order_id, state in states.items():
        wrong += [f"{order_id}: {fault}" for fault in _silence(state, answers[order_id])]
    return found("I8", "channels were told", len(states), wrong)


def _silence(state: Order | NoOrder, answers: Counter[str]) -> Iterator[str]:
    if isinstance(state, NoOrder):
        if state.status is Status.REJECTED and not answers[OrderRejected.TYPE]:
            yield "rejected, and the channel was never told"
        return
    if not answers[OrderConfirmed.TYPE]:
        yield "taken, and the channel was never told"
    closed = answers[OrderClosed.TYPE]
    if closed != state.finished:
        yield f"{state.status}, and the channel was told of its end {closed} times"
