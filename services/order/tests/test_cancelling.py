"""Taking back what is no longer wanted: whoever has the goods decides, and a receipt proves it."""

from __future__ import annotations

from builders import accepted, completed, packed, released, reserved, shipped
from replies import (
    at,
    fulfilment_packed,
    fulfilment_stop_refused,
    fulfilment_stopped,
    parcels_shipped,
    payment_authorised,
    payment_captured,
    payment_voided,
    shipment_failed,
    shipment_stop_refused,
    shipment_stopped,
    stock_released,
    stock_reserved,
    wanted,
)
from story import CHANNEL, EXTERNAL_ID, Story, line

from oms_contracts import answers
from oms_contracts import order as said
from oms_contracts.channel import ShipPolicy
from oms_contracts.event import LineQty
from oms_order.domain import (
    CancellationWish,
    CancelOrder,
    CancelState,
    PaymentState,
    Status,
)

WISH = CancellationWish(CHANNEL, EXTERNAL_ID, reason="changed my mind")


def wish(*lines: tuple[str, int], digest: str = "") -> CancellationWish:
    """The channel no longer wants some units."""
    return CancellationWish(CHANNEL, EXTERNAL_ID, lines, digest=digest or repr(lines))


def part_shipped() -> Story:
    """One of two units has left, the other is being picked."""
    story = accepted(line("1", 2, 1_000), ship_policy=ShipPolicy.SPLIT)
    (units,) = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", units, 1), at("EAST", units, 1)]))
    story.tell(payment_authorised(story))
    story.tell(fulfilment_packed(story.last(said.OrderReleased).fulfilments[0]))
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    return story


def lines_of(units: tuple[LineQty, ...]) -> dict[str, int]:
    return {x.line_id: x.qty for x in units}


def test_before_release_stock_and_money_are_let_go_at_once_and_named_in_the_receipt() -> None:
    story = reserved()
    story.tell(CancelOrder(reason="double order"), actor="ann")
    back, void = story.news
    assert isinstance(back, said.ReservationReleaseRequested)
    assert isinstance(void, said.PaymentVoidRequested)
    assert {(a.line_id, a.qty) for a in back.alloc} == {("1", 2), ("2", 1), ("3", 3)}
    story.tell(payment_voided(story))
    assert not story.all(said.OrderCancelled), "stock is not back yet"
    story.tell(stock_released(story))
    (done,) = story.new(said.OrderCancelled)
    assert (done.code, done.reason) == ("person", "double order")
    assert lines_of(done.lines) == {"1": 2, "2": 1, "3": 3}
    assert set(done.undone) == {back.request_id, void.request_id}
    assert story.order.status is Status.CANCELLED
    (closed,) = story.new(answers.OrderClosed)
    assert closed.reason == "double order" and closed.charged_minor == 0


def test_what_inventory_has_not_answered_yet_is_awaited_before_anything_is_undone() -> None:
    story = accepted()
    story.tell(WISH)
    assert not story.news
    story.tell(stock_reserved(story))
    assert story.new(said.ReservationReleaseRequested)
    assert not story.all(said.PaymentRequested), "a cancelled order is not charged"
    story.tell(stock_released(story))
    assert story.order.status is Status.CANCELLED


def test_while_it_is_picked_the_warehouse_decides() -> None:
    story = released()
    story.tell(WISH)
    (stop,) = story.news
    assert isinstance(stop, said.FulfilmentStopRequested) and not stop.put_back
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    (done,) = story.new(said.OrderCancelled)
    assert stop.request_id in done.undone
    (answer,) = story.all(answers.CancellationAnswered)
    assert answer.accepted and lines_of(answer.lines) == {"1": 2, "2": 1, "3": 3}


def test_what_the_warehouse_refuses_goes_on_and_the_customer_learns_what_to_do() -> None:
    story = released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(WISH)
    story.tell(fulfilment_stop_refused(story))
    (refused,) = story.new(said.CancellationRefused)
    assert lines_of(refused.lines) == {"1": 2, "2": 1, "3": 3} and "back" in refused.instead
    (answer,) = story.all(answers.CancellationAnswered)
    assert not answer.accepted
    assert story.order.cancel.state is CancelState.NO
    assert not story.all(said.OrderCancelled) and not story.all(said.PaymentVoidRequested)
    story.tell(fulfilment_packed(fulfilment))
    assert story.new(said.ShipmentRequested), "and on it goes"


def test_a_later_wish_may_succeed_where_an_earlier_one_was_refused() -> None:
    story = released()
    story.tell(WISH)
    story.tell(fulfilment_stop_refused(story))
    story.tell(WISH)
    assert story.new(said.FulfilmentStopRequested)
    story.tell(fulfilment_stopped(story))
    assert story.new(said.ReservationReleaseRequested)


def test_packed_goods_are_put_back() -> None:
    story = packed()
    story.tell(shipment_failed(story))
    story.tell(CancelOrder(), actor="ann")
    (stop,) = story.new(said.FulfilmentStopRequested)
    assert stop.put_back


def test_parcels_that_wait_for_the_carrier_are_kept_then_put_back() -> None:
    story = packed()
    story.tell(WISH)
    (stop,) = story.news
    assert isinstance(stop, said.ShipmentStopRequested)
    story.tell(shipment_stopped(story))
    (put_back,) = story.news
    assert isinstance(put_back, said.FulfilmentStopRequested) and put_back.put_back
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    (done,) = story.new(said.OrderCancelled)
    assert {stop.request_id, put_back.request_id} < set(done.undone)


