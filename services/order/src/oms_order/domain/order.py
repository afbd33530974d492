"""An order: what was ordered, and how far each unit, the money and the people have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_contracts.order import Gate, HoldType
from oms_order.domain.fulfilment import Fulfilment, FulfilmentState
from oms_order.domain.lines import Line
from oms_order.domain.ordered import Head, Placed, Submission, Units
from oms_order.domain.payment import Payment, PaymentState, RefundState
from oms_order.domain.regions import (
    Approval,
    Cancel,
    CancelState,
    Hold,
    Release,
    Stock,
    StockState,
    Task,
    TaskKind,
)


class Status(StrEnum):
    """Where an order stands, in one word; it follows from everything else."""

    UNKNOWN = "unknown"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    BACKORDERED = "backordered"
    AWAITING_PAYMENT = "awaiting_payment"
    AUTHORISED = "authorised"
    IN_FULFILMENT = "in_fulfilment"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class NoOrder(Value, frozen=True):
    """A channel's number under which there is no order: turned down, or only asked about."""

    order_id: str
    channel: str
    external_id: str
    received_at: datetime
    digest: str = ""
    reasons: tuple[tuple[str, str, str], ...] = ()
    """Field, code and sentence of everything for which it was turned down."""

    @property
    def status(self) -> Status:
        """Rejected, or never placed."""
        return Status.REJECTED if self.reasons else Status.UNKNOWN


class Body(Value, frozen=True):
    """The changing part of an order, one field a region."""

    lines: tuple[Line, ...]
    approval: Approval
    stock: Stock = Stock()
    payment: Payment = Payment()
    fulfilments: tuple[Fulfilment, ...] = ()
    holds: tuple[Hold, ...] = ()
    cancel: Cancel = Cancel()
    tasks: tuple[Task, ...] = ()
    ship_to: str = ""
    """A corrected address, sealed; empty while the ordered one holds."""
    backordered_since: datetime | None = None
    """Since when goods have been awaited, or the customer last agreed to wait."""
    customer_asked_at: datetime | None = None
    """When the customer was asked whether to wait on; None unless an answer is awaited."""
    wishes: tuple[str, ...] = ()
    """Fingerprints of wishes to cancel some units: sent again, they mean the same units."""
    amended_by: str = ""
    """Fingerprint of the last amendment that a person was told of."""
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    resubmitted: bool = False
    """Accepted under a number that had been turned down before."""


