"""An operator's rules replace ours."""

from pathlib import Path

import pytest
from builders import asked

from oms_chassis.settings import PolicyError, load_policy
from oms_contracts.shipping import ParcelStatus
from oms_shipping.decisions.rates import cheapest
from oms_shipping.domain import Handover, Policy

RULES = """
[shipping]
currency = "CHF"
handover_by_location = { STORE = "manual" }
words = { bikes = { ARRIVED = "delivered" } }

[[shipping.services]]
carrier = "bikes"
service = "town"
levels = ["standard", "express"]
price_minor = 700
price_per_kg_minor = 0
transit_days = 1
parcel_grams_max = 5000
countries = ["DE"]
"""


def test_carriers_words_and_the_hand_over_are_an_operators_to_choose(tmp_path: Path) -> None:
    file = tmp_path / "policies.toml"
    file.write_text(RULES)
    policy = load_policy(file, "shipping", Policy)
    rate = cheapest(policy, asked())
    assert rate is not None and (rate.carrier, rate.price_minor, rate.currency) == (
        "bikes", 700, "CHF",
    )  # fmt: skip
    assert policy.word("bikes", "arrived") is ParcelStatus.DELIVERED
    assert policy.handover_at("STORE") is Handover.MANUAL
    assert policy.handover_at("MAIN") is Handover.AT_ONCE


def test_a_misspelt_rule_is_no_rule(tmp_path: Path) -> None:
    file = tmp_path / "policies.toml"
    file.write_text("[shipping]\ntrack_after_second = 3\n")
    with pytest.raises(PolicyError):
        load_policy(file, "shipping", Policy)
