"""Whatever amounts a channel sends, an order is refused with reasons or books to the last unit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_chassis.sealing import KeyRing
from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_contracts.event import AMOUNT_MAX_MINOR
from oms_order.domain.currencies import MINOR_DIGITS
from oms_order.domain.ordered import share
from oms_order.inputs import seal

MONEY = (
    ("lines", 0, "unit_price_minor"), ("lines", 0, "discount_minor"), ("lines", 0, "tax_minor"),
    ("shipping_minor",), ("shipping_tax_minor",), ("totals", "goods_minor"),
    ("totals", "discount_minor"), ("totals", "shipping_minor"), ("totals", "tax_minor"),
    ("totals", "grand_total_minor"),
)  # fmt: skip
NO_AMOUNTS = (
    -1, -(2**63), 2**63, 2**63 - 1, 2**64, 10**30, AMOUNT_MAX_MINOR + 1, 0.1, 10.0, 1e400, "100",
    "1e3", "", None, True, [], {},
)  # fmt: skip
CURRENCIES = ("EUR", "JPY", "KWD", "CLF")
AMOUNTS = st.one_of(
    st.integers(-(2**65), 2**65), st.integers(0, 10_000), st.floats(), st.booleans(),
    st.sampled_from(("", "100", "1e3", "NaN", "٣")), st.none(),
)  # fmt: skip


@pytest.fixture(scope="module")
def key_ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Keys to seal with."""
    return KeyRing.create(tmp_path_factory.mktemp("ring") / "ring.json")


def body(currency: str = "EUR") -> dict[str, Any]:
    """An order of 3 units at 1000, with honest sums."""
    line = {"line_id": "1", "sku": "A", "qty": 3, "unit_price_minor": 1000, "tax_minor": 570}
    return {
        "external_id": "M-1", "placed_at": "2026-03-01T09:00:00Z", "currency": currency,
        "lines": [line], "shipping_minor": 490,
        "totals": {"goods_minor": 3000, "shipping_minor": 490, "tax_minor": 570,
                   "grand_total_minor": 4060},
        "payment": {"method": "token", "reference": "tok_approve"},
        "contact": {"name": "Ada", "email": "ada@customers.example"},
        "ship_to": {"name": "Ada", "line1": "1 Street", "city": "Berlin", "country": "DE"},
    }  # fmt: skip


def put(order: Any, path: tuple[str | int, ...], value: Any) -> None:
    """Change one value in place."""
    *way, last = path
    for step in way:
        order = order[step]
    order[last] = value


def taken(order: dict[str, Any]) -> OrderPlaced | None:
    """The order as it is understood; None where it is refused with reasons."""
    try:
        return wire.decode(OrderPlaced, json.dumps(order).encode())
    except wire.InvalidBody as invalid:
        assert invalid.reasons
        return None


@pytest.mark.parametrize("path", MONEY, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("value", NO_AMOUNTS, ids=repr)
def test_what_is_no_amount_is_refused_wherever_it_stands(
    path: tuple[str | int, ...], value: Any
) -> None:
    order = body()
    put(order, path, value)
    assert taken(order) is None


@pytest.mark.parametrize("currency", CURRENCIES)
def test_currencies_without_and_with_three_digits_are_taken_as_they_are(
    currency: str, key_ring: KeyRing
) -> None:
    order = taken(body(currency))
    assert order is not None
    submission = seal(key_ring, b"1", "web", order)
    assert submission.faults() == () and submission.currency in MINOR_DIGITS


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "€", "", "XXX", "XTS", "DEM"])
def test_what_is_no_currency_is_refused(currency: str, key_ring: KeyRing) -> None:
    order = taken(body(currency))
    faults = [] if order is None else [r.code for r in seal(key_ring, b"1", "web", order).faults()]
    assert order is None or faults == ["unknown_currency"]


def test_an_order_has_one_currency_whatever_its_lines_say() -> None:
    order = body()
    order["lines"][0]["currency"] = order["totals"]["currency"] = "USD"
    assert taken(order) == taken(body())


@given(st.dictionaries(st.sampled_from(MONEY), AMOUNTS, max_size=4), st.sampled_from(CURRENCIES))
def test_an_order_is_refused_or_its_amounts_are_whole_and_bounded(
    changes: dict[tuple[str | int, ...], Any], currency: str
) -> None:
    order = body(currency)
    for path, value in changes.items():
        put(order, path, value)
    placed = taken(order)
    if placed is None:
        return
    due = sum(x.total_minor for x in placed.lines) + placed.shipping_minor
    assert type(due) is int and 0 <= due + placed.shipping_tax_minor <= AMOUNT_MAX_MINOR
    assert all(x.discount_minor <= x.qty * x.unit_price_minor for x in placed.lines)


@given(st.integers(0, AMOUNT_MAX_MINOR), st.integers(1, 1000))
def test_parts_of_an_amount_add_up_to_it(amount_minor: int, units: int) -> None:
    sums = [share(amount_minor, n, units) for n in range(units + 1)]
    assert sums == sorted(sums) and (sums[0], sums[-1]) == (0, amount_minor)
