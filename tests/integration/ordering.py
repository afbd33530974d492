"""Orders as a shop would send them, and patience."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from oms_contracts.channel import (
    Address,
    Contact,
    OrderPlaced,
    Payment,
    PaymentMethod,
    PlacedLine,
    Totals,
)

DEADLINE_SECONDS = 40.0
POLL_SECONDS = 0.05
SHIPPING_MINOR = 490
"""Shipping charge of every order, unless another is given."""
ADDRESS = Address(
    name="Ada Example", line1="1 Sample Street", city="Berlin", postal_code="10115", country="DE"
)
T = TypeVar("T")


def unique(prefix: str) -> str:
    """A name nobody used before."""
    return f"{prefix}-{uuid.uuid4().hex[:10].upper()}"


async def until(what: Callable[[], Awaitable[T]], deadline_seconds: float = DEADLINE_SECONDS) -> T:
    """Poll until `what` gives something true; fails with its last value after the deadline."""
    give_up = time.monotonic() + deadline_seconds
    while not (found := await what()):
        assert time.monotonic() < give_up, f"still {found!r} after {deadline_seconds} s"
        await asyncio.sleep(POLL_SECONDS)
    return found


def line(
    sku: str, qty: int = 1, price_minor: int = 1_000, tax_minor: int | None = None
) -> PlacedLine:
    """An order line; 20 % tax unless another tax is given."""
    tax = qty * price_minor // 5 if tax_minor is None else tax_minor
    return PlacedLine(
        line_id=f"L-{sku[-12:]}", sku=sku, qty=qty, unit_price_minor=price_minor, tax_minor=tax
    )


def placed(*lines: PlacedLine, token: str = "tok_approve", **changes: Any) -> OrderPlaced:
    """An order as a shop would send it, with honest sums."""
    goods = sum(x.qty * x.unit_price_minor for x in lines)
    tax = sum(x.tax_minor for x in lines)
    discount = sum(x.discount_minor for x in lines)
    honest = Totals(
        goods_minor=goods, discount_minor=discount, shipping_minor=SHIPPING_MINOR, tax_minor=tax,
        grand_total_minor=goods - discount + SHIPPING_MINOR + tax,
    )  # fmt: skip
    given: dict[str, Any] = {
        "external_id": unique("ORD"),
        "placed_at": datetime.now(UTC),
        "currency": "EUR",
        "lines": lines,
        "shipping_minor": SHIPPING_MINOR,
        "totals": honest,
        "payment": Payment(method=PaymentMethod.TOKEN, reference=token),
        "contact": Contact(name="Ada Example", email="ada@customers.example"),
        "ship_to": ADDRESS,
    }
    return OrderPlaced(**{**given, **changes})


def total_minor(order: OrderPlaced) -> int:
    """What the customer pays if everything ships."""
    return order.totals.grand_total_minor
