"""An order's story, told fact by fact, with honest defaults: the participants say yes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from oms_chassis.decision import Decision, Fact, Input, Woke, mint_id
from oms_contracts import billing, inventory, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.channel import (
    Address,
    BackorderPolicy,
    Contact,
    OrderPlaced,
    Payment,
    PaymentMethod,
    PlacedLine,
    ShipPolicy,
    Totals,
)
from oms_contracts.event import Alloc, Event, LineQty, Tracked
from oms_order.decisions import deadline, decide
from oms_order.domain import (
    NoOrder,
    Order,
    OrderedLine,
    Policy,
    Submission,
    order_key,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CHANNEL = "webshop"
EXTERNAL_ID = "S-1001"
ORDER_ID = order_key("main", CHANNEL, EXTERNAL_ID)
A_REQUEST = "019a0000-0000-7000-8000-000000000000"
"""A request that no order ever made."""

E = TypeVar("E", bound=Event)


def line(line_id: str = "1", qty: int = 2, price_minor: int = 1_000, **more: Any) -> OrderedLine:
    """An order line with its tax."""
    tax_minor = more.pop("tax_minor", qty * price_minor // 5)
    sku = more.pop("sku", f"SKU-{line_id}")
    return OrderedLine(line_id, sku, qty, price_minor, tax_minor=tax_minor, **more)


def submission(*lines: OrderedLine, **changes: Any) -> Submission:
    """An order as a channel places it; its totals are those of its lines unless said otherwise."""
    placed = Submission(
        channel=CHANNEL,
        external_id=EXTERNAL_ID,
        digest=changes.pop("digest", "digest-1"),
        placed_at=NOW,
        currency="EUR",
        lines=lines or (line("1", 2), line("2", 1, 500), line("3", 3, 100)),
        totals=None,  # type: ignore[arg-type]
        payment_method=PaymentMethod.TOKEN,
        ship_country="DE",
        contact="sealed contact",
        ship_to="sealed address",
        payment_reference="tok_ok",
        shipping_minor=495,
        shipping_tax_minor=94,
    )
    totals = changes.pop("totals", None)
    placed = replace(placed, **changes)
    return replace(placed, totals=totals or placed.sums())


class Story:
    """An order and everything it ever said; time passes by a second with every input."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.state: Order | NoOrder | None = None
        self.now = NOW
        self.said: list[Event] = []
        self.news: list[Event] = []
        """What was said because of the last input."""
        self.decision = Decision()
        self.rows: list[Any] = []
        self.told = 0

    @property
    def order(self) -> Order:
        """The order; fails where there is none."""
        assert isinstance(self.state, Order)
        return self.state

    def tell(self, body: Any, *, actor: str = "", after: float = 1.0) -> Decision:
        """Something happens, `after` so many seconds."""
        self.now += timedelta(seconds=after)
        self.told += 1
        topic = "oms.channel.webshop.v1"
        told = Input(
            mint_id(self.now, f"{self.told}"), ORDER_ID, body, self.now, topic=topic, actor=actor
        )
        self.decision = decide(self.policy, self.state, told, self.now)
        self.state = self.decision.state
        self.rows += self.decision.rows
        self.news = [f.body if isinstance(f, Fact) else f for f in self.decision.facts]
        self.said += self.news
        _request_ids_are_event_ids(self.decision)
        return self.decision

    def wake(self) -> Decision:
        """The next deadline passes."""
        due = deadline(self.policy, self.order)
        assert due is not None, "nothing is awaited"
        after = max(0.0, (due.at - self.now).total_seconds())
        return self.tell(Woke(due.reason, due.owner), after=after)

    def all(self, kind: type[E]) -> list[E]:
        """Everything of a kind that was said so far."""
        return [fact for fact in self.said if isinstance(fact, kind)]

    def last(self, kind: type[E]) -> E:
        """The last that was said of a kind."""
        return self.all(kind)[-1]

    def new(self, kind: type[E]) -> list[E]:
        """What the last input made it say of a kind."""
        return [fact for fact in self.news if isinstance(fact, kind)]


