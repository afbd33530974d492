"""Goods are picked, packed, handed over and delivered; now and then they are not."""

from __future__ import annotations

import pytest
from builders import accepted, captured, completed, delivered, packed, released, shipped
from replies import (
    at,
    fulfilment_packed,
    fulfilment_short,
    fulfilment_stopped,
    parcel_delivered,
    parcels_shipped,
    payment_authorised,
    payment_voided,
    shipment_failed,
    shipment_stopped,
    stock_released,
    stock_reserved,
    wanted,
)
from story import Story, line

from oms_contracts import answers, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.channel import ServiceLevel, ShipPolicy
from oms_contracts.event import LineQty
from oms_order.decisions import Impossible
from oms_order.domain import (
    CancelOrder,
    FulfilmentState,
    ReleaseHold,
    ResolveTask,
    Status,
    TaskKind,
)


def two_places() -> Story:
    """An order whose units lie in two places; the warehouse works on both."""
    story = accepted(line("1", 2), line("2", 1))
    first, second = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", first), at("EAST", second)]))
    story.tell(payment_authorised(story))
    return story


def odd_parcel(gone: said.OrderShipped, status: shipping.ParcelStatus) -> shipping.ParcelException:
    """Something is wrong with the first parcel."""
    return shipping.ParcelException(
        shipment_id=gone.shipment_id,
        parcel_id=gone.parcels[0].parcel_id,
        status=status,
        at=gone.shipped_at,
    )


def test_each_place_gets_a_fulfilment_with_the_address_and_a_time_to_leave_by() -> None:
    story = two_places()
    (release,) = story.all(said.OrderReleased)
    assert {f.location: [x.line_id for x in f.lines] for f in release.fulfilments} == {
        "WEST": ["1"],
        "EAST": ["2"],
    }
    assert release.address == "sealed address"
    assert (release.ship_by - story.now).days == 2


def test_express_orders_leave_the_same_day() -> None:
    story = released(service_level=ServiceLevel.EXPRESS)
    assert (story.last(said.OrderReleased).ship_by - story.now).total_seconds() == 12 * 3600


def test_parcels_go_to_the_carrier_as_they_are_packed() -> None:
    story = two_places()
    first, second = story.last(said.OrderReleased).fulfilments
    for fulfilment in (first, second):
        story.tell(fulfilment_packed(fulfilment))
        (asked,) = story.new(said.ShipmentRequested)
        assert asked.fulfilment_id == fulfilment.fulfilment_id
        assert asked.parcels[0].lines == fulfilment.lines
        assert (asked.ship_country, asked.address) == ("DE", "sealed address")


def test_only_the_last_shipment_says_that_nothing_follows() -> None:
    story = two_places()
    for fulfilment in story.last(said.OrderReleased).fulfilments:
        story.tell(fulfilment_packed(fulfilment))
    for asked in story.all(said.ShipmentRequested):
        story.tell(parcels_shipped(asked, story.now))
    assert [gone.last for gone in story.all(said.OrderShipped)] == [False, True]
    assert [a.location for gone in story.all(said.OrderShipped) for a in gone.alloc] == [
        "WEST",
        "EAST",
    ]
    assert len(story.all(answers.OrderDispatched)) == 2


def test_parcels_that_hold_something_else_do_not_leave_unseen() -> None:
    story = released(line("1", 2))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    one = fulfilment.lines[0].model_copy(update={"qty": 1})
    story.tell(fulfilment_packed(fulfilment.model_copy(update={"lines": (one,)})))
    (held,) = story.new(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.GOODS, said.Gate.SHIP)
    assert not story.all(said.ShipmentRequested)


def test_units_not_found_are_asked_for_elsewhere_and_the_rest_goes_on() -> None:
    story = released(line("1", 2), line("2", 1))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_short(fulfilment, LineQty(line_id="1", sku="SKU-1", qty=1)))
    (asked,) = story.new(said.ReservationRequested)
    assert [(x.line_id, x.qty) for x in asked.lines] == [("1", 1)]
    assert asked.exclude == ("WEST",)
    assert [(a.location, a.qty) for a in asked.shorts] == [("WEST", 1)]
    story.tell(stock_reserved(story, [at("EAST", asked.lines[0])]))
    assert [f.location for f in story.new(said.OrderReleased)[0].fulfilments] == ["EAST"]


def test_a_fulfilment_that_finds_nothing_is_over() -> None:
    story = released(line("1", 1))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_short(fulfilment, *fulfilment.lines))
    assert [f.state for f in story.order.fulfilments] == [FulfilmentState.STOPPED]


def test_more_units_short_than_there_were_cannot_be() -> None:
    story = released(line("1", 1))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    with pytest.raises(ValueError, match="more than the fulfilment holds"):
        story.tell(fulfilment_short(fulfilment, LineQty(line_id="1", sku="SKU-1", qty=2)))


def test_what_the_warehouse_stops_on_its_own_is_released_again() -> None:
    story = released(line("1", 1))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(
        warehouse.FulfilmentStopped(
            request_id=fulfilment.fulfilment_id, fulfilment_id=fulfilment.fulfilment_id
        )
    )
    (again,) = story.new(said.OrderReleased)
    assert again.fulfilments[0].fulfilment_id != fulfilment.fulfilment_id


def test_a_fulfilment_nobody_released_cannot_be_packed() -> None:
    story = two_places()
    foreign = story.last(said.OrderReleased).fulfilments[0]
    with pytest.raises(Impossible, match="never released"):
        story.tell(fulfilment_packed(foreign.model_copy(update={"fulfilment_id": "x"})))


# The carrier


