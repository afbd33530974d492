"""What must be true after every single cycle, whatever has happened.

Only what a cycle changed is looked at, so that thousands of seeds can be afforded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from node import Cycle, Node, Violation
from services import ORDER, WAREHOUSE

from oms_billing.domain import Attempt, Invoice, Journal, JournalEntry, Payment, RefundStatus
from oms_billing.domain import Status as PaymentStatus
from oms_chassis.decision import Ref
from oms_chassis.fold import Emitted
from oms_contracts.order import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderShipped,
)
from oms_inventory.domain import Movement, MovementKind, Reservation, Sku
from oms_notify.domain import Alerts, Messages
from oms_order.domain import CancelState, Order
from oms_shipping.domain import Shipments
from oms_shipping.domain import Status as ShipmentStatus
from oms_warehouse.domain import OrderFulfilments
from oms_warehouse.domain import Status as FulfilmentStatus

Shelf = tuple[str, str]
"""SKU and location."""


def must(true: bool, text: str) -> None:
    """Raise a violation unless it is so."""
    if not true:
        raise Violation(text)


class Invariants:
    """Books beside the services' own, kept from what was changed and said."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._sequences: Counter[tuple[str, str, str]] = Counter()
        self.shipped: Counter[tuple[str, str]] = Counter()
        """Units that left, by order and line, as the order told it."""
        self.cancelled: Counter[tuple[str, str]] = Counter()
        self.consumed: Counter[tuple[str, str]] = Counter()
        """Units booked out, by order and SKU."""
        self._once: set[tuple[str, type, str]] = set()
        self._held: Counter[Shelf] = Counter()
        self._queued: Counter[Shelf] = Counter()
        self._shelves: dict[Shelf, Movement] = {}
        self._causes: set[tuple[str, str, str]] = set()
        self._invoices = 0
        self._journals: set[tuple[str, str, str]] = set()
        self.ledger: Counter[tuple[str, str]] = Counter()
        """Debit less credit, by order and account."""

    def after(self, cycle: Cycle) -> None:
        """Look at everything that a cycle touched."""
        self._numbered(cycle)
        match cycle.node.name:
            case "order":
                self._orders(cycle)
            case "inventory":
                self._stock(cycle)
            case "warehouse":
                for order_id, _, state in cycle.changed("fulfilments"):
                    self._fulfilments(order_id, state)
            case "billing":
                self._money(cycle)
            case "shipping":
                for order_id, _, state in cycle.changed("shipments"):
                    self._shipments(order_id, state)
            case "notify":
                for kind in ("messages", "alerts"):
                    for key, _, state in cycle.changed(kind):
                        _mails(key, state)

    def _numbered(self, cycle: Cycle) -> None:
        """Every key's facts are numbered from 1 without a gap."""
        numbering = cycle.node.core.numbering()
        for fact in cycle.out.facts:
            root = _root_of(cycle, fact, numbering[type(fact.body).TOPIC][0])
            place = (cycle.node.name, root, type(fact.body).TOPIC)
            self._sequences[place] += 1
            if fact.sequence != self._sequences[place]:
                raise Violation(f"{fact.body} has number {fact.sequence}: {self._sequences[place]}")

    # Orders

    def _orders(self, cycle: Cycle) -> None:
        for item, decision in cycle.out.decisions:
            for said in decision.facts:
                self._told(item.key, getattr(said, "body", said), decision.state)
        for order_id, _, state in cycle.changed("order"):
            if isinstance(state, Order):
                self._buckets(order_id, state)
                waits = cycle.node.core.deadline(state) is not None
                must(waits or state.finished, f"order {order_id} waits in silence")

    def _told(self, order_id: str, fact: Any, state: Any) -> None:
        match fact:
            case OrderAccepted() | OrderCompleted() | OrderDelivered():
                self._only_once(order_id, fact, "")
            case OrderShipped():
                self._only_once(order_id, fact, fact.shipment_id)
                for a in fact.alloc:
                    self.shipped[order_id, a.line_id] += a.qty
            case OrderCancelled():
                ended = state.cancel.state is not CancelState.WANTED
                must(ended, f"a receipt for {order_id} before its cancellation has ended")
                for x in fact.lines:
                    self.cancelled[order_id, x.line_id] += x.qty

    def _only_once(self, order_id: str, fact: Any, about: str) -> None:
        name = (order_id, type(fact), about)
        must(name not in self._once, f"{type(fact).__name__} {about} twice for {order_id}")
        self._once.add(name)

    def _buckets(self, order_id: str, order: Order) -> None:
        """Every unit is in one place, and the receipts name what was cancelled: once."""
        inside: Counter[int] = Counter()
        for fulfilment in order.fulfilments:
            for n, qty in fulfilment.units:
                must(qty > 0, f"{order_id}: an empty line in a fulfilment")
                inside[n] += qty
        for n, (ordered, line) in enumerate(zip(order.placed.lines, order.lines, strict=True)):
            buckets = (line.open, line.backordered, line.cancelled, line.unwanted)
            must(min(buckets) >= 0, f"{order_id}: less than nothing in {line}")
            units = line.units_free + line.cancelled + inside[n]
            must(units == ordered.qty, f"{order_id}: {units} of {ordered.qty} units in {line}")
            name = (order_id, ordered.line_id)
            told = self.shipped[name] + self.cancelled[name]
            must(told <= ordered.qty, f"{order_id}: more units shipped and cancelled than ordered")
            if order.cancel.state is not CancelState.WANTED:
                must(
                    self.cancelled[name] == line.cancelled,
                    f"{order_id}: {line.cancelled} cancelled, {self.cancelled[name]} on receipts",
                )

    # Stock

    def _stock(self, cycle: Cycle) -> None:
        for row in cycle.out.rows:
            self._book(row)
        for order_id, before, after in cycle.changed("reservation"):
            self._count(before, -1)
            self._count(after, 1)
            self._claims(order_id, after)
        for sku, _, book in cycle.changed("sku"):
            self._shelves_agree(sku, book)

    def _book(self, m: Movement) -> None:
        """Movements are numbered and add up; no cause is booked twice."""
        last = self._shelves.get((m.sku, m.location))
        number, on_hand, reserved = (
            (last.number, last.on_hand_after, last.reserved_after) if last else (0, 0, 0)
        )
        must(m.number == number + 1, f"{m} follows number {number}")
        must(m.on_hand_after == on_hand + m.on_hand_delta, f"{m} follows {on_hand} on hand")
        must(m.reserved_after == reserved + m.reserved_delta, f"{m} follows {reserved} reserved")
        must(0 <= m.reserved_after <= m.on_hand_after, f"{m} reserves what is not there")
        cause = (m.sku, m.location, m.cause)
        must(cause not in self._causes, f"{cause} was booked before")
        self._causes.add(cause)
        self._shelves[m.sku, m.location] = m
        if m.kind is MovementKind.CONSUME:
            self.consumed[m.order_id, m.sku] -= m.on_hand_delta

    def _count(self, reservation: Reservation | None, sign: int) -> None:
        if reservation is not None:
            for a in reservation.allocated:
                self._held[a.sku, a.location] += sign * a.qty
            for b in reservation.waiting:
                self._queued[b.sku, b.location] += sign * b.qty

    def _claims(self, order_id: str, reservation: Reservation) -> None:
        """An order has no more of a SKU, in hand, in the queue and gone, than was ordered."""
        order = self._nodes[ORDER].state("order", order_id)
        ordered: Counter[str] = Counter()
        for line in order.placed.lines:
            ordered[line.sku] += line.qty
        claimed: Counter[str] = Counter()
        for a in reservation.allocated:
            claimed[a.sku] += a.qty
        for b in reservation.waiting:
            claimed[b.sku] += b.qty
        for sku, qty in claimed.items():
            gone = self.consumed[order_id, sku]
            must(
                qty + gone <= ordered[sku],
                f"{order_id} claims {qty} of {sku} and got {gone}: {ordered[sku]} were ordered",
            )

    def _shelves_agree(self, key: str, book: Sku) -> None:
        for location, shelf in book.shelves.items():
            last = self._shelves[key, location]
            must(shelf.on_hand == last.on_hand_after, f"{key} at {location}: {shelf} after {last}")
            must(
                shelf.reserved == last.reserved_after == self._held[key, location],
                f"{key} at {location}: {shelf}, orders hold {self._held[key, location]}",
            )
        for location in {w.location for w in book.waiting}:
            must(
                book.backordered(location) == self._queued[key, location],
                f"{key} at {location}: {book.waiting}, {self._queued[key, location]} wait",
            )

    # The floor and the dock

    def _fulfilments(self, order_id: str, state: OrderFulfilments) -> None:
        """The warehouse works on no more units of a line than were ordered."""
        live: Counter[str] = Counter()
        for fulfilment in state.fulfilments:
            if fulfilment.status is not FulfilmentStatus.STOPPED:
                for line in fulfilment.lines:
                    live[line.line_id] += line.wanted
        self._at_most_ordered(order_id, live, "in the warehouse")

    def _shipments(self, order_id: str, state: Shipments) -> None:
        """Every parcel leaves once; and no line leaves in more units than were ordered."""
        gone: Counter[str] = Counter()
        for shipment in state.shipments:
            if shipment.status is ShipmentStatus.HANDED_OVER:
                gone.update(parcel.parcel_id for parcel in shipment.parcels)
        twice = [parcel_id for parcel_id, times in gone.items() if times > 1]
        must(not twice, f"{order_id}: parcels {twice} left twice")
        units: Counter[str] = Counter()
        work = self._nodes[WAREHOUSE].state("fulfilments", order_id)
        for fulfilment in work.fulfilments:
            for parcel in fulfilment.parcels:
                if f"{fulfilment.fulfilment_id}-P{parcel.parcel_no}" in gone:
                    for content in parcel.contents:
                        units[content.line_id] += content.qty
        self._at_most_ordered(order_id, units, "handed over")

    def _at_most_ordered(self, order_id: str, units: Mapping[str, int], where: str) -> None:
        order = self._nodes[ORDER].state("order", order_id)
        for line in order.placed.lines:
            must(
                units.get(line.line_id, 0) <= line.qty,
                f"{order_id}: {units.get(line.line_id)} units of line {line.line_id} {where}",
            )

    # Money

    def _money(self, cycle: Cycle) -> None:
        sides: Counter[Any] = Counter()
        entries: dict[Any, Journal] = {}
        for row in cycle.out.rows:
            match row:
                case Journal():
                    name = (row.order_id, row.cause.value, row.reference)
                    must(name not in self._journals, f"{name} was posted before")
                    self._journals.add(name)
                    entries[row.journal_id] = row
                case JournalEntry():
                    balance = row.debit_minor - row.credit_minor
                    sides[row.journal_id] += balance
                    self.ledger[entries[row.journal_id].order_id, row.account.value] += balance
                case Invoice():
                    self._invoices += 1
                    number = int(row.invoice_no.rpartition("-")[2])
                    must(number == self._invoices, f"{row.invoice_no} is number {self._invoices}")
        must(not any(sides.values()), f"journals that do not balance: {sides}")
        for order_id, _, payment in cycle.changed("payment"):
            _payment(order_id, payment)


