"""What must be true after every single step, whatever has happened.

Only what a cycle changed is looked at, so that thousands of seeds can be afforded; `audit` adds
everything up anew now and then, and in the end. Stock and money have books of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ledgers import MoneyBooks
from node import Cycle, Node
from outside import Outside
from services import BILLING, INVENTORY, NOTIFY, ORDER, SHIPPING, WAREHOUSE
from shelves import StockBooks
from ways import Violation

from oms_chassis.fold import Called
from oms_contracts.order import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderShipped,
)
from oms_notify.domain import Alerts, Messages
from oms_order.domain import CancelState, Order
from oms_shipping.domain import Shipments
from oms_shipping.domain import Status as ShipmentStatus
from oms_warehouse.domain import OrderFulfilments
from oms_warehouse.domain import Status as FulfilmentStatus


class Invariants:
    """Books beside the services' own, kept from what was changed and said."""

    def __init__(self, nodes: Mapping[str, Node], outside: Outside) -> None:
        self._nodes = nodes
        self._outside = outside
        self.facts = 0
        """How many were committed."""
        self.shipped: Counter[tuple[str, str]] = Counter()
        """Units that left, by order and line, as the order told it."""
        self.cancelled: Counter[tuple[str, str]] = Counter()
        self.stock = StockBooks(nodes[ORDER])
        self.money = MoneyBooks()
        self._once: set[tuple[str, type, str]] = set()

    def after(self, cycle: Cycle) -> None:
        """Look at everything that a cycle touched."""
        self.facts += len(cycle.out.facts)
        match cycle.node.name:
            case "order":
                self._orders(cycle)
            case "inventory":
                self.stock.after(cycle)
            case "warehouse":
                for order_id, _, state in cycle.changed("fulfilments"):
                    self._fulfilments(order_id, state)
            case "billing":
                self.money.after(cycle)
            case "shipping":
                for order_id, _, state in cycle.changed("shipments"):
                    self._shipments(order_id, state)
            case "notify":
                for key, _, state in cycle.changed("messages") + cycle.changed("alerts"):
                    _mails(key, state)

    def outside_agrees(self, called: Called) -> None:
        """What the outside world has done twice, nobody can take back."""
        twice = self._outside.done_twice(called)
        if twice:
            raise Violation(f"{called.ref[1]}: {twice}")

    def audit(self) -> None:
        """Everything that there is, added up anew."""
        for key in self._nodes[ORDER].memory.keys("order"):
            state = self._nodes[ORDER].state("order", key)
            if isinstance(state, Order):
                self._buckets(key, state)
        for key in self._nodes[WAREHOUSE].memory.keys("fulfilments"):
            self._fulfilments(key, self._nodes[WAREHOUSE].state("fulfilments", key))
        for key in self._nodes[SHIPPING].memory.keys("shipments"):
            self._shipments(key, self._nodes[SHIPPING].state("shipments", key))
        for key in self._nodes[NOTIFY].memory.keys("messages"):
            _mails(key, self._nodes[NOTIFY].state("messages", key))
        self.stock.audit(self._nodes[INVENTORY])
        self.money.audit(self._nodes[BILLING])

    # Orders

    def _orders(self, cycle: Cycle) -> None:
        for item, decision in cycle.out.decisions:
            for said in decision.facts:
                self._told(item.key, getattr(said, "body", said), decision.state)
        for order_id, _, state in cycle.changed("order"):
            if isinstance(state, Order):
                self._buckets(order_id, state)
                if not state.finished and cycle.node.core.deadline(state) is None:
                    raise Violation(f"order {order_id} waits in silence")

    def _told(self, order_id: str, fact: Any, state: Any) -> None:
        match fact:
            case OrderAccepted() | OrderCompleted() | OrderDelivered():
                self._only_once(order_id, fact, "")
            case OrderShipped():
                self._only_once(order_id, fact, fact.shipment_id)
                for a in fact.alloc:
                    self.shipped[order_id, a.line_id] += a.qty
            case OrderCancelled():
                if state.cancel.state is CancelState.WANTED:
                    raise Violation(f"a receipt for {order_id} before its cancellation has ended")
                for x in fact.lines:
                    self.cancelled[order_id, x.line_id] += x.qty

    def _only_once(self, order_id: str, fact: Any, about: str) -> None:
        name = (order_id, type(fact), about)
        if name in self._once:
            raise Violation(f"{type(fact).__name__} {about} twice for {order_id}")
        self._once.add(name)

    def _buckets(self, order_id: str, order: Order) -> None:
        """Every unit is in one place, and the receipts name what was cancelled: once."""
        inside = [0] * len(order.lines)
        for fulfilment in order.fulfilments:
            for n, qty in fulfilment.units:
                if qty <= 0:
                    raise Violation(f"{order_id}: an empty line in a fulfilment")
                inside[n] += qty
        wanted = order.cancel.state is CancelState.WANTED
        for n, (ordered, line) in enumerate(zip(order.placed.lines, order.lines, strict=True)):
            if min(line.open, line.backordered, line.cancelled, line.unwanted) < 0:
                raise Violation(f"{order_id}: less than nothing in {line}")
            units = line.units_free + line.cancelled + inside[n]
            if units != ordered.qty:
                raise Violation(f"{order_id}: {units} of {ordered.qty} units in {line}")
            name = (order_id, ordered.line_id)
            told = self.cancelled[name]
            if self.shipped[name] + told > ordered.qty:
                raise Violation(f"{order_id}: more units shipped and cancelled than ordered")
            if not wanted and told != line.cancelled:
                raise Violation(f"{order_id}: {line.cancelled} cancelled, {told} on receipts")

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
        if not gone:
            return
        if max(gone.values()) > 1:
            raise Violation(f"{order_id}: a parcel of {dict(gone)} left twice")
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
            qty = units.get(line.line_id, 0)
            if qty > line.qty:
                raise Violation(f"{order_id}: {qty} units of line {line.line_id} {where}")


def _mails(key: str, state: Messages | Alerts) -> None:
    """One message for each fact and template, unless a person had one sent again."""
    told = [(m.template, m.fact_id) for m in state.bag.messages if not m.asked_by]
    if len(set(told)) != len(told):
        raise Violation(f"{key} is written to twice about one of {told}")
