"""The stories of inventory, told as inputs and what is said about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    DENY,
    NOW,
    SKU,
    accepted,
    alloc,
    confirmed,
    counted,
    damaged,
    heard,
    line,
    ordered,
    received,
    release,
    requested,
    shipped,
)
from memory import Inventory, after, every, only

from oms_contracts.channel import BackorderPolicy
from oms_contracts.inventory import (
    BackorderFilled,
    BackorderPromised,
    ReservationBroken,
    StockRefused,
    StockReleased,
    StockReserved,
)
from oms_contracts.order import OrderCompleted
from oms_contracts.stock import BackorderRaised, StockLevelChanged
from oms_inventory.decisions import deadline, decide
from oms_inventory.domain import MovementKind, Policy, Reservation, Shelf, Sku, Source
from oms_inventory.inputs import roots


def stocked(*shelves: tuple[str, int], sku: str = SKU, policy: Policy | None = None) -> Inventory:
    """An inventory where so many units of a SKU lie at locations."""
    inventory = Inventory(policy)
    for location, qty in shelves:
        inventory.hear(received(qty, sku, location))
    return inventory


def test_units_in_stock_are_set_aside_for_the_order() -> None:
    inventory = stocked(("main", 5))
    said = inventory.hear(accepted("o1", line(3)))
    assert only(said, StockReserved).alloc == (alloc(3),)
    assert inventory.shelf() == Shelf(on_hand=5, reserved=3, moves=2)


def test_first_come_first_served_within_one_batch() -> None:
    inventory = stocked(("main", 5))
    said = inventory.hear(
        accepted("o1", line(4), policy=DENY),
        accepted("o2", line(2), policy=DENY),
        accepted("o3", line(1), policy=DENY),
    )
    assert [type(fact) for fact in said if not isinstance(fact, StockLevelChanged)] == [
        StockReserved,
        StockRefused,
        StockReserved,
    ]
    assert inventory.shelf().available == 0


def test_a_refused_order_consumes_nothing_and_is_told_what_was_short() -> None:
    inventory = stocked(("main", 5))
    said = inventory.hear(
        accepted("o1", line(2), line(3, "B-2", "2"), line(1, "B-2", "3"), policy=DENY)
    )
    short = only(said, StockRefused).short
    assert [(s.sku, s.short_by) for s in short] == [("B-2", 4)]
    assert inventory.shelf().reserved == 0
    assert "B-2" not in inventory.skus


def test_lines_of_one_sku_are_tested_together() -> None:
    inventory = stocked(("main", 3))
    said = inventory.hear(accepted("o1", line(2), line(2, line_id="2"), policy=DENY))
    assert only(said, StockRefused).short[0].short_by == 1


@pytest.mark.parametrize("policy", [BackorderPolicy.WAIT, BackorderPolicy.UNKNOWN])
def test_units_out_of_stock_wait_unless_the_order_denies_it(policy: BackorderPolicy) -> None:
    inventory = stocked(("main", 2))
    said = inventory.hear(accepted("o1", line(5), policy=policy))
    reserved = only(said, StockReserved)
    assert reserved.alloc == (alloc(2),)
    assert [(b.location, b.qty, b.eta) for b in reserved.backordered] == [("main", 3, None)]
    raised = only(said, BackorderRaised)
    assert (raised.location, raised.backordered_total, raised.reorder_qty) == ("main", 3, 3)
    assert raised.oldest_accepted_at == NOW


def test_an_order_held_by_one_location_comes_from_that_location() -> None:
    inventory = stocked(("a", 1), ("b", 9))
    inventory.hear(received(9, "B-2", "b"))
    said = inventory.hear(accepted("o1", line(1), line(1, "B-2", "2")))
    assert {a.location for a in only(said, StockReserved).alloc} == {"b"}


def test_an_order_no_location_holds_is_split_over_the_fewest() -> None:
    inventory = stocked(("a", 1), ("b", 3), ("c", 4))
    said = inventory.hear(accepted("o1", line(6)))
    assert only(said, StockReserved).alloc == (alloc(4, location="c"), alloc(2, location="b"))


def test_an_order_is_not_split_further_than_the_policy_allows() -> None:
    inventory = stocked(("a", 1), ("b", 1), ("c", 1), policy=Policy(split_locations_max=2))
    reserved = only(inventory.hear(accepted("o1", line(3))), StockReserved)
    assert len(reserved.alloc) == 2
    assert reserved.backordered[0].qty == 1


def test_rules_say_which_location_serves_which_country() -> None:
    rules = (Source("us", 1, ("US",)), Source("north", 2), Source("south", 1, ("DE", "IT")))
    inventory = stocked(("north", 9), ("south", 9), ("us", 9), policy=Policy(sources=rules))
    said = [
        only(inventory.hear(accepted(country, line(1), country=country)), StockReserved)
        for country in ("DE", "US", "FR")
    ]
    assert [reserved.alloc[0].location for reserved in said] == ["south", "us", "north"]


def test_units_wait_at_the_first_location_that_serves_the_country() -> None:
    rules = (Source("south", 1, ("DE",)), Source("north", 2))
    inventory = stocked(("north", 1), policy=Policy(sources=rules))
    said = inventory.hear(accepted("o1", line(2), country="DE"))
    assert only(said, BackorderRaised).location == "south"


def test_nobody_waits_for_goods_that_no_rule_would_ship_to_them() -> None:
    inventory = stocked(("us", 9), policy=Policy(sources=(Source("us", 1, ("US",)),)))
    said = inventory.hear(accepted("o1", line(2), country="DE"))
    assert only(said, StockRefused).short[0].short_by == 2


def test_new_demand_joins_the_queue_instead_of_overtaking_it() -> None:
    inventory = stocked(("main", 1))
    inventory.hear(accepted("o1", line(3)))
    said = inventory.hear(received(1), accepted("o2", line(1), minute=9))
    assert only(said, BackorderFilled).alloc == (alloc(1),)
    assert only(said, StockReserved).alloc == ()
    assert inventory.skus[SKU].backordered() == 2


def test_nobody_overtakes_an_order_that_waits_beside_stock_it_was_told_to_avoid() -> None:
    inventory = stocked(("main", 3))
    inventory.hear(requested("o1", line(1), exclude=("main",)))
    said = inventory.hear(accepted("o2", line(1), minute=9))
    assert only(said, StockReserved).alloc == ()
    inventory.hear(counted(3))
    assert inventory.shelf().reserved == 2


def test_new_demand_may_use_stock_that_nobody_in_the_queue_could_use() -> None:
    rules = (Source("eu", 1, ("DE",)), Source("us", 1, ("US",)))
    inventory = stocked(("us", 2), policy=Policy(sources=rules))
    inventory.hear(accepted("o1", line(1), country="DE"))
    said = inventory.hear(accepted("o2", line(1), country="US"))
    assert only(said, StockReserved).alloc == (alloc(1, location="us"),)


def test_new_demand_that_denies_waiting_is_refused_behind_a_queue() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(1)))
    said = inventory.hear(accepted("o2", line(1), policy=DENY))
    assert only(said, StockRefused).short[0].short_by == 1


def test_goods_go_to_those_who_wait_by_priority_and_then_by_acceptance() -> None:
    inventory = Inventory()
    inventory.hear(accepted("late", line(2), minute=5))
    inventory.hear(accepted("early", line(2), minute=1))
    inventory.hear(accepted("vip", line(1), priority=9, minute=8))
    inventory.hear(received(4))
    filled = [(f.key, f.body.alloc) for f in inventory.facts if isinstance(f.body, BackorderFilled)]
    assert filled == [("vip", (alloc(1),)), ("early", (alloc(2),)), ("late", (alloc(1),))]
    assert inventory.skus[SKU].backordered() == 1


def test_a_filled_backorder_answers_the_request_it_belongs_to() -> None:
    inventory = Inventory()
    first = only(inventory.hear(accepted("o1", line(2))), StockReserved)
    second = only(inventory.hear(requested("o1", line(1))), StockReserved)
    filled = every(inventory.hear(received(3)), BackorderFilled)
    assert {f.request_id: f.alloc[0].qty for f in filled} == {
        first.request_id: 2,
        second.request_id: 1,
    }
    assert inventory.reservations["o1"].waiting == ()


def test_an_order_and_the_goods_it_waits_for_may_come_in_one_batch() -> None:
    inventory = Inventory()
    said = inventory.hear(accepted("o1", line(2)), received(5))
    assert only(said, BackorderFilled).alloc == (alloc(2),)
    assert inventory.shelf().available == 3


def test_goods_at_any_location_that_serves_the_country_end_the_waiting() -> None:
    inventory = stocked(("a", 1))
    assert only(inventory.hear(accepted("o1", line(2))), BackorderRaised).location == "a"
    said = inventory.hear(received(1, location="b"))
    assert only(said, BackorderFilled).alloc == (alloc(1, location="b"),)


def test_a_shortage_is_raised_again_after_a_receipt_that_leaves_somebody_waiting() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2), minute=1), accepted("o2", line(2), minute=2))
    raised = only(inventory.hear(received(3)), BackorderRaised)
    assert raised.backordered_total == 1
    assert raised.oldest_accepted_at == NOW + timedelta(minutes=2)


def test_no_shortage_is_raised_once_everybody_is_served() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2)))
    assert every(inventory.hear(received(2)), BackorderRaised) == []


def test_a_queue_longer_than_what_was_loaded_is_served_in_turn_by_wake_ups() -> None:
    inventory = Inventory(waiters_max=2)
    for n in range(5):
        inventory.hear(accepted(f"o{n}", line(1), minute=n))
    first = every(inventory.hear(received(6)), BackorderFilled)
    assert len(first) == 2
    late = inventory.hear(accepted("late", line(1), minute=9))
    assert only(late, StockReserved).alloc == ()
    inventory.pass_time(0.1)
    served = [f.key for f in inventory.facts if isinstance(f.body, BackorderFilled)]
    assert served == ["o0", "o1", "o2", "o3", "o4", "late"]
    assert inventory.skus[SKU].serve_at is None


def test_a_wake_up_finds_peace_when_those_who_waited_have_left() -> None:
    inventory = Inventory(waiters_max=1)
    inventory.hear(accepted("o1", line(1), minute=1), accepted("o2", line(1), minute=2))
    inventory.hear(received(5))
    inventory.hear(release("o2", backordered=(line(1),)))
    inventory.pass_time(0.1)
    assert inventory.skus[SKU].serve_at is None
    assert inventory.shelf().reserved == 1


def test_released_units_go_to_those_who_wait() -> None:
    inventory = stocked(("main", 2))
    inventory.hear(accepted("o1", line(2)), accepted("o2", line(1), minute=1))
    said = inventory.hear(release("o1", alloc(2)))
    assert only(said, StockReleased).alloc == (alloc(2),)
    assert only(said, BackorderFilled).alloc == (alloc(1),)
    assert inventory.shelf() == Shelf(on_hand=2, reserved=1, moves=4)


def test_exactly_the_named_units_are_released_as_far_as_they_are_held() -> None:
    inventory = stocked(("main", 5))
    inventory.hear(accepted("o1", line(3), line(2, line_id="2")))
    said = inventory.hear(release("o1", alloc(9), alloc(1, location="elsewhere")))
    assert only(said, StockReleased).alloc == (alloc(3),)
    assert inventory.reservations["o1"].allocated == ((("2", SKU, "main", 2)),)


def test_a_release_leaves_the_queue_even_where_the_queue_is_not_loaded() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2)), accepted("o2", line(3), minute=1))
    said = inventory.hear(release("o1", backordered=(line(2),)))
    assert only(said, StockReleased).backordered == (line(2),)
    inventory.hear(received(9))
    assert inventory.reservations["o1"].allocated == ()
    assert inventory.shelf().reserved == 3


def test_a_request_heard_twice_is_answered_twice_and_booked_once() -> None:
    inventory = stocked(("main", 5))
    rid = "0195ab00-0000-7000-8000-000000000001"
    first = only(inventory.hear(accepted("o1", line(3), request_id=rid)), StockReserved)
    assert inventory.hear(accepted("o1", line(3), request_id=rid)) == [first]
    assert inventory.shelf().reserved == 3


def test_a_release_heard_twice_is_answered_twice_and_booked_once() -> None:
    inventory = stocked(("main", 5))
    inventory.hear(accepted("o1", line(3)))
    rid = "0195ab00-0000-7000-8000-000000000002"
    first = only(inventory.hear(release("o1", alloc(1), request_id=rid)), StockReleased)
    assert inventory.hear(release("o1", alloc(1), request_id=rid)) == [first]
    assert inventory.shelf().reserved == 2


def test_a_refusal_is_remembered_even_when_goods_have_come_since() -> None:
    inventory = Inventory()
    rid = "0195ab00-0000-7000-8000-000000000003"
    ask = {"policy": DENY, "request_id": rid}
    first = only(inventory.hear(accepted("o1", line(3), **ask)), StockRefused)
    inventory.hear(received(9))
    assert inventory.hear(accepted("o1", line(3), **ask)) == [first]


def test_an_undo_that_overtakes_its_request_wins() -> None:
    inventory = stocked(("main", 5))
    said = inventory.hear(release("o1", alloc(3)), accepted("o1", line(3)))
    assert only(said, StockReleased).alloc == ()
    assert only(said, StockRefused).short[0].short_by == 3
    assert inventory.shelf().reserved == 0


def test_a_shipment_consumes_what_was_reserved() -> None:
    inventory = stocked(("main", 5))
    inventory.hear(accepted("o1", line(3)))
    inventory.hear(shipped("o1", alloc(3)))
    assert inventory.shelf() == Shelf(on_hand=2, reserved=0, moves=3)
    assert inventory.reservations["o1"].allocated == ()


def test_a_shipment_heard_twice_is_consumed_once() -> None:
    inventory = stocked(("main", 5))
    inventory.hear(accepted("o1", line(2)))
    for _ in range(2):
        inventory.hear(shipped("o1", alloc(2), shipment_id="s1"))
    assert inventory.shelf().on_hand == 3


def test_goods_that_left_although_the_books_had_given_them_up_were_found() -> None:
    inventory = stocked(("main", 2))
    inventory.hear(accepted("o1", line(2)))
    inventory.hear(counted(1))
    inventory.hear(shipped("o1", alloc(2)))
    last = inventory.movements[-2:]
    assert [(m.kind, m.on_hand_delta, m.reserved_delta) for m in last] == [
        (MovementKind.FOUND, 1, 0),
        (MovementKind.CONSUME, -2, -1),
    ]
    assert inventory.shelf().on_hand == 0


def test_a_count_below_what_is_reserved_breaks_the_last_turn_first() -> None:
    inventory = stocked(("main", 6))
    inventory.hear(accepted("early", line(2), minute=1))
    inventory.hear(accepted("vip", line(2), priority=5, minute=9))
    inventory.hear(accepted("late", line(2), minute=5))
    inventory.hear(counted(3, cause_id="count-7"))
    broken = [f for f in inventory.facts if isinstance(f.body, ReservationBroken)]
    assert [(f.key, f.body.alloc, f.body.cause) for f in broken] == [
        ("late", (alloc(2),), "count-7"),
        ("early", (alloc(1),), "count-7"),
    ]
    assert inventory.shelf() == Shelf(on_hand=3, reserved=3, moves=7)


def test_a_count_may_break_what_was_reserved_earlier_in_its_own_batch() -> None:
    inventory = Inventory()
    said = inventory.hear(received(5), accepted("o1", line(5)), counted(3))
    assert only(said, ReservationBroken).alloc == (alloc(2),)


def test_a_count_may_break_what_a_receipt_of_its_own_batch_had_filled() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(5)))
    said = inventory.hear(received(5), counted(2))
    assert only(said, BackorderFilled).alloc == (alloc(5),)
    assert only(said, ReservationBroken).alloc == (alloc(3),)


def test_damage_after_a_shipment_breaks_the_last_turn_that_is_left() -> None:
    inventory = stocked(("main", 3))
    for n in range(3):
        inventory.hear(accepted(f"o{n}", line(1), minute=n))
    inventory.hear(shipped("o2", alloc(1)), damaged(1))
    broken = [f.key for f in inventory.facts if isinstance(f.body, ReservationBroken)]
    assert broken == ["o1"]


def test_a_count_that_agrees_with_the_books_breaks_nothing() -> None:
    inventory = stocked(("main", 4))
    inventory.hear(accepted("o1", line(3)))
    assert every(inventory.hear(counted(4)), ReservationBroken) == []
    assert inventory.movements[-1].on_hand_delta == 0


def test_units_that_a_count_finds_go_to_those_who_wait() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2)))
    said = inventory.hear(counted(1))
    assert only(said, BackorderFilled).alloc == (alloc(1),)


def test_damage_never_takes_more_than_there_is_and_breaks_what_it_must() -> None:
    inventory = stocked(("main", 3))
    inventory.hear(accepted("o1", line(2)))
    said = inventory.hear(damaged(9))
    assert only(said, ReservationBroken).alloc == (alloc(2),)
    assert inventory.shelf() == Shelf(on_hand=0, reserved=0, moves=4)


def test_damage_to_free_units_breaks_nothing() -> None:
    inventory = stocked(("main", 3))
    inventory.hear(accepted("o1", line(2)))
    assert every(inventory.hear(damaged(1)), ReservationBroken) == []
    assert inventory.shelf().available == 0


def test_a_broken_order_that_asks_again_stands_in_line_by_its_old_turn() -> None:
    inventory = stocked(("main", 2))
    inventory.hear(accepted("o1", line(2), minute=1))
    inventory.hear(accepted("o2", line(1), minute=2))
    inventory.hear(counted(1))
    inventory.hear(requested("o1", line(1)))
    inventory.hear(received(1))
    filled = [f.key for f in inventory.facts if isinstance(f.body, BackorderFilled)]
    assert filled == ["o1"]


def test_units_a_picker_did_not_find_are_written_off_and_sourced_elsewhere() -> None:
    inventory = stocked(("a", 3), ("b", 3))
    inventory.hear(accepted("o1", line(2)))
    said = inventory.hear(
        requested("o1", line(2), shorts=(alloc(2, location="a"),), exclude=("a",))
    )
    assert only(said, StockReserved).alloc == (alloc(2, location="b"),)
    assert inventory.shelf(location="a") == Shelf(on_hand=1, reserved=0, moves=3)
    assert inventory.reservations["o1"].allocated == ((("1", SKU, "b", 2)),)


def test_a_short_pick_of_units_that_a_count_took_before_is_not_booked_twice() -> None:
    inventory = stocked(("main", 2))
    inventory.hear(accepted("o1", line(2)))
    inventory.hear(counted(1))
    inventory.hear(requested("o1", line(2), shorts=(alloc(2),), exclude=("main",)))
    assert inventory.shelf().on_hand == 0
    assert inventory.skus[SKU].backordered() == 2


@pytest.mark.parametrize("fact", [received, counted, damaged])
def test_the_same_cause_is_booked_once_whoever_repeats_it(fact) -> None:
    inventory = stocked(("main", 9))
    inventory.hear(fact(4, cause_id="c-1"))
    before = inventory.shelf()
    assert inventory.hear(fact(4, cause_id="c-1"), fact(4, cause_id="c-1")) == []
    assert inventory.shelf() == before


def test_a_repeated_cause_is_known_within_its_batch() -> None:
    inventory = Inventory()
    inventory.hear(received(4, cause_id="c-1"), received(4, cause_id="c-1"))
    assert inventory.shelf().on_hand == 4


def test_an_order_that_waits_is_promised_the_date_of_the_purchase_that_covers_it() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2), minute=1), accepted("o2", line(2), minute=2))
    said = inventory.hear(ordered(3, eta_days=7))
    promised = only(said, BackorderPromised)
    assert (promised.lines, promised.po_line) == ((line(2),), "po-1/1")
    assert promised.eta == NOW + timedelta(days=7)


def test_a_promise_is_made_once_and_again_only_when_the_date_changes() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2)))
    inventory.hear(ordered(3, eta_days=7))
    assert every(inventory.hear(confirmed(3, eta_days=7)), BackorderPromised) == []
    again = only(inventory.hear(confirmed(3, eta_days=9)), BackorderPromised)
    assert again.eta == NOW + timedelta(days=9)


def test_who_joins_the_queue_behind_open_purchases_is_told_the_date_at_once() -> None:
    inventory = Inventory()
    inventory.hear(ordered(3, eta_days=7), ordered(2, eta_days=9, po_line="po-2/1"))
    etas = [
        only(inventory.hear(accepted(f"o{n}", line(2), minute=n)), StockReserved).backordered[0].eta
        for n in range(3)
    ]
    assert etas == [NOW + timedelta(days=7), NOW + timedelta(days=9), None]


def test_a_receipt_closes_its_purchase_and_those_left_are_promised_the_next_one() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2), minute=2), ordered(2, eta_days=3))
    inventory.hear(ordered(2, eta_days=8, po_line="po-2/1"))
    inventory.hear(accepted("vip", line(2), minute=5, priority=9))
    inventory.hear(received(2, po_line="po-1/1"))
    promised = [f for f in inventory.facts if isinstance(f.body, BackorderPromised)]
    assert [(f.key, f.body.po_line) for f in promised] == [("o1", "po-1/1"), ("o1", "po-2/1")]
    assert [p.po_line for p in inventory.skus[SKU].purchases] == ["po-2/1"]


def test_a_part_delivery_leaves_the_rest_of_the_purchase_open() -> None:
    inventory = Inventory()
    inventory.hear(ordered(5, eta_days=3), received(2, po_line="po-1/1"))
    assert [p.open_units for p in inventory.skus[SKU].purchases] == [3]


def test_a_confirmation_of_fewer_units_than_came_closes_the_purchase() -> None:
    inventory = Inventory()
    inventory.hear(ordered(5, eta_days=3), received(2, po_line="po-1/1"))
    inventory.hear(confirmed(2, eta_days=4))
    assert inventory.skus[SKU].purchases == ()


def test_a_confirmation_of_a_delivered_purchase_opens_nothing() -> None:
    inventory = Inventory()
    inventory.hear(ordered(2, eta_days=3), received(2, po_line="po-1/1"))
    inventory.hear(confirmed(2, eta_days=4))
    assert inventory.skus[SKU].purchases == ()


def test_a_stock_level_names_every_location_and_who_waits() -> None:
    inventory = stocked(("a", 2), policy=Policy(level_every_seconds=0.0))
    inventory.hear(received(1, location="b"))
    level = every(inventory.hear(accepted("o1", line(5))), StockLevelChanged)[-1]
    assert [(at.location, at.on_hand, at.reserved, at.available) for at in level.levels] == [
        ("a", 2, 2, 0),
        ("b", 1, 1, 0),
    ]
    assert level.backordered == 2


def test_a_stock_level_is_published_at_once_and_then_at_most_every_second() -> None:
    inventory = Inventory()
    assert len(every(inventory.hear(received(9)), StockLevelChanged)) == 1
    assert every(inventory.hear(received(1), received(1)), StockLevelChanged) == []
    due = deadline(inventory.policy, inventory.skus[SKU])
    assert due is not None
    assert due.at == after(1)
    assert every(inventory.pass_time(0.5), StockLevelChanged) == []
    assert only(inventory.pass_time(0.5), StockLevelChanged).levels[0].on_hand == 11
    assert deadline(inventory.policy, inventory.skus[SKU]) is None


def test_a_level_that_did_not_change_is_not_published() -> None:
    inventory = stocked(("main", 2))
    inventory.pass_time(60)
    assert every(inventory.hear(ordered(5, eta_days=1)), StockLevelChanged) == []


def test_stock_beyond_what_a_fact_can_tell_is_told_as_the_most_it_can() -> None:
    inventory = Inventory(Policy(level_every_seconds=0.0))
    inventory.hear(received(1_000_000))
    level = only(inventory.hear(received(1_000_000)), StockLevelChanged)
    assert level.levels[0].on_hand == 1_000_000
    assert inventory.shelf().on_hand == 2_000_000


def test_an_order_is_never_waited_for_by_inventory() -> None:
    assert deadline(Policy(), Reservation()) is None


def test_an_input_nobody_here_hears_is_parked_rather_than_ignored() -> None:
    foreign = heard(OrderCompleted(order_no="n", at=NOW, delivered=True), "o1")
    with pytest.raises(ValueError, match="does not hear OrderCompleted"):
        roots(foreign)
    with pytest.raises(ValueError, match="does not hear OrderCompleted"):
        decide(Policy(), {}, foreign, NOW)


def test_impossible_stock_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="cannot be reserved"):
        Shelf(on_hand=1, reserved=2)
    with pytest.raises(ValueError, match="cannot be reserved"):
        replace(Shelf(on_hand=1), reserved=-1)


def test_a_break_without_owners_is_parked_rather_than_guessed() -> None:
    world = {("sku", SKU): Sku(shelves={"main": Shelf(2, 2, 1)})}
    with pytest.raises(ValueError, match="no owner was loaded"):
        decide(Policy(), world, counted(1), NOW)