def _root_of(cycle: Cycle, fact: Emitted, kind: str) -> str:
    """The root that numbers a fact: its own key's, or for a channel's answer the order's."""
    root: Ref = (kind, fact.key)
    return fact.key if root in cycle.held else fact.cause.key


def _payment(order_id: str, payment: Payment) -> None:
    live = (PaymentStatus.AUTHORISED, PaymentStatus.PART_CAPTURED)
    promises = [a.authorisation_id for a in payment.attempts if a.status in live]
    must(len(promises) <= 1, f"{order_id}: several live promises {promises}")
    for attempt in payment.attempts:
        _attempt(order_id, attempt)


def _attempt(order_id: str, attempt: Attempt) -> None:
    taken, promised = attempt.captured_minor, attempt.authorised_minor
    must(taken <= promised, f"{order_id}: captured {taken} of {promised} promised")
    returned = sum(r.invoiced_minor for r in attempt.refunds if r.status is not RefundStatus.FAILED)
    must(returned <= taken, f"{order_id}: {returned} of {taken} captured to be given back")
    for line, units in zip(attempt.terms.lines, attempt.shipped, strict=False):
        must(units <= line.qty, f"{order_id}: {units} of {line} invoiced")
    for receivable in attempt.receivables:
        must(receivable.open_minor >= 0, f"{order_id}: overpaid {receivable}")


def _mails(key: str, state: Messages | Alerts) -> None:
    """One message for each fact and template, unless a person had one sent again."""
    told = Counter((m.template, m.fact_id) for m in _unasked(state))
    twice = [name for name, times in told.items() if times > 1]
    must(not twice, f"{key} is written to twice about {twice}")


def _unasked(state: Messages | Alerts) -> Iterable[Any]:
    return (message for message in state.bag.messages if not message.asked_by)
