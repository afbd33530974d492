"""Orders wait for goods, in turn, and are told when to expect them."""

from __future__ import annotations

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
    line,
    ordered,
    received,
    release,
    requested,
)
from memory import Inventory, every, only, stocked

from oms_contracts.inventory import (
    BackorderFilled,
    BackorderPromised,
    StockRefused,
    StockReserved,
)
from oms_contracts.stock import BackorderRaised, StockLevelChanged
from oms_inventory.decisions import deadline, decide
from oms_inventory.domain import Head, Policy, Sku, Source, Turn, Waiting


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
    raised = only(inventory.hear(received(3, cause_id="R-7")), BackorderRaised)
    assert (raised.backordered_total, raised.last_receipt) == (1, "R-7")
    assert raised.oldest_accepted_at == NOW + timedelta(minutes=2)


def test_a_shortage_tells_since_when_somebody_waits_whatever_their_turn() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(1), minute=5))
    older = inventory.hear(accepted("o2", line(1), minute=3))
    newer = inventory.hear(accepted("o3", line(1), minute=9, country="US"))
    oldest = [only(said, BackorderRaised).oldest_accepted_at for said in (older, newer)]
    assert oldest == [NOW + timedelta(minutes=3)] * 2


@pytest.mark.parametrize("waiters_max", [1, 2, 500])
def test_goods_that_pass_the_oldest_order_by_leave_it_the_oldest(waiters_max: int) -> None:
    inventory = Inventory(waiters_max=waiters_max)
    inventory.hear(ordered(9, eta_days=7))
    inventory.hear(accepted("plain", line(1), minute=2), accepted("later", line(1), minute=4))
    inventory.hear(accepted("vip", line(1), priority=9, minute=1))
    raised = only(inventory.hear(received(1)), BackorderRaised)
    assert raised.oldest_accepted_at == NOW + timedelta(minutes=2)


def test_no_shortage_is_raised_once_everybody_is_served() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(2)))
    assert every(inventory.hear(received(2)), BackorderRaised) == []


def test_a_queue_longer_than_what_was_loaded_is_served_in_turn_by_wake_ups() -> None:
    inventory = Inventory(waiters_max=2)
    for n in range(5):
        inventory.hear(accepted(f"o{n}", line(1), minute=n))
    said = inventory.hear(received(6))
    assert len(every(said, BackorderFilled)) == 2
    assert every(said, BackorderRaised) == []
    woken = deadline(inventory.policy, inventory.skus[SKU])
    assert woken is not None
    assert woken.at > inventory.now
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


def test_a_wake_up_for_the_level_leaves_the_queue_alone() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(1)), accepted("o2", line(1)))
    (level,) = inventory.pass_time(5)
    assert isinstance(level, StockLevelChanged)


def test_goods_that_meet_a_queue_nobody_loaded_wait_for_a_wake_up() -> None:
    waiting = (Waiting("main", "DE", 1, NOW),)
    book = Sku(waiting=waiting, queue=None)
    decision = decide(Policy(), {("sku", SKU): book}, received(1), NOW)
    left = decision.states["sku", SKU]
    assert left.waiting == waiting
    woken = deadline(Policy(), left)
    assert woken is not None
    assert woken.at > NOW


def test_an_order_stands_in_line_once_however_often_it_joins() -> None:
    turn = Turn(0, NOW, "o1")
    assert Head().insert(turn).insert(turn) == Head((turn,))


def test_units_wait_elsewhere_than_where_they_were_not_found() -> None:
    rules = (Source("south", 1), Source("north", 2))
    inventory = stocked(("north", 1), policy=Policy(sources=rules))
    said = inventory.hear(requested("o1", line(9), exclude=("south",)))
    assert only(said, BackorderRaised).location == "north"
    said = inventory.hear(requested("o2", line(9), exclude=("south", "north")))
    assert only(said, BackorderRaised).location == "south"


def test_no_date_is_promised_past_an_order_that_was_not_loaded() -> None:
    inventory = Inventory(waiters_max=1)
    for n, country in enumerate(("DE", "DE", "US")):
        inventory.hear(accepted(f"o{n}", line(1), minute=n, country=country))
    inventory.hear(ordered(9, eta_days=7))
    promised = [f.key for f in inventory.facts if isinstance(f.body, BackorderPromised)]
    assert promised == ["o0"]


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


def test_a_confirmation_of_fewer_units_than_are_waited_for_raises_the_shortage_again() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(5)), ordered(5, eta_days=3), received(2, po_line="po-1/1"))
    raised = only(inventory.hear(confirmed(2, eta_days=4)), BackorderRaised)
    assert (raised.location, raised.backordered_total) == ("main", 3)


def test_a_confirmation_of_enough_units_raises_nothing() -> None:
    inventory = Inventory()
    inventory.hear(accepted("o1", line(5)), ordered(9, eta_days=3), received(2, po_line="po-1/1"))
    assert every(inventory.hear(confirmed(5, eta_days=4)), BackorderRaised) == []
