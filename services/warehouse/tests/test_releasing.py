"""An order is released: pick lists, goods packed at once, repeats."""

from __future__ import annotations

from builders import F1, F2, NOW, ROBOTS, Warehouse, lines, part, released, request, stop_requested

from oms_contracts.channel import ServiceLevel
from oms_contracts.warehouse import FulfilmentPacked, FulfilmentStopped
from oms_warehouse.domain import AUTOMATIC, DeliveryAddress, Status, WorkItem


def test_a_release_makes_a_pick_list_per_location_and_says_nothing_yet() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(part(F1, "main"), part(F2, "store-3", lines(("3", "CUP-1", 1)))))
    assert [(f.fulfilment_id, f.status) for f in warehouse.order.fulfilments] == [
        (F1, Status.RELEASED),
        (F2, Status.RELEASED),
    ]
    assert warehouse.facts == []
    assert warehouse.fulfilment.to_pick == 3


def test_a_release_is_shown_in_the_work_queue_with_its_sealed_address_apart() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(service_level=ServiceLevel.EXPRESS, flags=("VIP", "GIFT")))
    (item,) = [row for row in warehouse.rows if isinstance(row, WorkItem)]
    assert (item.fulfilment_id, item.status, item.units) == (F1, "released", 3)
    assert (item.rank, item.flags, item.due_at) == (0, "VIP GIFT", item.ship_by)
    assert DeliveryAddress(F1, "2026-11.sealed") in warehouse.rows


def test_where_no_person_works_the_goods_are_packed_in_the_same_decision() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(part(F1, ROBOTS)))
    (packed,) = warehouse.facts
    assert isinstance(packed, FulfilmentPacked)
    assert (packed.packed_by, packed.packed_at) == (AUTOMATIC, NOW)
    (parcel,) = packed.parcels
    assert parcel.weight_grams == 3 * 300
    assert parcel.lines == part().lines
    assert warehouse.fulfilment.finished


def test_a_parcel_by_rule_is_never_heavier_than_a_contract_can_tell() -> None:
    warehouse = Warehouse()
    many = lines(("1", "MUG-1", 1_000_000))
    warehouse.tell(released(part(F1, ROBOTS, many)))
    assert warehouse.facts[0].parcels[0].weight_grams == 100_000_000


def test_parts_with_and_without_people_are_handled_each_in_its_way() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(part(F1, "main"), part(F2, ROBOTS, lines(("3", "CUP-1", 1)))))
    assert [fact.fulfilment_id for fact in warehouse.facts] == [F2]
    assert warehouse.fulfilment.status is Status.RELEASED


def test_a_repeated_release_is_answered_again_and_changes_nothing() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(part(F1, ROBOTS)))
    before = warehouse.order
    decision = warehouse.tell(released(part(F1, ROBOTS)))
    assert decision.verdict == "again"
    assert warehouse.order is before
    assert warehouse.facts[0] == warehouse.facts[1]


def test_a_repeated_release_does_not_disturb_people_at_work_nor_drop_short_units_twice() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.short("1")
    told, before = len(warehouse.facts), warehouse.order
    assert warehouse.tell(released()).verdict == "again"
    assert len(warehouse.facts) == told
    assert warehouse.order is before


def test_a_later_release_of_the_same_order_adds_its_own_fulfilments() -> None:
    warehouse = Warehouse().packed()
    decision = warehouse.tell(released(part(F1), part(F2, of=lines(("3", "CUP-1", 1)))))
    assert decision.verdict == "apply"
    assert [f.status for f in warehouse.order.fulfilments] == [Status.PACKED, Status.RELEASED]
    assert [fact.fulfilment_id for fact in warehouse.facts] == [F1, F1]


def test_a_stop_that_overtakes_its_release_wins() -> None:
    warehouse = Warehouse()
    warehouse.tell(stop_requested(1))
    assert warehouse.facts == [FulfilmentStopped(request_id=request(1), fulfilment_id=F1)]
    warehouse.tell(released(part(F1, ROBOTS)))
    assert warehouse.fulfilment.status is Status.STOPPED
    answer = warehouse.facts[1]
    assert (answer.request_id, sum(a.qty for a in answer.alloc)) == (request(1), 3)
    assert not any(isinstance(fact, FulfilmentPacked) for fact in warehouse.facts)


def test_a_stop_that_came_first_does_not_touch_the_order_s_other_fulfilments() -> None:
    warehouse = Warehouse()
    warehouse.tell(stop_requested(1, F2))
    warehouse.tell(released(part(F1)))
    assert warehouse.fulfilment.status is Status.RELEASED
    assert warehouse.tell(stop_requested(1, F2)).verdict == "again"
    assert warehouse.facts[0] == warehouse.facts[1]
    assert [s.request_id for s in warehouse.order.early_stops] == [request(1)]
