"""An order while it is being made up: drawn as its channel would have it, then given its case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import msgspec

from oms_cli.generator.catalogue import FLOOR, HUB, Article, Assortment, Catalogue, Home
from oms_cli.generator.people import Customer, draw_customer
from oms_cli.generator.planned import Deed, End, Expectation, Planned, Stocked
from oms_contracts import wire
from oms_contracts.channel import (
    BackorderPolicy,
    OrderPlaced,
    Payment,
    PaymentMethod,
    PlacedLine,
    ServiceLevel,
    ShipPolicy,
    Totals,
)

TOTAL_MAX_MINOR = 400_000
"""Baskets stay below this, and so below the costs that need a person's approval."""

Tamper = Callable[[dict[str, Any]], dict[str, Any] | bytes]
"""Changes the JSON of an order before it is sent."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How orders of one channel look."""

    prefix: str
    lines: tuple[int, ...]
    """Numbers of lines, as often as they stand here."""
    qty_max: int
    guests: float
    discount: float
    """How many lines are discounted."""
    methods: tuple[PaymentMethod, ...]
    complete: float
    """How many customers want everything in one shipment."""
    express: float


_TOKEN, _PREPAID, _TERMS = PaymentMethod.TOKEN, PaymentMethod.PREPAID, PaymentMethod.TERMS
HABITS = {
    "web": Habit("W", (1, 1, 1, 2, 2, 3, 3, 4, 6, 9), 3, 0.4, 0.15, (_TOKEN,), 0.1, 0.15),
    "marketplace": Habit("M", (1, 1, 1, 1, 2, 2, 3), 2, 1.0, 0.05, (_PREPAID,), 0.0, 0.1),
    "store": Habit("S", (1, 1, 2, 3, 5), 2, 0.6, 0.2, (_TOKEN, _TOKEN, _PREPAID), 0.3, 0.0),
    "wholesale": Habit("B", (3, 4, 6, 8, 10, 13, 16, 20), 6, 0.0, 0.6, (_TERMS,), 0.5, 0.05),
}


