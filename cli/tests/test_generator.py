"""What the generator promises about its orders, held against the services' own rules."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms_cli.generator import (
    CASES,
    FLOOR,
    HUB,
    PICK_SHORT,
    PICK_SLOWLY,
    End,
    Planned,
    charged,
    opening_stock,
    orders,
    predicted,
)
from oms_cli.generator.cases import (
    COST_LIMIT_MINOR,
    DISCOUNT_LIMIT_PERCENT,
    SPECIAL_FLAGS,
)
from oms_cli.generator.malformed import FAULTS
from oms_contracts import wire
from oms_contracts.channel import BackorderPolicy, OrderPlaced
from oms_inventory.decisions.sourcing import source
from oms_inventory.domain import Policy as StockRules
from oms_order.domain import CostLimit
from oms_order.domain import Policy as OrderRules
from oms_order.domain.currencies import MINOR_DIGITS

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
POLICIES = Path(__file__).parents[2] / "deploy/local/policies.toml"
STOCK_RULES = msgspec.convert(tomllib.loads(POLICIES.read_text())["inventory"], StockRules)
ORDER_RULES = msgspec.convert(tomllib.loads(POLICIES.read_text())["order"], OrderRules)
PLAN = list(orders(11, 400, 300, START))


def test_the_same_seed_gives_the_same_bytes():
    assert list(orders(11, 400, 300, START)) == PLAN


def test_another_run_has_other_order_numbers_and_special_skus():
    later = list(orders(11, 50, 300, START.replace(hour=10)))
    assert not {p.external_id for p in PLAN} & {p.external_id for p in later}
    own = {s.sku for p in PLAN for s in p.stock if p.case == "backordered in part"}
    assert own - {s.sku for p in later for s in p.stock}


def test_every_case_occurs_in_four_hundred_orders_and_shares_add_up():
    assert {p.case for p in PLAN} == {case.name for case in CASES}
    assert sum(case.share for case in CASES) == pytest.approx(1.0)
    assert len(PLAN) == sum(predicted(PLAN).values()) == 400


def test_what_is_not_predicted_to_be_rejected_is_what_its_channel_means():
    for planned in PLAN:
        if planned.placed is None:
            assert planned.expected.end is End.REJECTED
            continue
        sent = [wire.decode(OrderPlaced, value) for value in planned.values]
        assert all(order.external_id == planned.external_id for order in sent)
        assert sent[0].currency in MINOR_DIGITS


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_is_found_by_the_contract_or_by_the_order_service(fault: str):
    whole = next(p for p in PLAN if p.placed is not None)
    changed = FAULTS[fault](msgspec.json.decode(whole.values[0]))
    value = changed if isinstance(changed, bytes) else msgspec.json.encode(changed)
    try:
        order = wire.decode(OrderPlaced, value)
    except wire.InvalidBody as invalid:
        assert invalid.reasons
    else:
        unknown_method = order.payment.method == "unknown"
        other_number = order.external_id != whole.external_id
        assert order.currency not in MINOR_DIGITS or unknown_method or other_number


def test_the_rules_that_predictions_rest_on_are_those_that_are_deployed():
    assert ORDER_RULES.special_flags == SPECIAL_FLAGS
    currencies = {p.placed.currency for p in PLAN if p.placed}
    limits = {ORDER_RULES.cost_limits[c] for c in currencies}
    assert limits == {CostLimit(COST_LIMIT_MINOR, DISCOUNT_LIMIT_PERCENT)}
    assert STOCK_RULES.serving("DE", {FLOOR, HUB}) == [HUB, FLOOR]


def test_only_the_orders_that_should_are_held_for_what_stands_in_them():
    for planned in PLAN:
        order = planned.placed
        if order is None:
            continue
        goods = sum(line.qty * line.unit_price_minor for line in order.lines)
        discount = sum(line.discount_minor for line in order.lines)
        lines = sum(line.total_minor for line in order.lines)
        due = lines + order.shipping_minor + order.shipping_tax_minor
        dear = due > COST_LIMIT_MINOR or discount * 100 > DISCOUNT_LIMIT_PERCENT * goods
        assert dear == planned.case.startswith("costs"), planned
        wrong = due != order.totals.grand_total_minor
        assert wrong == planned.case.startswith("totals"), planned
        special = bool(set(order.flags) & set(SPECIAL_FLAGS))
        assert special == (planned.case.startswith("special") or planned.case == "amended")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_whoever_comes_first_the_same_orders_find_their_stock(order_of_arrival: int):
    stock = {sku: {} for sku, _, _ in opening_stock(PLAN)}
    for sku, location, qty in opening_stock(PLAN):
        stock[sku][location] = qty
    arrivals = [p for p in PLAN if p.placed is not None]
    Random(order_of_arrival).shuffle(arrivals)
    for planned in arrivals:
        missing, locations = _reserve(planned, stock)
        short = planned.case.startswith(("backordered", "out of stock", "delivered late"))
        assert bool(missing) == short, planned
        if planned.placed and set(planned.placed.flags) & {PICK_SHORT, PICK_SLOWLY}:
            assert locations == {FLOOR}, planned


def _reserve(planned: Planned, stock: dict[str, dict[str, int]]) -> tuple[int, set[str]]:
    """Take what there is, as inventory would; how much is missing, and from where it comes."""
    order = planned.placed
    wanted: Counter[str] = Counter()
    for line in order.lines:
        wanted[line.sku] += line.qty
    open_units = {sku: stock.get(sku, {}) for sku in wanted}
    plan = source(STOCK_RULES, order.ship_to.country, wanted, open_units)
    missing = sum(wanted.values()) - sum(q for units in plan.values() for q in units.values())
    if missing and order.backorder_policy is BackorderPolicy.DENY:
        return missing, set()
    for sku, units in plan.items():
        for location, qty in units.items():
            stock[sku][location] -= qty
    return missing, {location for units in plan.values() for location in units}


def test_what_customers_pay_is_predicted_from_the_lines():
    assert not charged([p for p in PLAN if p.case in ("free sample", "payment declined")])
    plain = next(p for p in PLAN if p.case == "plain" and p.placed)
    order = plain.placed
    due = sum(line.total_minor for line in order.lines)
    due += order.shipping_minor + order.shipping_tax_minor
    assert charged([plain]) == {order.currency: due}
