"""Which carrier, at what price, and when the parcel will be there."""

from datetime import UTC, datetime

import pytest
from builders import (
    asked,
    parcel,
)

from oms_contracts.channel import ServiceLevel
from oms_shipping.decisions.rates import arrival, cheapest
from oms_shipping.domain import Policy, Rate


def test_the_cheapest_allowed_product_is_chosen() -> None:
    policy = Policy()
    chosen = {
        country: cheapest(policy, asked(country=country)) for country in ("DE", "FR", "US", "")
    }
    assert {c: rate and rate.service for c, rate in chosen.items()} == {
        "DE": "home", "FR": "union", "US": "world", "": "world",
    }  # fmt: skip
    express = cheapest(policy, asked(level=ServiceLevel.EXPRESS))
    heavy = cheapest(policy, asked(parcels=(parcel("P-1"), parcel("P-2", 60_000))))
    assert express is not None and express.service == "union-express"
    assert heavy is not None and heavy.service == "pallet"


def test_prices_count_parcels_and_kilograms_begun() -> None:
    rate = cheapest(Policy(), asked(parcels=(parcel("P-1", 1_001), parcel("P-2", 1_000))))
    assert rate == Rate("parcelpost", "home", 2, 2 * 420 + 3 * 35, "EUR")


@pytest.mark.parametrize(
    ("handed_over", "arrives"),
    [
        (datetime(2026, 11, 24, 10, tzinfo=UTC), datetime(2026, 11, 26, 18, tzinfo=UTC)),
        (datetime(2026, 11, 24, 17, tzinfo=UTC), datetime(2026, 11, 27, 18, tzinfo=UTC)),
        (datetime(2026, 11, 26, 10, tzinfo=UTC), datetime(2026, 11, 30, 18, tzinfo=UTC)),
        (datetime(2026, 11, 28, 10, tzinfo=UTC), datetime(2026, 12, 2, 18, tzinfo=UTC)),
    ],
    ids=["in time", "after the pickup", "over the weekend", "handed over on a Saturday"],
)
def test_the_expected_delivery_counts_working_days(
    handed_over: datetime, arrives: datetime
) -> None:
    assert arrival(Policy(), Rate("parcelpost", "home", 2, 455, "EUR"), handed_over) == arrives