def test_a_bad_address_holds_the_parcels_until_it_is_mended() -> None:
    story = packed()
    first = story.last(said.ShipmentRequested)
    story.tell(shipment_failed(story, "address"))
    (held,) = story.new(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.ADDRESS, said.Gate.SHIP)
    better = ReleaseHold(held.hold_id, "called her", ship_to="better sealed", ship_country="DE")
    story.tell(better, actor="ann")
    (again,) = story.new(said.ShipmentRequested)
    assert again.address == "better sealed"
    assert again.shipment_id == first.shipment_id and again.request_id != first.request_id


def test_a_carrier_that_will_not_drive_is_for_operations() -> None:
    story = packed()
    story.tell(shipment_failed(story, "carrier"))
    assert [h.type for h in story.new(said.OrderHeld)] == [said.HoldType.CARRIER]
    assert story.tell(shipment_failed(story, "carrier")).verdict == "late"


def test_another_country_is_another_order() -> None:
    story = packed()
    story.tell(shipment_failed(story))
    hold_id = story.order.body.holds[0].hold_id
    decision = story.tell(ReleaseHold(hold_id, "", "sealed", "FR"), actor="ann")
    assert decision.refusal is not None and decision.refusal.code == "other_country"


def test_goods_that_left_although_they_were_stopped_are_for_a_person() -> None:
    story = packed()
    asked = story.last(said.ShipmentRequested)
    story.tell(CancelOrder(), actor="ann")
    story.tell(shipment_stopped(story))
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    story.tell(parcels_shipped(asked, story.now))
    assert [task.kind for task in story.order.body.tasks] == [TaskKind.GOODS]
    assert not story.all(said.OrderShipped) and story.order.status is Status.CANCELLED


def test_goods_packed_after_they_were_stopped_are_for_a_person() -> None:
    story = released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(CancelOrder(), actor="ann")
    story.tell(fulfilment_stopped(story))
    story.tell(fulfilment_packed(fulfilment))
    assert [task.kind for task in story.order.body.tasks] == [TaskKind.GOODS]
    story.tell(fulfilment_packed(fulfilment))
    assert len(story.order.body.tasks) == 1


# Delivery


def test_an_order_is_delivered_when_its_last_parcel_is() -> None:
    story = two_places()
    for fulfilment in story.last(said.OrderReleased).fulfilments:
        story.tell(fulfilment_packed(fulfilment))
        story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    first, second = story.all(said.OrderShipped)
    story.tell(parcel_delivered(first, first.parcels[0], story.now))
    assert not story.new(said.OrderDelivered) and story.order.status is Status.SHIPPED
    story.tell(parcel_delivered(second, second.parcels[0], story.now))
    assert story.new(said.OrderDelivered)
    assert story.order.status is Status.DELIVERED


def test_a_parcel_is_delivered_once() -> None:
    story = delivered()
    gone = story.last(said.OrderShipped)
    decision = story.tell(parcel_delivered(gone, gone.parcels[0], story.now))
    assert decision.verdict == "again" and len(story.all(said.OrderDelivered)) == 1


def test_a_week_after_delivery_the_order_is_completed() -> None:
    story = delivered()
    at = story.last(said.OrderDelivered).at
    story.wake()
    (done,) = story.new(said.OrderCompleted)
    assert done.delivered and (done.at - at).days == 7
    assert story.new(answers.OrderClosed)


def test_an_order_that_is_part_delivered_and_part_awaited_is_not_delivered() -> None:
    story = accepted(line("1", 2), ship_policy=ShipPolicy.SPLIT)
    (units,) = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", units, 1), at("EAST", units, 1)]))
    story.tell(payment_authorised(story))
    story.tell(fulfilment_packed(story.last(said.OrderReleased).fulfilments[0]))
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    gone = story.last(said.OrderShipped)
    story.tell(parcel_delivered(gone, gone.parcels[0], story.now))
    assert not story.all(said.OrderDelivered) and story.order.status is Status.PART_SHIPPED


def test_trouble_on_the_way_is_a_task_and_told_once() -> None:
    story = captured()
    gone = story.last(said.OrderShipped)
    for _ in range(2):
        story.tell(odd_parcel(gone, shipping.ParcelStatus.DELIVERY_FAILED))
    (task,) = story.order.body.tasks
    assert task.kind is TaskKind.PARCEL and "delivery failed" in task.text
    story.tell(ResolveTask(task.task_id, "neighbour took it"), actor="ann")
    assert not story.order.body.tasks and story.order.status is Status.SHIPPED


def test_a_lost_parcel_that_is_given_up_ends_the_order_undelivered() -> None:
    story = captured()
    story.tell(odd_parcel(story.last(said.OrderShipped), shipping.ParcelStatus.LOST))
    (task,) = story.order.body.tasks
    story.tell(ResolveTask(task.task_id, "insured", give_up=True), actor="ann")
    (done,) = story.new(said.OrderCompleted)
    assert not done.delivered and not story.all(said.OrderDelivered)


def test_a_parcel_that_should_have_arrived_is_looked_for() -> None:
    story = captured()
    story.wake()
    (task,) = story.order.body.tasks
    assert task.kind is TaskKind.PARCEL and "should have arrived" in task.text
    late_but_there = story.last(said.OrderShipped)
    story.tell(parcel_delivered(late_but_there, late_but_there.parcels[0], story.now))
    assert story.new(said.OrderDelivered)


def test_a_parcel_of_nobody_is_no_news() -> None:
    story = shipped()
    gone = story.last(said.OrderShipped)
    stray = gone.parcels[0].model_copy(update={"parcel_id": "P-99"})
    assert story.tell(parcel_delivered(gone, stray, story.now)).verdict == "late"


def test_a_finished_order_is_left_alone() -> None:
    story = completed()
    gone = story.last(said.OrderShipped)
    assert story.tell(odd_parcel(gone, shipping.ParcelStatus.LOST)).verdict == "late"
