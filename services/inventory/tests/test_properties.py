"""What holds for every history of orders and goods, however it is cut into batches."""

from __future__ import annotations

from collections import Counter

from builders import (
    DENY,
    WAIT,
    accepted,
    alloc,
    confirmed,
    counted,
    damaged,
    fresh_id,
    line,
    ordered,
    received,
    release,
    requested,
    shipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from memory import Inventory

from oms_chassis.decision import Input
from oms_contracts.inventory import (
    BackorderFilled,
    ReservationBroken,
    StockReleased,
    StockReserved,
)
from oms_contracts.order import ReservationRequested
from oms_contracts.stock import StockLevelChanged
from oms_inventory.decisions.sourcing import source
from oms_inventory.domain import MovementKind, Policy, Reservation, Source

SKUS = ("A-1", "B-2")
LOCATIONS = ("east", "west")
COUNTRIES = ("DE", "US")
ORDERS = tuple(f"o{n}" for n in range(6))
PO_LINES = ("po-1/1", "po-2/1")
EVERYWHERE = Policy()
BY_COUNTRY = Policy(sources=(Source("east", 2, ("DE",)), Source("west", 1)))

units = st.integers(1, 4)
skus = st.sampled_from((*SKUS, SKUS[0], SKUS[0]))
locations = st.sampled_from(LOCATIONS)
orders = st.sampled_from(ORDERS)
countries = st.sampled_from(COUNTRIES)
policies = st.sampled_from((WAIT, WAIT, DENY))
line_ids = st.sampled_from(("1", "2"))
allocs = st.builds(alloc, units, skus, locations, line_ids)
lines = st.lists(
    st.builds(line, units, skus, line_ids), min_size=1, max_size=3, unique_by=lambda x: x.line_id
)
happenings = st.sampled_from(
    (
        *("accept",) * 6,
        *("ask_again", "give_back", "ship") * 2,
        *("receive",) * 4,
        *("count",) * 2,
        *("damage", "buy", "buy", "repeat", "give_back_anything", "ship_anything"),
    )
)


class Histories(RuleBasedStateMachine):
    """Orders and goods in any order, heard in batches of any size, wake-ups whenever they like."""

    @initialize(
        policy=st.sampled_from((EVERYWHERE, BY_COUNTRY)), waiters_max=st.sampled_from((1, 2, 500))
    )
    def begin(self, policy, waiters_max) -> None:
        self.inventory = Inventory(policy, waiters_max)
        self.heard: list[Input] = []
        self.waiting = {}
        self.facts_seen = 0

    @rule(data=st.data(), size=st.integers(1, 5))
    def hear_a_batch(self, data, size) -> None:
        batch = [getattr(self, data.draw(happenings))(data.draw) for _ in range(size)]
        self.inventory.hear(*batch)
        self.heard += batch
        self.check()

    @rule(seconds=st.sampled_from((0.0, 0.4, 3.0)))
    def pass_time(self, seconds) -> None:
        self.inventory.pass_time(seconds)
        self.check()

    def accept(self, draw):
        return accepted(
            draw(orders), *draw(lines), policy=draw(policies), country=draw(countries),
            priority=draw(st.integers(0, 1)), minute=draw(st.integers(0, 9)),
        )  # fmt: skip

    def ask_again(self, draw):
        order = draw(orders)
        exclude = draw(st.sampled_from(((), (), ("east",))))
        return requested(
            order, *draw(lines), shorts=tuple(self.some_held(order, draw)), exclude=exclude,
            policy=draw(policies), country=draw(countries),
        )  # fmt: skip

    def give_back(self, draw):
        order = draw(orders)
        waiting = tuple(line(b.qty, b.sku, b.line_id) for b in self.reservation(order).waiting)
        return release(order, *self.some_held(order, draw), backordered=waiting)

    def give_back_anything(self, draw):
        return release(draw(orders), draw(allocs))

    def ship(self, draw):
        order = draw(orders)
        return shipped(order, *self.some_held(order, draw))

    def ship_anything(self, draw):
        return shipped(draw(orders), draw(allocs))

    def receive(self, draw):
        po_line = draw(st.sampled_from(("", *PO_LINES)))
        return received(draw(st.integers(1, 9)), draw(skus), draw(locations), po_line)

    def count(self, draw):
        return counted(draw(st.integers(0, 9)), draw(skus), draw(locations))

    def damage(self, draw):
        return damaged(draw(units), draw(skus), draw(locations))

    def buy(self, draw):
        said, days = draw(st.sampled_from((ordered, confirmed))), draw(st.integers(1, 3))
        return said(draw(units), days, draw(st.sampled_from(PO_LINES)), draw(skus), draw(locations))

    def repeat(self, draw):
        if not self.heard:
            return self.accept(draw)
        again = draw(st.sampled_from(self.heard))
        return Input(fresh_id(), again.key, again.body, again.at)

    def reservation(self, order) -> Reservation:
        return self.inventory.reservations.get(order, Reservation())

    def some_held(self, order, draw):
        return [
            alloc(draw(st.integers(1, a.qty)), a.sku, a.location, a.line_id)
            for a in self.reservation(order).allocated
            if draw(st.booleans())
        ]

    def check(self) -> None:
        self.the_books_are_the_sum_of_their_movements()
        self.what_is_reserved_is_what_orders_hold()
        self.the_queue_is_what_orders_wait_for()
        self.every_order_was_told_what_it_holds()
        self.nobody_waits_beside_goods_without_being_woken_for()
        self.nobody_was_overtaken()

    def the_books_are_the_sum_of_their_movements(self) -> None:
        balances: Counter[tuple[str, str, str]] = Counter()
        numbers: Counter[tuple[str, str]] = Counter()
        causes = [(m.sku, m.location, m.cause) for m in self.inventory.movements]
        assert len(causes) == len(set(causes))
        for m in self.inventory.movements:
            place = (m.sku, m.location)
            numbers[place] += 1
            balances[*place, "on_hand"] += m.on_hand_delta
            balances[*place, "reserved"] += m.reserved_delta
            assert m.number == numbers[place]
            assert m.on_hand_after == balances[*place, "on_hand"]
            assert m.reserved_after == balances[*place, "reserved"]
            assert 0 <= m.reserved_after <= m.on_hand_after
        for key, sku in self.inventory.skus.items():
            for location, shelf in sku.shelves.items():
                assert shelf.on_hand == balances[key, location, "on_hand"]
                assert shelf.reserved == balances[key, location, "reserved"]

    def what_is_reserved_is_what_orders_hold(self) -> None:
        held: Counter[tuple[str, str]] = Counter()
        for reservation in self.inventory.reservations.values():
            for a in reservation.allocated:
                held[a.sku, a.location] += a.qty
        for key, sku in self.inventory.skus.items():
            for location, shelf in sku.shelves.items():
                assert shelf.reserved == held.pop((key, location), 0)
        assert not held

    def the_queue_is_what_orders_wait_for(self) -> None:
        waiting: Counter[tuple[str, str, str]] = Counter()
        for reservation in self.inventory.reservations.values():
            for b in reservation.waiting:
                waiting[b.sku, b.location, b.country] += b.qty
        for key, sku in self.inventory.skus.items():
            for w in sku.waiting:
                assert w.units == waiting.pop((key, w.location, w.country))
        assert not waiting

    def every_order_was_told_what_it_holds(self) -> None:
        """No unit is both allocated and backordered: each is in one place in what was said."""
        held: Counter[tuple[str, str]] = Counter()
        waiting: Counter[tuple[str, str]] = Counter()
        answered: set[str] = set()
        for fact in self.inventory.facts:
            match fact.body:
                case StockReserved(request_id=rid) as said if rid not in answered:
                    answered.add(rid)
                    held.update(sums(fact.key, said.alloc))
                    waiting.update(sums(fact.key, said.backordered))
                case BackorderFilled() as said:
                    held.update(sums(fact.key, said.alloc))
                    waiting.subtract(sums(fact.key, said.alloc))
                case ReservationBroken() as said:
                    held.subtract(sums(fact.key, said.alloc))
                case StockReleased(request_id=rid) as said if rid not in answered:
                    answered.add(rid)
                    held.subtract(sums(fact.key, said.alloc))
                    waiting.subtract(sums(fact.key, said.backordered))
        for m in self.inventory.movements:
            if m.kind in (MovementKind.CONSUME, MovementKind.SHORT_PICK):
                held[m.order_id, m.sku] += m.reserved_delta
        for order, reservation in self.inventory.reservations.items():
            for sku in SKUS:
                mine = sum(a.qty for a in reservation.allocated if a.sku == sku)
                assert held[order, sku] == mine
                assert waiting[order, sku] == sum(b.qty for b in reservation.waits_for(sku))

    def nobody_waits_beside_goods_without_being_woken_for(self) -> None:
        if any(
            isinstance(item.body, ReservationRequested) and item.body.exclude for item in self.heard
        ):
            return
        for sku in self.inventory.skus.values():
            if sku.serve_at is None:
                assert not any(
                    shelf.available and self.inventory.policy.serves(location, w.country)
                    for location, shelf in sku.shelves.items()
                    for w in sku.waiting
                )

    def nobody_was_overtaken(self) -> None:
        """Goods went past nobody who waited before, waits still, and might have had them."""
        waited, self.waiting = self.waiting, {
            (b.sku, order, b.request_id): (reservation.turn(order), b.country)
            for order, reservation in self.inventory.reservations.items()
            for b in reservation.waiting
        }  # fmt: skip
        new, self.facts_seen = self.inventory.facts[self.facts_seen :], len(self.inventory.facts)
        for fact in new:
            if isinstance(fact.body, BackorderFilled):
                turn = self.inventory.reservations[fact.key].turn(fact.key)
                for a in fact.body.alloc:
                    assert not any(
                        place in self.waiting
                        and place[0] == a.sku
                        and earlier < turn
                        and self.inventory.policy.serves(a.location, country)
                        for place, (earlier, country) in waited.items()
                    )


def sums(order, parts):
    units_by_sku: Counter[tuple[str, str]] = Counter()
    for part in parts:
        units_by_sku[order, part.sku] += part.qty
    return units_by_sku


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)