class Order(Value, frozen=True):
    """An accepted order. Every method answers with the order after its deed."""

    head: Head
    body: Body

    def but(self, **regions: Any) -> Order:
        """The order with these regions replaced."""
        return Order(self.head, replace(self.body, **regions))

    # What was ordered, and the regions, by their short names.

    @property
    def placed(self) -> Submission:
        """What the channel submitted."""
        return self.head.placed

    @property
    def lines(self) -> tuple[Line, ...]:
        """The buckets, in the order of the ordered lines."""
        return self.body.lines

    @property
    def stock(self) -> Stock:
        """Region K."""
        return self.body.stock

    @property
    def payment(self) -> Payment:
        """Region P."""
        return self.body.payment

    @property
    def fulfilments(self) -> tuple[Fulfilment, ...]:
        """Region F."""
        return self.body.fulfilments

    @property
    def cancel(self) -> Cancel:
        """Region C."""
        return self.body.cancel

    # Lines

    def with_lines(self, changed: Mapping[int, Line], **regions: Any) -> Order:
        """The order with some lines replaced."""
        if not changed:
            return self.but(**regions) if regions else self
        lines = tuple(changed.get(n, line) for n, line in enumerate(self.lines))
        return self.but(lines=lines, **regions)

    def reserve(self, placed: Placed, **regions: Any) -> Order:
        """Open units were set aside."""
        lines = list(self.lines)
        for n, location, qty in placed:
            lines[n] = lines[n].reserve(location, qty)
        return self.but(lines=tuple(lines), **regions)

    def want_rid_of(self, units: Units) -> Order:
        """These units are no longer wanted, wherever they are."""
        lines = {n: self.lines[n] for n, _ in units}
        for n, qty in units:
            lines[n] = lines[n]._replace(unwanted=lines[n].unwanted + qty)
        return self.with_lines(lines)

    def released(self, done: Release) -> Order:
        """Inventory took units back. Those that had moved on meanwhile are where they went."""
        lines = {n: self.lines[n] for n, _, _ in done.placed}
        lines |= {n: self.lines[n] for n, _ in done.backordered}
        for n, location, qty in done.placed:
            lines[n] = lines[n].lose(location, min(qty, lines[n].at(location)))
        for n, qty in done.backordered:
            lines[n] = lines[n].leave_queue(min(qty, lines[n].backordered))
        stock = replace(self.stock, releasing=None)
        return self.with_lines(lines, stock=stock)

    # Fulfilments

    def with_fulfilment(self, changed: Fulfilment, **regions: Any) -> Order:
        """The order with one fulfilment as it is now."""
        fulfilments = tuple(
            changed if f.fulfilment_id == changed.fulfilment_id else f for f in self.fulfilments
        )
        return self.but(fulfilments=fulfilments, **regions)

    def fulfilment(self, fulfilment_id: str) -> Fulfilment | None:
        """The fulfilment with this id."""
        return next((f for f in self.fulfilments if f.fulfilment_id == fulfilment_id), None)

    def shipment(self, shipment_id: str) -> Fulfilment | None:
        """The fulfilment whose parcels are this shipment."""
        return next((f for f in self.fulfilments if f.shipment_id == shipment_id), None)

    def stop(self, fulfilment: Fulfilment) -> Order:
        """A fulfilment ended: its units are set aside again, the broken ones are open."""
        broken = dict(fulfilment.broken)
        lines: dict[int, Line] = {}
        for n, qty in fulfilment.units:
            lost = broken.get(n, 0)
            line = self.lines[n].reopen(lost) if lost else self.lines[n]
            lines[n] = line.take_back(fulfilment.location, qty - lost) if qty > lost else line
        return self.with_lines(lines).with_fulfilment(fulfilment.end())

    def units_in(self, *states: FulfilmentState) -> list[int]:
        """Units of each line in fulfilments that are in one of `states`."""
        units = [0] * len(self.lines)
        for fulfilment in self.fulfilments:
            if fulfilment.state in states:
                for n, qty in fulfilment.units:
                    units[n] += qty
        return units

    def live(self) -> Iterator[Fulfilment]:
        """Fulfilments whose goods are still here."""
        return (f for f in self.fulfilments if f.live)

    def gone(self) -> Iterator[Fulfilment]:
        """Fulfilments whose goods have left."""
        return (f for f in self.fulfilments if f.gone)

    # Holds and tasks

    def hold(self, *holds: Hold) -> Order:
        """More to be looked at before a gate."""
        return self.but(holds=self.body.holds + holds)

    def blocked(self, gate: Gate) -> bool:
        """Whether a hold keeps the order from passing a gate."""
        return any(hold.blocks(gate) for hold in self.body.holds)

    def find_hold(self, hold_id: str) -> Hold | None:
        """The hold with this id."""
        return next((h for h in self.body.holds if h.hold_id == hold_id), None)

    def costs_hold(self) -> Hold | None:
        """The hold that waits for costs to be approved."""
        return next((h for h in self.body.holds if h.type is HoldType.COSTS), None)

    def lift(self, hold: Hold, **regions: Any) -> Order:
        """A hold is gone."""
        return self.but(holds=tuple(h for h in self.body.holds if h is not hold), **regions)

    def add_task(self, task: Task) -> Order:
        """More for a person to do."""
        return self.but(tasks=(*self.body.tasks, task))

    def task_about(self, kind: TaskKind, subject: str) -> Task | None:
        """The open task of this kind about something."""
        tasks = self.body.tasks
        return next((t for t in tasks if t.kind is kind and t.subject == subject), None)

    # What follows from the regions

    @property
    def remaining(self) -> bool:
        """Whether any unit may still be shipped or must still be taken back."""
        if any(f.live for f in self.fulfilments):
            return True
        return any(line.open or line.backordered or line.reserved for line in self.lines)

    @property
    def finished(self) -> bool:
        """Whether the order has come to its end."""
        return self.body.completed_at is not None or self.cancel.state is CancelState.DONE

    @property
    def paid_for(self) -> bool:
        """Whether billing has settled everything that was shipped."""
        return all(f.settled for f in self.gone())

    @property
    def promise_used_up(self) -> bool:
        """Whether all money that was promised has been taken for shipments."""
        taken = sum(f.invoice.amount_minor for f in self.gone() if f.invoice is not None)
        return taken >= self.payment.authorised_minor

    @property
    def stock_state(self) -> StockState:
        """Region K in one word."""
        if self.stock.reserving is not None:
            return StockState.ASKED
        if self.stock.releasing is not None:
            return StockState.RELEASING
        return StockState.SETTLED if self.remaining else StockState.IDLE

    @property
    def payment_state(self) -> PaymentState:
        """Region P in one word: the payment's own state, unless captures or refunds say more."""
        payment = self.payment
        if payment.refunding:
            return PaymentState.REFUNDING
        if any(f.invoice is not None and not f.invoice.paid for f in self.gone()):
            return PaymentState.CAPTURE_FAILED
        if payment.state is PaymentState.VOIDING:
            return PaymentState.VOIDING
        if payment.captured_minor > payment.refunded_minor:
            done = not self.remaining and self.paid_for
            return PaymentState.CAPTURED if done else PaymentState.PART_CAPTURED
        if any(r.state is RefundState.DONE for r in payment.refunds):
            return PaymentState.REFUNDED
        return payment.state

    @property
    def status(self) -> Status:
        """The order in one word."""
        if self.body.completed_at is not None:
            return Status.COMPLETED
        if self.cancel.state is not CancelState.NO:
            done = self.cancel.state is CancelState.DONE
            return Status.CANCELLED if done else Status.CANCELLING
        if any(f.gone for f in self.fulfilments):
            if self.remaining:
                return Status.PART_SHIPPED
            return Status.DELIVERED if self.body.delivered_at else Status.SHIPPED
        if any(f.live for f in self.fulfilments):
            return Status.IN_FULFILMENT
        if self.payment.state in (PaymentState.ASKED, PaymentState.AWAITING_PAYER):
            return Status.AWAITING_PAYMENT
        if any(line.reserved for line in self.lines):
            paid = self.payment.state is PaymentState.AUTHORISED
            return Status.AUTHORISED if paid else Status.ACCEPTED
        return Status.BACKORDERED if self.body.backordered_since else Status.ACCEPTED


def counted(units: Iterable[int]) -> Units:
    """Counts by place as units, without the lines that have none."""
    return tuple((n, qty) for n, qty in enumerate(units) if qty)
