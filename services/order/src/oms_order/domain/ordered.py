"""What was ordered: fixed when the order is submitted, and never changed afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from oms_chassis.decision import Value
from oms_contracts.channel import BackorderPolicy, PaymentMethod, ServiceLevel, ShipPolicy
from oms_contracts.event import Alloc, LineQty, Reason
from oms_order.domain.currencies import MINOR_DIGITS

Units = tuple[tuple[int, int], ...]
"""So many units of the n-th line: (line, units)."""
Placed = tuple[tuple[int, str, int], ...]
"""Units of the n-th line at a location: (line, location, units)."""

CARD_WITHHELD = "(a card number, withheld)"
"""Stands where a channel sent a card number instead of a token: it is kept nowhere."""


def share(amount_minor: int, units: int, of_units: int) -> int:
    """What the first `units` of `of_units` carry of an amount, by the largest remainder.

    The units differ by at most one minor unit, the earlier ones carrying more, so that shares
    of all units add up to the amount.
    """
    each, rest = divmod(amount_minor, of_units)
    return each * units + min(units, rest)


class OrderedLine(Value, frozen=True):
    """A line of the order; its discount and tax are those of all its units together."""

    line_id: str
    sku: str
    qty: int
    unit_price_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    title: str = ""

    @property
    def goods_minor(self) -> int:
        """The price of all units before discount and tax."""
        return self.qty * self.unit_price_minor

    @property
    def net_minor(self) -> int:
        """The price of all units after discount, before tax."""
        return self.goods_minor - self.discount_minor

    def net_of(self, units: int) -> int:
        """What so many units cost before tax."""
        return share(self.net_minor, units, self.qty)

    def tax_of(self, units: int) -> int:
        """The tax on so many units."""
        return share(self.tax_minor, units, self.qty)


class Totals(Value, frozen=True):
    """The sums of an order, as a channel states them or as its lines give them."""

    goods_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    grand_total_minor: int


class Submission(Value, frozen=True):
    """An order as a channel placed it, with everything personal sealed."""

    channel: str
    external_id: str
    digest: str
    """Fingerprint of what was sent: equal for a repetition, different for an amendment."""
    placed_at: datetime
    currency: str
    lines: tuple[OrderedLine, ...]
    totals: Totals
    payment_method: PaymentMethod
    ship_country: str
    contact: str
    ship_to: str
    bill_to: str = ""
    note: str = ""
    payment_reference: str = ""
    terms_days: int = 30
    shipping_minor: int = 0
    shipping_tax_minor: int = 0
    ship_policy: ShipPolicy = ShipPolicy.SPLIT
    backorder_policy: BackorderPolicy = BackorderPolicy.WAIT
    service_level: ServiceLevel = ServiceLevel.STANDARD
    priority: int = 0
    flags: tuple[str, ...] = ()
    idempotency_key: str = ""
    """What a caller over HTTP repeats when it does not know whether it was heard."""

    def __repr__(self) -> str:
        """No more than which order it is: the rest is personal, or a means of payment."""
        return f"Submission({self.channel}/{self.external_id})"

    def sums(self) -> Totals:
        """The totals that the lines add up to."""
        goods = sum(line.goods_minor for line in self.lines)
        discount = sum(line.discount_minor for line in self.lines)
        tax = sum(line.tax_minor for line in self.lines) + self.shipping_tax_minor
        total = goods - discount + self.shipping_minor + tax
        return Totals(goods, discount, self.shipping_minor, tax, total)

    def faults(self) -> tuple[Reason, ...]:
        """Everything for which the order cannot be taken, at once; none if it can."""
        return tuple(_faults(self))


def _faults(order: Submission) -> Iterable[Reason]:
    if not order.lines:
        yield Reason(field="lines", code="empty", text="An order has at least one line.")
    if len({line.line_id for line in order.lines}) < len(order.lines):
        text = "Two lines have the same line_id."
        yield Reason(field="lines", code="line_id_repeated", text=text)
    for n, line in enumerate(order.lines):
        if line.qty < 1 or line.net_minor < 0:
            text = "A line has at least one unit and a discount of at most its price."
            yield Reason(field=f"lines.{n}", code="impossible_amount", text=text)
    if order.currency not in MINOR_DIGITS:
        text = "This is no currency of ISO 4217."
        yield Reason(field="currency", code="unknown_currency", text=text)
    if order.payment_method is PaymentMethod.UNKNOWN:
        text = "Orders are paid by token, prepaid or on terms."
        yield Reason(field="payment.method", code="unknown_method", text=text)
    if order.payment_reference == CARD_WITHHELD:
        text = "Send the payment provider's token, never a card number."
        yield Reason(field="payment.reference", code="card_number", text=text)
    if order.payment_method is PaymentMethod.PREPAID and not order.payment_reference:
        text = "A prepaid order names its prepayment."
        yield Reason(field="payment.reference", code="missing", text=text)


class Head(Value, frozen=True):
    """The unchanging part of an order."""

    order_id: str
    order_no: str
    accepted_at: datetime
    placed: Submission
    cost_figures: tuple[tuple[str, str], ...] = ()
    """What the verdict on the costs is reached on."""

    @property
    def ship_policy(self) -> ShipPolicy:
        """As ordered; a policy we do not know is read as the stricter one."""
        known = self.placed.ship_policy is not ShipPolicy.UNKNOWN
        return self.placed.ship_policy if known else ShipPolicy.COMPLETE

    @property
    def backorder_policy(self) -> BackorderPolicy:
        """As ordered; under a policy we do not know the order waits, and a person looks at it."""
        known = self.placed.backorder_policy is not BackorderPolicy.UNKNOWN
        return self.placed.backorder_policy if known else BackorderPolicy.WAIT

    @property
    def service_level(self) -> ServiceLevel:
        """As ordered; a level we do not know is served as the standard one."""
        known = self.placed.service_level is not ServiceLevel.UNKNOWN
        return self.placed.service_level if known else ServiceLevel.STANDARD

    def places(self) -> dict[str, int]:
        """Line id → place of the line in the order."""
        return {line.line_id: n for n, line in enumerate(self.placed.lines)}

    def units_of(self, told: Iterable[LineQty]) -> Units:
        """What others say by line id, by place. Raises KeyError for a line that is not ours."""
        places = self.places()
        return tuple((places[x.line_id], x.qty) for x in told)

    def placed_of(self, told: Iterable[Alloc]) -> Placed:
        """The same for allocations."""
        places = self.places()
        return tuple((places[x.line_id], x.location, x.qty) for x in told)

    def quantities(self, units: Iterable[tuple[int, int]]) -> tuple[LineQty, ...]:
        """Units by place, as others read them."""
        lines = self.placed.lines
        return tuple(
            LineQty(line_id=lines[n].line_id, sku=lines[n].sku, qty=qty) for n, qty in units
        )

    def allocations(self, placed: Iterable[tuple[int, str, int]]) -> tuple[Alloc, ...]:
        """The same for allocations."""
        lines = self.placed.lines
        return tuple(
            Alloc(line_id=lines[n].line_id, sku=lines[n].sku, location=location, qty=qty)
            for n, location, qty in placed
        )

    def total_minor(self, units: Sequence[int]) -> int:
        """What so many units of each line cost, with tax and shipping."""
        lines = zip(self.placed.lines, units, strict=True)
        goods = sum(line.net_of(qty) + line.tax_of(qty) for line, qty in lines)
        return goods + self.placed.shipping_minor + self.placed.shipping_tax_minor
