"""Nothing is lost or invented when an amount is split."""

from itertools import pairwise

import pytest
from builders import NOW
from hypothesis import given
from hypothesis import strategies as st

from oms_billing.domain import Amount, Numbers, Series, allocate, share

AMOUNTS = st.integers(0, 10**12)


def test_the_largest_fractions_get_the_units_left_over() -> None:
    assert allocate(100, (1, 1, 1)) == (34, 33, 33)
    assert allocate(10, (50, 30, 21)) == (5, 3, 2)
    assert allocate(0, (0, 0)) == (0, 0)


def test_an_amount_cannot_be_split_over_nothing() -> None:
    with pytest.raises(ValueError, match="all zero"):
        allocate(1, (0, 0))


@given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any))
def test_shares_add_up_and_keep_to_their_quotas(amount: int, weights: list[int]) -> None:
    shares, whole = allocate(amount, weights), sum(weights)
    assert sum(shares) == amount
    for got, weight in zip(shares, weights, strict=True):
        assert amount * weight // whole <= got <= -(-amount * weight // whole)


@given(AMOUNTS, AMOUNTS, st.integers(1, 200))
def test_a_lines_share_never_falls_and_ends_at_the_whole(net: int, tax: int, units: int) -> None:
    line = Amount(net, tax)
    shares = [share(line, n, units) for n in range(units + 1)]
    assert shares[0] == Amount() and shares[-1] == line
    for before, after in pairwise(shares):
        step = after - before
        assert step.net_minor >= 0 and step.tax_minor >= 0


def test_numbers_rise_without_gaps_and_begin_anew_each_year() -> None:
    last = NOW.replace(month=12, day=31)
    first = Numbers(Series.INVOICE, last).next(last)
    second = first.next(last)
    third = second.next(last.replace(year=2027))
    assert [n.number for n in (first, second, third)] == [
        "INV-2026-000001", "INV-2026-000002", "INV-2027-000001",
    ]  # fmt: skip


def test_a_clock_that_steps_back_takes_no_number_twice() -> None:
    new_year = NOW.replace(year=2027, month=1, day=1)
    first = Numbers(Series.INVOICE, new_year).next(new_year)
    second = first.next(NOW)
    assert (second.number, second.issued_at) == ("INV-2027-000002", new_year)