@dataclass(slots=True)
class Sketch:
    """An order in the making. Its case changes whatever makes it special, expectation included."""

    chance: Random
    catalogue: Catalogue
    run: str
    number: int
    channel: str
    customer: Customer
    placed_at: datetime
    method: PaymentMethod
    token: str = "tok_approve"
    lines: list[PlacedLine] = field(default_factory=list)
    stock: list[Stocked] = field(default_factory=list)
    ship_policy: ShipPolicy = ShipPolicy.SPLIT
    backorder_policy: BackorderPolicy = BackorderPolicy.WAIT
    service_level: ServiceLevel = ServiceLevel.STANDARD
    flags: tuple[str, ...] = ()
    street_mark: str = ""
    """What the carrier's sandbox is told to do (`#lost`), at the end of the street."""
    total_off_minor: int = 0
    """How much the channel's own total differs from the lines."""
    shipping_minor: int = 0
    end: End = End.COMPLETED
    why: str = ""
    charged: bool = True
    """Whether the customer pays for all of it in the end."""
    deed: Deed | None = None
    tamper: Tamper | None = None
    again: Tamper | None = None
    """Makes a second message under the same number out of the first."""

    @property
    def habit(self) -> Habit:
        """How orders of its channel look."""
        return HABITS[self.channel]

    def fill(self, assortment: Assortment) -> None:
        """Put a basket together. A SKU may stand in two lines: customers do that."""
        room_minor = TOTAL_MAX_MINOR
        for _ in range(self.chance.choice(self.habit.lines)):
            article = assortment.draw(self.chance)
            qty = min(self.chance.randint(1, self.habit.qty_max), room_minor // article.price_minor)
            if qty > 0:
                self.add(article, qty)
                room_minor -= self.lines[-1].total_minor

    def add(self, article: Article, qty: int, discount_percent: int | None = None) -> None:
        """Order units of an article that will be in stock for everybody who wants it."""
        self._line(article, qty, discount_percent)
        if article.home is Home.BOTH:
            at_floor = qty // 2 + (qty % 2 if self.number % 2 else 0)
            self.stock += [
                Stocked(article.sku, FLOOR, at_floor), Stocked(article.sku, HUB, qty - at_floor),
            ]  # fmt: skip
        else:
            location = FLOOR if article.home is Home.FLOOR else HUB
            self.stock.append(Stocked(article.sku, location, qty))

    def add_own(self, qty: int, **in_stock: int) -> None:
        """Order units of a SKU that no other order wants; so many of it lie where."""
        own = Article(f"{self.run}-{self.number:06}", "limited edition", 2_500, Home.HUB)
        self._line(own, qty, None)
        self.stock += [Stocked(own.sku, location, units) for location, units in in_stock.items()]

    def _line(self, article: Article, qty: int, discount_percent: int | None) -> None:
        if discount_percent is None:
            discounted = self.chance.random() < self.habit.discount
            discount_percent = self.chance.choice((5, 10, 15, 20)) if discounted else 0
        goods_minor = qty * article.price_minor
        discount_minor = goods_minor * discount_percent // 100
        self.lines.append(
            PlacedLine(
                line_id=str(len(self.lines) + 1),
                sku=article.sku,
                qty=qty,
                unit_price_minor=article.price_minor,
                discount_minor=discount_minor,
                tax_minor=self._tax(goods_minor - discount_minor),
                title=article.title,
            )
        )

    def _tax(self, net_minor: int) -> int:
        return net_minor * self.customer.place.tax_percent // 100

    def expect(self, end: End, why: str = "", *, charged: bool = False) -> None:
        """Say how it will end, other than completed and paid for."""
        self.end, self.why, self.charged = end, why, charged

    @property
    def external_id(self) -> str:
        """The channel's own order number."""
        return f"{self.habit.prefix}-{self.run}-{self.number:06}"

    def placed(self) -> OrderPlaced:
        """The order as its channel means it."""
        place, address = self.customer.place, self.customer.address
        if self.street_mark:
            line1 = f"{address.line1} {self.street_mark}"
            address = address.model_copy(update={"line1": line1})
        return OrderPlaced(
            external_id=self.external_id,
            placed_at=self.placed_at,
            currency=place.currency,
            lines=tuple(self.lines),
            shipping_minor=self.shipping_minor,
            shipping_tax_minor=self._tax(self.shipping_minor),
            totals=self._totals(self.total_off_minor),
            payment=Payment(method=self.method, reference=self._reference()),
            contact=self.customer.contact,
            ship_to=address,
            ship_policy=self.ship_policy,
            backorder_policy=self.backorder_policy,
            service_level=self.service_level,
            flags=self.flags,
        )

    def _reference(self) -> str:
        match self.method:
            case PaymentMethod.TOKEN:
                return self.token
            case PaymentMethod.PREPAID:
                return f"PAID-{self.external_id}"
            case _:
                return self.customer.contact.customer_ref

    def _totals(self, off_minor: int) -> Totals:
        goods_minor = sum(line.qty * line.unit_price_minor for line in self.lines)
        discount_minor = sum(line.discount_minor for line in self.lines)
        tax_minor = sum(line.tax_minor for line in self.lines) + self._tax(self.shipping_minor)
        return Totals(
            goods_minor=goods_minor,
            discount_minor=discount_minor,
            shipping_minor=self.shipping_minor,
            tax_minor=tax_minor,
            grand_total_minor=goods_minor - discount_minor + self.shipping_minor + tax_minor
            + off_minor,
        )  # fmt: skip

    def planned(self, case: str) -> Planned:
        """The finished order."""
        placed = self.placed()
        value = wire.encode(placed)
        first = _tampered(value, self.tamper)
        values = (first, _tampered(first, self.again)) if self.again else (first,)
        rejected = self.end is End.REJECTED
        charged_minor = self._totals(0).grand_total_minor if self.charged else 0
        predicted = self.charged or self.end in (End.CANCELLED, End.REJECTED)
        return Planned(
            number=self.number,
            case=case,
            channel=self.channel,
            external_id=self.external_id,
            values=values,
            expected=Expectation(self.end, self.why, charged_minor if predicted else None),
            placed=None if rejected else placed,
            deed=self.deed,
            corrected=self.customer.address if self.deed is Deed.CORRECT_ADDRESS else None,
            stock=() if rejected else tuple(self.stock),
        )


def _tampered(value: bytes, tamper: Tamper | None) -> bytes:
    if tamper is None:
        return value
    changed = tamper(msgspec.json.decode(value))
    return changed if isinstance(changed, bytes) else msgspec.json.encode(changed)


def sketch(
    chance: Random, catalogue: Catalogue, run: str, number: int, channel: str, placed_at: datetime
) -> Sketch:
    """An order as its channel would have it, with an empty basket."""
    habit = HABITS[channel]
    drawn = Sketch(
        chance, catalogue, run, number, channel, draw_customer(chance, habit.guests), placed_at,
        chance.choice(habit.methods),
    )  # fmt: skip
    if chance.random() < habit.complete:
        drawn.ship_policy = ShipPolicy.COMPLETE
    if chance.random() < habit.express:
        drawn.service_level = ServiceLevel.EXPRESS
    if channel != "store":
        drawn.shipping_minor = chance.choice((0, 390, 490, 990))
    if chance.random() < 0.05:
        drawn.flags = ("GIFT",)
    return drawn
