"""Amounts in minor units, and how one is split without losing or inventing a unit."""

from __future__ import annotations

from collections.abc import Sequence

from oms_chassis.decision import Value


class Amount(Value, frozen=True):
    """An amount net of tax and the tax on it, in minor units of the payment's currency."""

    net_minor: int = 0
    tax_minor: int = 0

    @property
    def gross_minor(self) -> int:
        """What the customer pays."""
        return self.net_minor + self.tax_minor

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.net_minor + other.net_minor, self.tax_minor + other.tax_minor)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.net_minor - other.net_minor, self.tax_minor - other.tax_minor)


def total(amounts: Sequence[Amount]) -> Amount:
    """The sum of amounts; zero of none."""
    return Amount(sum(a.net_minor for a in amounts), sum(a.tax_minor for a in amounts))


def allocate(amount_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split an amount in proportion to weights, by the largest remainder.

    The method of Hamilton, also named after Hare and Niemeyer: everyone gets the floor of the
    exact quota, and the units left over go one each to the largest fractions, the earlier of
    equals first. The shares add up to the amount, and each is the quota rounded down or up (the
    quota rule), so no share exceeds its weight while the amount does not exceed their sum.
    Raises ValueError if there is nothing to split it over.
    """
    whole = sum(weights)
    if whole == 0:
        if amount_minor:
            raise ValueError(f"{amount_minor} cannot be split over weights that are all zero")
        return (0,) * len(weights)
    shares = [amount_minor * weight // whole for weight in weights]
    by_fraction = sorted(
        range(len(weights)), key=lambda i: (-(amount_minor * weights[i] % whole), i)
    )
    for i in by_fraction[: amount_minor - sum(shares)]:
        shares[i] += 1
    return tuple(shares)


def share(amount: Amount, units: int, of_units: int) -> Amount:
    """The part of `amount` that the first `units` of `of_units` carry, by largest remainder.

    It never falls when `units` rises and is the whole amount at the end. So what a shipment
    carries is the share of all units so far less the share of those before it: rounding never
    adds up, and the last shipment takes exactly the rest.
    """
    if units == 0:
        return Amount()
    if units == of_units:
        return amount
    rest = of_units - units
    return Amount(
        allocate(amount.net_minor, (units, rest))[0],
        allocate(amount.tax_minor, (units, rest))[0],
    )
