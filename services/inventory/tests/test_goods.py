"""The warehouse says what is there; the books and the published levels follow."""

from __future__ import annotations

import pytest
from builders import (
    NOW,
    SKU,
    accepted,
    alloc,
    counted,
    damaged,
    heard,
    line,
    ordered,
    received,
    requested,
    shipped,
)
from memory import Inventory, after, every, only, stocked
from msgspec.structs import replace

from oms_contracts.inventory import (
    BackorderFilled,
    ReservationBroken,
)
from oms_contracts.order import OrderCompleted
from oms_contracts.stock import StockLevelChanged
from oms_inventory.decisions import deadline, decide
from oms_inventory.domain import Policy, Reservation, Shelf, Sku
from oms_inventory.inputs import roots


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


def test_damage_after_a_count_in_one_batch_breaks_what_both_of_them_miss() -> None:
    inventory = stocked(("main", 4))
    for n in range(4):
        inventory.hear(accepted(f"o{n}", line(1), minute=n))
    inventory.hear(counted(3), damaged(2))
    broken = [f.key for f in inventory.facts if isinstance(f.body, ReservationBroken)]
    assert broken == ["o3", "o2", "o1"]


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
