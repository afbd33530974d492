"""An order, what it was told and everything it ever said; with honest defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from msgspec.structs import replace

from oms_chassis.decision import Decision, Fact, Input, Woke, mint_id
from oms_contracts.channel import (
    Address,
    Contact,
    OrderPlaced,
    Payment,
    PaymentMethod,
    PlacedLine,
    Totals,
)
from oms_contracts.event import Event
from oms_order.decisions import deadline, decide
from oms_order.domain import NoOrder, Order, OrderedLine, Policy, Submission, order_key

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
        self.inputs: list[Input] = []
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
        self.inputs.append(told)
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