def _request_ids_are_event_ids(decision: Decision) -> None:
    for fact in decision.facts:
        if isinstance(fact, Fact) and fact.id is not None:
            assert fact.id == UUID(fact.body.request_id)


# The stages of the happy road. Each begins where the one before ends.


def accepted(*lines: OrderedLine, policy: Policy | None = None, **changes: Any) -> Story:
    """The order is ours; inventory has been asked."""
    story = Story(policy)
    story.tell(submission(*lines, **changes))
    return story


def reserved(*lines: OrderedLine, **changes: Any) -> Story:
    """All units are set aside; billing has been asked."""
    story = accepted(*lines, **changes)
    story.tell(stock_reserved(story))
    return story


def released(*lines: OrderedLine, **changes: Any) -> Story:
    """Money is promised; the warehouse works."""
    story = reserved(*lines, **changes)
    story.tell(payment_authorised(story))
    return story


def packed(*lines: OrderedLine, **changes: Any) -> Story:
    """Everything lies in parcels; shipping has been asked."""
    story = released(*lines, **changes)
    for fulfilment in story.last(said.OrderReleased).fulfilments:
        story.tell(fulfilment_packed(fulfilment))
    return story


def shipped(*lines: OrderedLine, **changes: Any) -> Story:
    """Everything has left; billing has been told."""
    story = packed(*lines, **changes)
    for asked in story.all(said.ShipmentRequested):
        story.tell(parcels_shipped(asked, story.now))
    return story


def captured(*lines: OrderedLine, **changes: Any) -> Story:
    """Everything that has left is paid for."""
    story = shipped(*lines, **changes)
    for gone in story.all(said.OrderShipped):
        story.tell(payment_captured(story, gone))
    return story


def delivered(*lines: OrderedLine, **changes: Any) -> Story:
    """Every parcel has arrived."""
    story = captured(*lines, **changes)
    for gone in story.all(said.OrderShipped):
        for parcel in gone.parcels:
            story.tell(parcel_delivered(gone, parcel, story.now))
    return story


def completed(*lines: OrderedLine, **changes: Any) -> Story:
    """Nothing is left to do."""
    story = delivered(*lines, **changes)
    story.wake()
    return story


# What the participants answer.


def wanted(story: Story) -> Sequence[LineQty]:
    """Units that inventory was last asked for."""
    asked = [f for f in story.said if isinstance(f, said.OrderAccepted | said.ReservationRequested)]
    return asked[-1].lines


def last_reservation_id(story: Story) -> str:
    """The last question to inventory."""
    asked = [f for f in story.said if isinstance(f, said.OrderAccepted | said.ReservationRequested)]
    return asked[-1].request_id


def stock_reserved(
    story: Story,
    alloc: Iterable[Alloc] | None = None,
    backordered: Iterable[inventory.Backordered] = (),
) -> inventory.StockReserved:
    """Inventory's answer to the last question: everything is there, in one place."""
    if alloc is None:
        alloc = [at("WEST", x) for x in wanted(story)]
    return inventory.StockReserved(
        request_id=last_reservation_id(story), alloc=tuple(alloc), backordered=tuple(backordered)
    )


def stock_refused(story: Story) -> inventory.StockRefused:
    """Inventory has not enough, and nobody may wait."""
    short = tuple(inventory.Short(sku=x.sku, short_by=x.qty) for x in wanted(story))
    return inventory.StockRefused(request_id=last_reservation_id(story), short=short)


def stock_released(story: Story) -> inventory.StockReleased:
    """Inventory took back what it was last asked to."""
    asked = story.last(said.ReservationReleaseRequested)
    return inventory.StockReleased(
        request_id=asked.request_id, alloc=asked.alloc, backordered=asked.backordered
    )