def test_parcels_the_carrier_has_go_on() -> None:
    story = packed()
    asked = story.last(said.ShipmentRequested)
    story.tell(WISH)
    story.tell(parcels_shipped(asked, story.now))
    assert story.new(said.OrderShipped)[0].last
    assert story.new(said.CancellationRefused)
    assert story.order.status is Status.SHIPPED
    assert story.tell(shipment_stop_refused(story)).verdict == "late"
    assert len(story.all(said.CancellationRefused)) == 1


def test_a_shipment_that_fails_while_it_is_stopped_is_put_back() -> None:
    story = packed()
    story.tell(WISH)
    story.tell(shipment_failed(story))
    assert story.new(said.FulfilmentStopRequested) and not story.new(said.OrderHeld)


def test_goods_packed_before_the_stop_was_heard_wait_for_its_answer() -> None:
    story = released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(WISH)
    story.tell(fulfilment_packed(fulfilment))
    assert not story.news
    story.tell(fulfilment_stopped(story))
    assert story.new(said.ReservationReleaseRequested)


# Some units


def test_open_units_are_given_up_before_reserved_ones_and_those_before_any_work() -> None:
    story = released(line("1", 3))
    (units,) = story.last(said.OrderReleased).fulfilments[0].lines
    story.tell(wish(("1", 1)))
    assert story.new(said.FulfilmentStopRequested), "all of them are in work"
    story.tell(fulfilment_stopped(story))
    (back,) = story.new(said.ReservationReleaseRequested)
    assert [a.qty for a in back.alloc] == [1]
    story.tell(stock_released(story))
    assert lines_of(story.new(said.OrderCancelled)[0].lines) == {"1": 1}
    (again,) = story.new(said.OrderReleased)
    assert [x.qty for x in again.fulfilments[0].lines] == [units.qty - 1]


def test_work_that_need_not_be_stopped_goes_on() -> None:
    story = accepted(line("1", 2), line("2", 1))
    first, second = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", first), at("EAST", second)]))
    story.tell(payment_authorised(story))
    west, east = story.last(said.OrderReleased).fulfilments
    story.tell(wish(("2", 1)))
    (stop,) = story.new(said.FulfilmentStopRequested)
    assert stop.fulfilment_id == east.fulfilment_id
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    story.tell(fulfilment_packed(west))
    assert story.new(said.ShipmentRequested)


def test_cancelling_some_units_voids_nothing_until_the_rest_is_shipped_and_paid() -> None:
    story = reserved(line("1", 2, 1_000, tax_minor=0), shipping_minor=0, shipping_tax_minor=0)
    story.tell(payment_authorised(story))
    story.tell(wish(("1", 1)))
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    assert not story.all(said.PaymentVoidRequested)
    story.tell(fulfilment_packed(story.last(said.OrderReleased).fulfilments[0]))
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    story.tell(payment_captured(story, story.last(said.OrderShipped), 1_000))
    assert story.new(said.PaymentVoidRequested)
    story.tell(payment_voided(story))
    assert story.order.payment_state is PaymentState.CAPTURED


def test_the_rest_of_an_order_can_be_cancelled_after_a_part_has_left() -> None:
    story = part_shipped()
    story.tell(WISH)
    assert lines_of(story.new(said.CancellationRefused)[0].lines) == {"1": 1}
    story.tell(fulfilment_stopped(story))
    story.tell(stock_released(story))
    assert lines_of(story.new(said.OrderCancelled)[0].lines) == {"1": 1}
    assert story.order.status is Status.SHIPPED and not story.all(said.PaymentVoidRequested)
    told = [(a.accepted, lines_of(a.lines)) for a in story.all(answers.CancellationAnswered)]
    assert told == [(False, {"1": 1}), (True, {"1": 1})]
    story.tell(payment_captured(story, story.last(said.OrderShipped), 1_789))
    assert story.new(said.PaymentVoidRequested), "nothing more will ship"


def test_a_shipment_is_the_last_if_the_rest_is_certain_to_be_cancelled() -> None:
    story = accepted(line("1", 2, 1_000), ship_policy=ShipPolicy.SPLIT)
    (units,) = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", units, 1), at("EAST", units, 1)]))
    story.tell(payment_authorised(story))
    first, second = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_packed(first))
    story.tell(CancelOrder((("1", 1),)), actor="ann")
    (stop,) = story.new(said.FulfilmentStopRequested)
    assert stop.fulfilment_id == second.fulfilment_id, "what is least far on is stopped first"
    story.tell(fulfilment_stopped(story))
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    assert story.new(said.OrderShipped)[0].last


def test_what_has_left_can_only_come_back() -> None:
    for story in (shipped(), completed()):
        story.tell(WISH)
        (refused,) = story.new(said.CancellationRefused)
        assert lines_of(refused.lines) == {"1": 2, "2": 1, "3": 3}
        assert not story.new(answers.CancellationAnswered)[0].accepted
        refusal = story.tell(CancelOrder(), actor="ann").refusal
        assert refusal is not None and refusal.code == "shipped"


def test_a_person_who_names_units_that_have_left_cancels_nothing_by_mistake() -> None:
    story = part_shipped()
    refusal = story.tell(CancelOrder((("1", 2),)), actor="ann").refusal
    assert refusal is not None and refusal.code == "shipped"
    assert story.tell(CancelOrder((("1", 1),)), actor="ann").refusal is None
