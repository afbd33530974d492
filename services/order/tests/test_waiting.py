"""Nobody waits in silence: who is silent is asked again, and then somebody looks."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from builders import accepted, captured, delivered, packed, released, reserved, shipped
from replies import (
    fulfilment_packed,
    fulfilment_stop_refused,
    payment_authorised,
    payment_declined,
    stock_reserved,
)
from story import Story

from oms_chassis.decision import Woke
from oms_contracts import notify
from oms_contracts import order as said
from oms_order.decisions import deadline, waiting, whose_move
from oms_order.domain import CancelOrder, PlaceHold, Policy, ReleaseHold, ResolveTask, TaskKind


def owner(story: Story) -> str:
    """Whose move it is."""
    return whose_move(story.order)


@pytest.mark.parametrize(
    ("story", "kind"),
    [
        (reserved(), said.PaymentRequested),
        (packed(), said.ShipmentRequested),
    ],
    ids=["billing", "shipping"],
)
def test_whoever_is_silent_is_asked_again_in_the_same_words(
    story: Story, kind: type[said.PaymentRequested]
) -> None:
    first = story.last(kind)
    story.wake()
    assert story.new(kind) == [first]
    assert story.decision.facts == [first], "a new event with the old request id"


def test_the_warehouse_is_told_again_what_it_should_pack() -> None:
    story = released()
    story.wake()
    assert story.new(said.OrderReleased) == story.all(said.OrderReleased)[:1]


def test_asking_inventory_again_is_no_second_acceptance() -> None:
    story = accepted()
    story.wake()
    (asked,) = story.new(said.ReservationRequested)
    taken = story.last(said.OrderAccepted)
    assert (asked.request_id, asked.lines) == (taken.request_id, taken.lines)
    assert len(story.all(said.OrderAccepted)) == 1
    story.tell(stock_reserved(story))
    assert story.new(said.PaymentRequested)


def test_each_time_is_twice_as_long_and_after_the_first_operations_look() -> None:
    story = accepted(policy=Policy(inventory_answers_seconds=60))
    assert owner(story) == "inventory"
    asked_at = [story.now]
    for _ in range(9):
        story.wake()
        asked_at.append(story.now)
    pauses = [(b - a).total_seconds() for a, b in pairwise(asked_at)]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]
    assert owner(story) == "operations"


def test_a_service_that_was_away_for_long_is_asked_once_not_for_every_hour() -> None:
    story = accepted(policy=Policy(inventory_answers_seconds=60))
    due = deadline(story.policy, story.order)
    assert due is not None
    story.now += timedelta(hours=12)
    story.wake()
    later = deadline(story.policy, story.order)
    assert later is not None and later.at > story.now


def test_silence_ends_no_order() -> None:
    for story in (accepted(), reserved(), released(), packed(), shipped()):
        before = story.order.status
        for _ in range(4):
            story.wake()
        assert story.order.status is before


def test_money_nobody_speaks_of_is_looked_at_but_the_goods_do_not_leave_twice() -> None:
    story = shipped()
    story.wake()
    assert not story.news and owner(story) == "operations"


def test_a_hold_that_nobody_looks_at_is_raised_again() -> None:
    story = released(flags=("VIP",))
    assert owner(story) == "customer_service"
    story.wake()
    assert story.new(said.OrderHeld) == story.all(said.OrderHeld)[:1]
    hold_id = story.order.body.holds[0].hold_id
    story.tell(ReleaseHold(hold_id, "fine"), actor="ann")
    assert story.new(said.OrderReleased)


def test_a_cancellation_that_takes_long_is_pushed_and_looked_at() -> None:
    story = released(policy=Policy(unwind_alarm_seconds=60, warehouse_stops_seconds=3600))
    story.tell(CancelOrder(), actor="ann")
    assert owner(story) == "warehouse"
    story.wake()
    assert story.new(said.FulfilmentStopRequested) == story.all(said.FulfilmentStopRequested)[:1]
    assert owner(story) == "operations"
    story.tell(fulfilment_stop_refused(story))
    assert owner(story) == "warehouse", "the alarm ends with what it was about"


def test_undoing_is_asked_for_again_in_the_same_words() -> None:
    story = reserved(policy=Policy(unwind_alarm_seconds=10))
    story.tell(CancelOrder(), actor="ann")
    first = story.news
    story.wake()
    assert story.news == first


def test_a_message_that_did_not_arrive_is_a_task_until_somebody_settled_it() -> None:
    story = delivered()
    failed = notify.NotificationFailed(fact_id="f-1", template="receipt", reason="bounced")
    story.tell(failed)
    assert story.tell(failed).verdict == "again"
    (task,) = story.order.body.tasks
    assert task.kind is TaskKind.MESSAGE and "bounced" in task.text
    story.wake()
    assert owner(story) == "operations", "after a day it is raised"
    story.tell(ResolveTask(task.task_id, "called"), actor="ann")
    assert not story.order.body.tasks


def test_a_persons_move_comes_before_any_services() -> None:
    story = reserved()
    story.tell(PlaceHold(said.Gate.RELEASE, "look"), actor="ann")
    awaited = waiting(story.policy, story.order)
    assert [w.owner for w in awaited] == ["billing", "customer_service"]
    assert owner(story) == "customer_service"


def test_a_payer_has_until_the_time_that_was_said() -> None:
    story = reserved()
    until = story.now + timedelta(hours=3)
    story.tell(payment_declined(story, final=False, retry_until=until))
    (awaited,) = waiting(story.policy, story.order)
    assert (awaited.owner, awaited.until) == ("payer", until)
    assert awaited.then == "the order is cancelled"


def test_what_was_settled_in_the_meantime_is_not_brought_up() -> None:
    decision = captured().tell(Woke("capture", "billing"))
    assert decision.verdict == "late"


# Holds by hand


@pytest.mark.parametrize(
    ("gate", "stage", "kept_from"),
    [
        (said.Gate.PAY, accepted, said.PaymentRequested),
        (said.Gate.PAY, reserved, said.OrderReleased),
        (said.Gate.RELEASE, reserved, said.OrderReleased),
        (said.Gate.RELEASE, released, said.ShipmentRequested),
        (said.Gate.SHIP, released, said.ShipmentRequested),
    ],
)
def test_a_hold_keeps_an_order_from_its_gate_and_all_behind_it(
    gate: said.Gate, stage: object, kept_from: type
) -> None:
    story: Story = stage()  # type: ignore[operator]
    story.tell(PlaceHold(gate, "a call from the bank"), actor="ann")
    assert story.news[0].actor == "ann"  # type: ignore[attr-defined]
    _go_on(story)
    assert not story.all(kept_from)
    story.tell(ReleaseHold(story.order.body.holds[0].hold_id), actor="ann")
    assert story.new(kept_from)


def _go_on(story: Story) -> None:
    """Whatever was asked is answered well."""
    if story.order.stock.reserving is not None:
        story.tell(stock_reserved(story))
    elif story.order.payment.request is not None:
        story.tell(payment_authorised(story))
    else:
        story.tell(fulfilment_packed(story.last(said.OrderReleased).fulfilments[0]))


def test_nothing_is_held_that_is_gone() -> None:
    refusal = shipped().tell(PlaceHold(said.Gate.SHIP, "too late"), actor="ann").refusal
    assert refusal is not None and refusal.code == "nothing_to_hold"
    refusal = released().tell(PlaceHold(said.Gate.UNKNOWN, "where"), actor="ann").refusal
    assert refusal is not None and refusal.code == "unknown_gate"