def at(location: str, units: LineQty, qty: int | None = None) -> Alloc:
    """Units of a line at a location."""
    return Alloc(line_id=units.line_id, sku=units.sku, location=location, qty=qty or units.qty)


def backordered(
    units: LineQty, qty: int | None = None, eta: datetime | None = None
) -> inventory.Backordered:
    """Units of a line that wait for goods."""
    return inventory.Backordered(
        line_id=units.line_id, sku=units.sku, location="WEST", qty=qty or units.qty, eta=eta
    )


def backorder_filled(story: Story, *alloc: Alloc) -> inventory.BackorderFilled:
    """Goods came for units of the last request."""
    return inventory.BackorderFilled(request_id=last_reservation_id(story), alloc=alloc)


def payment_authorised(story: Story, amount_minor: int | None = None) -> billing.PaymentAuthorized:
    """Billing's yes."""
    asked = story.last(said.PaymentRequested)
    return billing.PaymentAuthorized(
        request_id=asked.request_id,
        payment_id="pay-1",
        authorisation_id="auth-1",
        amount_minor=asked.amount_minor if amount_minor is None else amount_minor,
        currency=asked.currency,
    )


def payment_declined(
    story: Story, *, final: bool = True, retry_until: datetime | None = None
) -> billing.PaymentDeclined:
    """Billing's no."""
    return billing.PaymentDeclined(
        request_id=story.last(said.PaymentRequested).request_id,
        code="insufficient_funds",
        final=final,
        retry_until=retry_until,
    )


def payment_captured(
    story: Story, gone: said.OrderShipped, amount_minor: int | None = None
) -> billing.PaymentCaptured:
    """Billing has the money for a shipment: by default all that was promised."""
    asked = story.last(said.PaymentRequested)
    return billing.PaymentCaptured(
        request_id=asked.request_id,
        shipment_id=gone.shipment_id,
        capture_id=f"capture-{gone.shipment_id}",
        amount_minor=asked.amount_minor if amount_minor is None else amount_minor,
        currency=asked.currency,
        invoice_no="INV-1",
        journal_id="J-1",
    )


def capture_failed(story: Story, gone: said.OrderShipped) -> billing.PaymentCaptureFailed:
    """Billing could not get the money for a shipment."""
    asked = story.last(said.PaymentRequested)
    return billing.PaymentCaptureFailed(
        request_id=asked.request_id,
        shipment_id=gone.shipment_id,
        invoice_no="INV-1",
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        code="card_expired",
    )


def payment_voided(story: Story) -> billing.PaymentVoided:
    """Billing let go what it was last asked to."""
    asked = story.last(said.PaymentVoidRequested)
    return billing.PaymentVoided(
        request_id=asked.request_id,
        payment_request_id=asked.payment_request_id,
        currency="EUR",
    )


def refund_completed(story: Story) -> billing.RefundCompleted:
    """Billing gave back what it was last asked to."""
    asked = story.last(said.RefundRequested)
    return billing.RefundCompleted(
        request_id=asked.request_id,
        refund_id="refund-1",
        amount_minor=asked.amount_minor,
        currency=asked.currency,
    )


def fulfilment_packed(fulfilment: said.Fulfilment) -> warehouse.FulfilmentPacked:
    """The warehouse packed everything into one parcel."""
    parcel = said.Parcel(
        parcel_id=f"{fulfilment.fulfilment_id}-P1", weight_grams=900, lines=fulfilment.lines
    )
    return warehouse.FulfilmentPacked(
        fulfilment_id=fulfilment.fulfilment_id,
        parcels=(parcel,),
        packed_by="pia",
        packed_at=NOW,
    )


def fulfilment_short(fulfilment: said.Fulfilment, *short: LineQty) -> warehouse.FulfilmentShort:
    """The warehouse did not find some units."""
    return warehouse.FulfilmentShort(
        fulfilment_id=fulfilment.fulfilment_id,
        short=tuple(
            warehouse.ShortLine(
                line_id=x.line_id,
                sku=x.sku,
                location=fulfilment.location,
                qty=x.qty,
                reason="not on the shelf",
            )
            for x in short
        ),
    )