streams = st.lists(
    st.one_of(
        st.builds(accepted, orders, lines.map(lambda x: x[0]), policy=policies),
        st.builds(requested, orders, lines.map(lambda x: x[0])),
        st.builds(release, orders, allocs),
        st.builds(shipped, orders, allocs),
        st.builds(received, units, skus, locations),
        st.builds(counted, st.integers(0, 6), skus, locations),
        st.builds(damaged, units, skus, locations),
    ),
    max_size=12,
)


@given(streams)
@settings(max_examples=200, deadline=None)
def test_a_batch_decides_what_its_inputs_would_have_decided_one_by_one(inputs) -> None:
    at_once, one_by_one = Inventory(), Inventory()
    at_once.hear(*inputs)
    for item in inputs:
        one_by_one.hear(item)
    assert at_once.reservations == one_by_one.reservations
    assert at_once.movements == one_by_one.movements
    assert besides_levels(at_once) == besides_levels(one_by_one)


def besides_levels(inventory):
    return [f.body for f in inventory.facts if not isinstance(f.body, StockLevelChanged)]


stocks = st.fixed_dictionaries(
    {sku: st.dictionaries(locations, st.integers(1, 6)) for sku in SKUS}
)  # fmt: skip


@given(stocks, st.dictionaries(skus, units, min_size=1), st.integers(1, 2))
def test_a_plan_takes_no_more_than_there_is_and_splits_only_where_it_must(
    stock, wanted, locations_max
) -> None:
    plan = source(Policy(split_locations_max=locations_max), "DE", wanted, stock)
    used = {location for places in plan.values() for location in places}
    for sku, places in plan.items():
        assert all(qty <= stock[sku][location] for location, qty in places.items())
        assert sum(places.values()) <= wanted[sku]
    whole = [
        location
        for location in LOCATIONS
        if all(stock[sku].get(location, 0) >= qty for sku, qty in wanted.items())
    ]
    assert len(used) <= locations_max
    if whole:
        assert used == {whole[0]}
    elif locations_max == len(LOCATIONS):
        for sku, qty in wanted.items():
            assert sum(plan[sku].values()) == min(qty, sum(stock[sku].values()))
