"""Orders ask for units, give them back, and take them out of the house."""

from __future__ import annotations

import pytest
from builders import (
    DENY,
    NOW,
    SKU,
    accepted,
    alloc,
    counted,
    line,
    received,
    release,
    requested,
    shipped,
)
from memory import Inventory, only, stocked

from oms_contracts.channel import BackorderPolicy
from oms_contracts.inventory import (
    BackorderFilled,
    StockRefused,
    StockReleased,
    StockReserved,
)
from oms_contracts.stock import BackorderRaised, StockLevelChanged
from oms_inventory.domain import MovementKind, Policy, Shelf, Source


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
