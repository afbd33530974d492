"""From rows to what a channel, a warehouse and a customer would have said, in the file's order."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice

from pydantic import ValidationError

from oms_cli.replay.fates import Fate, Remark
from oms_cli.replay.places import CODES, HOME
from oms_cli.replay.rows import Row
from oms_contracts.channel import (
    Address,
    CancellationRequested,
    CancelledLine,
    Contact,
    OrderPlaced,
    Payment,
    PaymentMethod,
    PlacedLine,
    Totals,
)
from oms_contracts.event import AMOUNT_MAX_MINOR, ORDER_LINES_MAX, QTY_MAX_UNITS

CURRENCY = "GBP"
NEEDS_LOOK = "CHECK"
"""An order so flagged is held for a person (the order service's policy `special_flags`)."""
SHIPPING_CODES = frozenset({"POST", "DOT", "C2"})
CHARGE_CODES = frozenset({"M", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"})
VOUCHER_PREFIX = "GIFT_"
_SKU = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,63}")

Sold = tuple[str, str, Decimal]
"""Customer, SKU and price: how a cancellation names what it cancels."""


@dataclass(frozen=True, slots=True)
class Place:
    """An order to be placed."""

    channel: str
    order: OrderPlaced


@dataclass(frozen=True, slots=True)
class Cancel:
    """Units of an order that its customer no longer wants."""

    channel: str
    wish: CancellationRequested


@dataclass(frozen=True, slots=True)
class Adjust:
    """Units found (above zero) or gone."""

    sku: str
    qty: int
    cause_id: str
    reason: str


Step = Place | Cancel | Adjust


@dataclass(slots=True)
class _Line:
    """Units of an order line that may still be cancelled."""

    channel: str
    external_id: str
    line_id: str
    qty: int


@dataclass
class Plan:
    """Steps in the file's order, and what became of every row."""

    rows: int = 0
    """Rows read."""
    steps: list[Step] = field(default_factory=list)
    fates: dict[int, Fate] = field(default_factory=dict)
    """By the row's number."""
    remarks: Counter[Remark] = field(default_factory=Counter)
    order_of: dict[int, str] = field(default_factory=dict)
    """Row number → external id of the order it went into."""

    def stock(self) -> Counter[str]:
        """Units per SKU without which the orders would be short."""
        units: Counter[str] = Counter()
        for step in self.steps:
            if isinstance(step, Place):
                units.update({line.sku: 0 for line in step.order.lines})
                for line in step.order.lines:
                    units[line.sku] += line.qty
            elif isinstance(step, Adjust) and step.qty < 0:
                units[step.sku] -= step.qty
        return units

    def orders(self) -> list[Place]:
        """The orders to be placed."""
        return [step for step in self.steps if isinstance(step, Place)]


def make_plan(rows: Iterable[Row], invoices_max: int | None = None) -> Plan:
    """What to say, for the first `invoices_max` invoices or all of them.

    An invoice's rows belong together wherever in the file they stand.
    """
    invoices: dict[str, list[Row]] = {}
    for row in rows:
        invoices.setdefault(row.invoice, []).append(row)
    planner = _Planner()
    for invoice in islice(invoices.values(), invoices_max):
        planner.take(invoice)
    return planner.plan


class _Planner:
    def __init__(self) -> None:
        self.plan = Plan()
        self._sold: dict[Sold, list[_Line]] = defaultdict(list)

    def take(self, rows: Sequence[Row]) -> None:
        """One invoice: an order, a cancellation, an adjustment, or a matter of accounting."""
        self.plan.rows += len(rows)
        readable = [row for row in rows if not self._settle_unreadable(row)]
        if not readable:
            return
        first = readable[0]
        if first.invoice.upper().startswith("C"):
            self._cancel(readable)
        elif first.invoice.upper().startswith("A"):
            self._settle(readable, Fate.BAD_DEBT)
        elif not first.customer and all(row.price == 0 for row in readable):
            self._adjust(readable)
        else:
            self._order(readable)

    def _settle_unreadable(self, row: Row) -> bool:
        if row.fault or not _fits(row):
            self._settle([row], Fate.UNREADABLE)
            return True
        return False

    def _settle(self, rows: Iterable[Row], fate: Fate) -> None:
        for row in rows:
            self.plan.fates[row.number] = fate

    def _adjust(self, rows: Sequence[Row]) -> None:
        for n, row in enumerate(rows):
            if not _is_goods(row) or row.qty == 0:
                self._settle([row], Fate.CHARGE)
                continue
            self._settle([row], Fate.FOUND if row.qty > 0 else Fate.GONE)
            cause_id = f"replay-{row.invoice}-{n}"
            reason = row.description or "adjustment"
            self.plan.steps.append(Adjust(_code(row), row.qty, cause_id, reason))

    def _order(self, rows: Sequence[Row]) -> None:
        goods = [row for row in rows if _is_goods(row) and row.qty > 0]
        shipping_minor = 0
        for row in rows:
            if _is_goods(row) and row.qty > 0:
                continue
            if goods and _code(row) in SHIPPING_CODES and row.qty > 0:
                self._settle([row], Fate.SHIPPING)
                shipping_minor += row.qty * _minor(row)
                self.plan.order_of[row.number] = _external_id(goods[0].invoice, 0, len(goods))
            elif _code(row).startswith(VOUCHER_PREFIX):
                self._settle([row], Fate.VOUCHER)
            else:
                self._settle([row], Fate.CHARGE)
        for part in range(0, len(goods), ORDER_LINES_MAX):
            lines = goods[part : part + ORDER_LINES_MAX]
            self._place(lines, part // ORDER_LINES_MAX, len(goods), 0 if part else shipping_minor)

    def _place(self, rows: Sequence[Row], part: int, lines: int, shipping_minor: int) -> None:
        first = rows[0]
        channel = "wholesale" if first.customer else "web"
        try:
            order = _order_of(rows, _external_id(first.invoice, part, lines), shipping_minor)
        except ValidationError:  # names or numbers that no channel may use
            self._settle(rows, Fate.UNREADABLE)
            return
        self.plan.steps.append(Place(channel, order))
        seen: set[str] = set()
        for row, line in zip(rows, order.lines, strict=True):
            self._settle([row], Fate.ORDER_LINE if row.price else Fate.FREE_LINE)
            self.plan.order_of[row.number] = order.external_id
            sold = _Line(channel, order.external_id, line.line_id, line.qty)
            self._sold[row.customer, line.sku, row.price].append(sold)
            self._remark(row, repeated=line.sku in seen, split=lines > len(rows) or part > 0)
            seen.add(line.sku)

    def _remark(self, row: Row, *, repeated: bool, split: bool) -> None:
        found = {
            Remark.GUEST: not row.customer,
            Remark.REPEATED: repeated,
            Remark.RENAMED: row.code != _code(row),
            Remark.ROUNDED: row.price * 100 != _minor(row),
            Remark.SPLIT: split,
            Remark.NOWHERE: row.country not in CODES,
        }
        self.plan.remarks.update(remark for remark, true in found.items() if true)

    def _cancel(self, rows: Sequence[Row]) -> None:
        wishes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for row in rows:
            self._settle([row], self._wish(row, wishes))
        for (channel, external_id), lines in wishes.items():
            wish = CancellationRequested(
                external_id=external_id,
                lines=tuple(CancelledLine(line_id=id_, qty=qty) for id_, qty in lines.items()),
                reason=f"credit note {rows[0].invoice}",
            )
            self.plan.steps.append(Cancel(channel, wish))

    def _wish(self, row: Row, wishes: dict[tuple[str, str], Counter[str]]) -> Fate:
        """Add what a row cancels to the wishes; guests cannot be told apart."""
        if _code(row).startswith(VOUCHER_PREFIX):
            return Fate.VOUCHER
        if not _is_goods(row) or row.qty >= 0:
            return Fate.CHARGE
        if not row.customer:
            return Fate.CANCELLATION_OF_GUEST
        matched = self._match(row, wishes)
        if matched == -row.qty:
            return Fate.CANCELLATION
        return Fate.CANCELLATION_IN_PART if matched else Fate.CANCELLATION_UNKNOWN

    def _match(self, row: Row, wishes: dict[tuple[str, str], Counter[str]]) -> int:
        """Take units from the customer's latest orders; how many there were."""
        wanted = -row.qty
        for line in reversed(self._sold[row.customer, _code(row), row.price]):
            qty = min(wanted, line.qty)
            if qty:
                line.qty -= qty
                wanted -= qty
                wishes[line.channel, line.external_id][line.line_id] += qty
        return -row.qty - wanted


def _code(row: Row) -> str:
    """Codes differ by case where they mean the same."""
    return row.code.upper()


def _is_goods(row: Row) -> bool:
    code = _code(row)
    if code in SHIPPING_CODES or code in CHARGE_CODES or code.startswith(VOUCHER_PREFIX):
        return False
    return _SKU.fullmatch(code) is not None


def _minor(row: Row) -> int:
    return int((row.price * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _fits(row: Row) -> bool:
    """Whether the numbers are such as an order can have; a bad debt's price may be negative."""
    of_debt = row.invoice.upper().startswith("A")
    amount_minor = abs(row.qty * row.price * 100)
    positive = of_debt or row.price >= 0
    return positive and abs(row.qty) <= QTY_MAX_UNITS and amount_minor <= AMOUNT_MAX_MINOR


def _external_id(invoice: str, part: int, lines: int) -> str:
    """The order's number: the invoice's, with a part where one order cannot hold its lines."""
    return f"{invoice}-{part + 1}" if lines > ORDER_LINES_MAX else invoice


def _order_of(rows: Sequence[Row], external_id: str, shipping_minor: int) -> OrderPlaced:
    first = rows[0]
    lines = tuple(
        PlacedLine(
            line_id=str(n), sku=_code(row), qty=row.qty, unit_price_minor=_minor(row),
            title="".join(c if c.isprintable() else " " for c in row.description)[:200],
        )
        for n, row in enumerate(rows, 1)
    )  # fmt: skip
    goods_minor = sum(line.total_minor for line in lines)
    who = f"customer {first.customer}" if first.customer else f"guest of {first.invoice}"
    email = f"{who.replace(' ', '-')}@replay.example"
    return OrderPlaced(
        external_id=external_id,
        placed_at=min(row.at for row in rows),
        currency=CURRENCY,
        lines=lines,
        shipping_minor=shipping_minor,
        totals=Totals(
            goods_minor=goods_minor,
            shipping_minor=shipping_minor,
            grand_total_minor=goods_minor + shipping_minor,
        ),
        payment=_payment(first),
        contact=Contact(name=who.capitalize(), email=email, customer_ref=first.customer),
        ship_to=Address(
            name=who.capitalize(), line1="1 Replay Street", city=first.country or "Unspecified",
            country=CODES.get(first.country, HOME),
        ),
        flags=() if first.country in CODES else (NEEDS_LOOK,),
    )  # fmt: skip


def _payment(row: Row) -> Payment:
    """Known customers have an account; guests paid in the shop."""
    if row.customer:
        return Payment(method=PaymentMethod.TERMS, reference=row.customer)
    return Payment(method=PaymentMethod.PREPAID, reference=f"SHOP-{row.invoice}")