def fulfilment_stopped(story: Story) -> warehouse.FulfilmentStopped:
    """The warehouse stopped what it was last asked to."""
    asked = story.last(said.FulfilmentStopRequested)
    return warehouse.FulfilmentStopped(
        request_id=asked.request_id, fulfilment_id=asked.fulfilment_id
    )


def fulfilment_stop_refused(story: Story) -> warehouse.FulfilmentStopRefused:
    """The warehouse would not stop."""
    asked = story.last(said.FulfilmentStopRequested)
    return warehouse.FulfilmentStopRefused(
        request_id=asked.request_id, fulfilment_id=asked.fulfilment_id, reason="on the ramp"
    )


def parcels_shipped(asked: said.ShipmentRequested, now: datetime) -> shipping.Shipped:
    """The carrier took the parcels."""
    return shipping.Shipped(
        request_id=asked.request_id,
        shipment_id=asked.shipment_id,
        parcels=tuple(
            Tracked(parcel_id=p.parcel_id, carrier="DHL", tracking_no=f"T-{p.parcel_id[:8]}")
            for p in asked.parcels
        ),
        eta=now + timedelta(days=2),
        shipped_at=now,
    )


def shipment_failed(story: Story, code: str = "address") -> shipping.ShipmentFailed:
    """The carrier did not take the parcels."""
    asked = story.last(said.ShipmentRequested)
    return shipping.ShipmentFailed(
        request_id=asked.request_id,
        shipment_id=asked.shipment_id,
        code=shipping.FailureCode(code),
        text="No such street.",
    )


def shipment_stopped(story: Story) -> shipping.ShipmentStopped:
    """The parcels stay."""
    asked = story.last(said.ShipmentStopRequested)
    return shipping.ShipmentStopped(
        request_id=asked.request_id, shipment_id=asked.shipment_id, labels_voided=True
    )


def shipment_stop_refused(story: Story) -> shipping.ShipmentStopRefused:
    """The carrier has the parcels."""
    asked = story.last(said.ShipmentStopRequested)
    return shipping.ShipmentStopRefused(
        request_id=asked.request_id, shipment_id=asked.shipment_id, reason="handed over"
    )


def parcel_delivered(
    gone: said.OrderShipped, parcel: Tracked, now: datetime
) -> shipping.ParcelDelivered:
    """A parcel arrived."""
    return shipping.ParcelDelivered(
        shipment_id=gone.shipment_id, parcel_id=parcel.parcel_id, at=now
    )


def deny_and_complete() -> dict[str, Any]:
    """An order whose customer neither waits nor takes several parcels."""
    return {"backorder_policy": BackorderPolicy.DENY, "ship_policy": ShipPolicy.COMPLETE}


def placed(**changes: Any) -> OrderPlaced:
    """An order as its channel writes it."""
    lines = changes.pop("lines", None) or (
        PlacedLine(line_id="1", sku="SKU-1", qty=2, unit_price_minor=1_000, tax_minor=400),
        PlacedLine(line_id="2", sku="SKU-2", qty=1, unit_price_minor=500, tax_minor=100),
    )
    goods = sum(x.qty * x.unit_price_minor for x in lines)
    tax = sum(x.tax_minor for x in lines)
    given: dict[str, Any] = {
        "external_id": EXTERNAL_ID,
        "placed_at": NOW,
        "currency": "EUR",
        "lines": lines,
        "totals": Totals(goods_minor=goods, tax_minor=tax, grand_total_minor=goods + tax),
        "payment": Payment(method=PaymentMethod.TOKEN, reference="tok_ok"),
        "contact": Contact(name="Ada Example", email="ada@customers.example"),
        "ship_to": Address(name="Ada <b>", line1="Main St 1", city="Bonn", country="DE"),
        "note": "ring twice",
    }
    return OrderPlaced(**(given | changes))
