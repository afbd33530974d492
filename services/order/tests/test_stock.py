"""Units are set aside, waited for, lost and found again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import accepted, deny_and_complete, packed, released, reserved, shipped
from replies import (
    at,
    backorder_filled,
    backordered,
    fulfilment_packed,
    fulfilment_short,
    fulfilment_stop_refused,
    fulfilment_stopped,
    payment_authorised,
    payment_voided,
    stock_refused,
    stock_released,
    stock_reserved,
    wanted,
)
from story import A_REQUEST, NOW, Story, line

from oms_contracts import inventory
from oms_contracts import order as said
from oms_contracts.channel import ShipPolicy
from oms_contracts.event import Alloc, LineQty
from oms_order.domain import (
    AnswerBackorder,
    BackorderChoice,
    CancelOrder,
    PlaceHold,
    Policy,
    Status,
)

SOON = NOW + timedelta(days=3)


def part_backordered(**changes: object) -> Story:
    """Of two lines one is there and one waits."""
    story = accepted(line("1", 2), line("2", 1), **changes)
    here, away = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", here)], [backordered(away, eta=SOON)]))
    return story


def broken(line_id: str, qty: int = 1, location: str = "WEST") -> inventory.ReservationBroken:
    """A count found fewer units than the books."""
    alloc = Alloc(line_id=line_id, sku=f"SKU-{line_id}", location=location, qty=qty)
    return inventory.ReservationBroken(alloc=(alloc,), cause="count-7")


def promised(story: Story, eta_days: int) -> inventory.BackorderPromised:
    """A purchase order covers the waiting line."""
    return inventory.BackorderPromised(
        request_id=story.last(said.OrderAccepted).request_id,
        lines=(LineQty(line_id="2", sku="SKU-2", qty=1),),
        eta=NOW + timedelta(days=eta_days),
        po_line="PO-1-1",
    )


def test_money_is_asked_for_once_everything_is_set_aside() -> None:
    story = reserved()
    (asked,) = story.new(said.PaymentRequested)
    assert asked.amount_minor == story.order.placed.sums().grand_total_minor
    assert story.order.status is Status.AWAITING_PAYMENT


def test_the_customer_is_told_what_waits_and_until_when() -> None:
    story = part_backordered()
    (delay,) = story.new(said.OrderDelayed)
    assert [x.line_id for x in delay.lines] == ["2"] and delay.promise == SOON
    assert story.new(said.PaymentRequested), "something is reserved: the payment is asked for"


def test_a_complete_order_is_not_released_in_parts() -> None:
    story = part_backordered(ship_policy=ShipPolicy.COMPLETE)
    story.tell(payment_authorised(story))
    assert not story.all(said.OrderReleased)
    story.tell(backorder_filled(story, at("EAST", wanted(story)[1])))
    assert {f.location for f in story.last(said.OrderReleased).fulfilments} == {"WEST", "EAST"}


def test_a_split_order_goes_out_as_goods_come() -> None:
    story = part_backordered()
    story.tell(payment_authorised(story))
    (first,) = story.last(said.OrderReleased).fulfilments
    assert [x.line_id for x in first.lines] == ["1"]
    story.tell(backorder_filled(story, at("EAST", wanted(story)[1])))
    (second,) = story.new(said.OrderReleased)[0].fulfilments
    assert (second.location, [x.line_id for x in second.lines]) == ("EAST", ["2"])


def test_a_refused_order_is_cancelled_and_says_what_was_missing() -> None:
    story = accepted(line("1", 2), **deny_and_complete())
    story.tell(stock_refused(story))
    (cancelled,) = story.new(said.OrderCancelled)
    assert cancelled.code == "out_of_stock" and "2 of SKU-1" in cancelled.reason
    assert story.order.status is Status.CANCELLED
    assert not story.all(said.PaymentRequested)


def test_a_refusal_after_a_short_pick_cancels_only_the_missing_units() -> None:
    story = released(line("1", 2), line("2", 1), **deny_and_complete())
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_short(fulfilment, LineQty(line_id="1", sku="SKU-1", qty=1)))
    story.tell(stock_refused(story))
    (cancelled,) = story.new(said.OrderCancelled)
    assert [(x.line_id, x.qty) for x in cancelled.lines] == [("1", 1)]
    assert story.order.status is Status.IN_FULFILMENT
    assert not story.all(said.PaymentVoidRequested), "a part that is cancelled voids nothing"


def test_a_promise_is_told_once_for_each_date() -> None:
    story = part_backordered()
    assert story.tell(promised(story, 3)).verdict == "again"
    story.tell(promised(story, 9))
    (delay,) = story.new(said.OrderDelayed)
    assert (delay.promise, delay.earlier_promise) == (NOW + timedelta(days=9), SOON)
    assert story.tell(promised(story, 9)).verdict == "again"


def test_an_answer_given_twice_is_taken_once() -> None:
    story = accepted()
    answer = stock_reserved(story)
    story.tell(answer)
    before = story.state
    assert story.tell(answer).verdict == "again" and story.state is before


def test_units_set_aside_for_a_foreign_question_are_given_back_exactly() -> None:
    story = reserved()
    units = wanted(story)[0]
    foreign = inventory.StockReserved(
        request_id=A_REQUEST, alloc=(at("EAST", units),), backordered=(backordered(units),)
    )
    before = story.state
    story.tell(foreign)
    (undo,) = story.news
    assert isinstance(undo, said.ReservationReleaseRequested)
    assert undo.alloc == foreign.alloc
    assert [(x.line_id, x.qty) for x in undo.backordered] == [(units.line_id, units.qty)]
    assert story.state is before
    empty = inventory.StockReserved(request_id=A_REQUEST)
    assert story.tell(empty).verdict == "late"


def test_more_units_than_were_asked_for_cannot_be() -> None:
    story = accepted(line("1", 2))
    with pytest.raises(ValueError, match="less than nothing"):
        story.tell(stock_reserved(story, [at("WEST", wanted(story)[0], 3)]))


# Broken reservations


def test_units_that_are_not_there_are_asked_for_anew() -> None:
    story = reserved(line("1", 2))
    story.tell(broken("1"))
    (asked,) = story.new(said.ReservationRequested)
    assert [(x.line_id, x.qty) for x in asked.lines] == [("1", 1)] and not asked.shorts


def test_work_on_broken_units_is_stopped_first_then_they_are_asked_for_anew() -> None:
    story = released(line("1", 2))
    story.tell(broken("1"))
    (stop,) = story.news
    assert isinstance(stop, said.FulfilmentStopRequested) and not stop.put_back
    story.tell(fulfilment_stopped(story))
    asked, again = story.new(said.ReservationRequested), story.new(said.OrderReleased)
    assert [x.qty for x in asked[0].lines] == [1]
    assert [x.qty for x in again[0].fulfilments[0].lines] == [1], "the other unit goes on"


def test_packed_goods_with_broken_units_do_not_leave_before_it_is_settled() -> None:
    story = released(line("1", 2))
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(broken("1"))
    story.tell(fulfilment_packed(fulfilment))
    assert not story.all(said.ShipmentRequested)
    story.tell(fulfilment_stop_refused(story))
    assert story.new(said.ShipmentRequested), "the goods were there after all"


def test_goods_in_the_carriers_hands_were_there_whatever_a_count_says() -> None:
    for story in (packed(line("1", 2)), shipped(line("1", 2))):
        assert story.tell(broken("1")).verdict == "late"


def test_broken_units_of_a_cancelled_order_are_dropped() -> None:
    story = reserved(line("1", 2))
    story.tell(CancelOrder(), actor="ann")
    story.tell(broken("1"))
    assert not story.new(said.ReservationRequested)
    assert story.order.lines[0].cancelled == 1


def test_units_that_moved_while_they_were_given_back_end_where_they_belong() -> None:
    story = part_backordered()
    story.tell(CancelOrder((("2", 1),)), actor="ann")
    story.tell(backorder_filled(story, at("EAST", wanted(story)[1])))
    story.tell(stock_released(story))
    (undo,) = story.new(said.ReservationReleaseRequested)
    assert [(a.line_id, a.location) for a in undo.alloc] == [("2", "EAST")]
    story.tell(stock_released(story))
    assert story.order.lines[1].cancelled == 1 and story.new(said.OrderCancelled)


def test_goods_that_come_for_nobody_are_given_back() -> None:
    story = part_backordered()
    units = wanted(story)[1]
    story.tell(CancelOrder(), actor="ann")
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    assert story.order.status is Status.CANCELLED
    story.tell(backorder_filled(story, at("EAST", units)))
    assert [a.location for a in story.last(said.ReservationReleaseRequested).alloc] == ["EAST"]


def test_a_paid_order_whose_goods_are_gone_is_backordered_not_ready() -> None:
    story = reserved(line("1", 2))
    story.tell(PlaceHold(said.Gate.RELEASE, "look"), actor="ann")
    story.tell(payment_authorised(story))
    assert story.order.status is Status.AUTHORISED
    story.tell(broken("1", 2))
    assert story.order.status is Status.ACCEPTED
    story.tell(stock_reserved(story, (), [backordered(wanted(story)[0])]))
    assert story.order.status is Status.BACKORDERED


# Waiting for goods


def test_after_long_waiting_the_customer_is_asked_and_may_wait_on() -> None:
    story = part_backordered(ship_policy=ShipPolicy.COMPLETE)
    story.tell(payment_authorised(story))
    story.wake()
    (asked,) = story.new(said.OrderDelayed)
    assert asked.promise is None and asked.choices == ("wait", "cancel")
    story.tell(AnswerBackorder(BackorderChoice.WAIT), actor="customer")
    story.wake()
    assert story.new(said.OrderDelayed), "asked again after the same time"


@pytest.mark.parametrize("choice", BackorderChoice)
def test_a_customer_who_does_not_answer_gets_what_the_policy_says(
    choice: BackorderChoice,
) -> None:
    policy = Policy(backorder_default=choice)
    story = part_backordered(ship_policy=ShipPolicy.COMPLETE, policy=policy)
    story.tell(payment_authorised(story))
    story.wake()
    story.wake()
    undone = story.new(said.ReservationReleaseRequested)
    assert bool(undone) == (choice is BackorderChoice.CANCEL)


def test_a_customer_who_will_not_wait_gets_the_rest() -> None:
    story = part_backordered(ship_policy=ShipPolicy.COMPLETE)
    story.tell(payment_authorised(story))
    story.tell(AnswerBackorder(BackorderChoice.CANCEL), actor="customer")
    story.tell(stock_released(story))
    (cancelled,) = story.new(said.OrderCancelled)
    assert cancelled.code == "backorder" and [x.line_id for x in cancelled.lines] == ["2"]
    assert story.new(said.OrderReleased), "what is left is complete"
