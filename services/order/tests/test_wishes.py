"""Wishes to cancel that come twice, late, or for what cannot be had."""

from __future__ import annotations

from builders import accepted, reserved
from replies import (
    payment_voided,
    stock_released,
    stock_reserved,
)
from story import CHANNEL, EXTERNAL_ID, Story, line

from oms_contracts import answers
from oms_contracts import order as said
from oms_order.domain import (
    CancellationWish,
    CancelOrder,
    Status,
)

WISH = CancellationWish(CHANNEL, EXTERNAL_ID, reason="changed my mind")


def wish(*lines: tuple[str, int], digest: str = "") -> CancellationWish:
    """The channel no longer wants some units."""
    return CancellationWish(CHANNEL, EXTERNAL_ID, lines, digest=digest or repr(lines))


def test_a_wish_that_comes_twice_is_one_wish() -> None:
    story = reserved()
    story.tell(wish(("1", 1)))
    decision = story.tell(wish(("1", 1)))
    assert decision.verdict == "again" and story.order.lines[0].unwanted == 1


def test_a_wish_for_some_units_sent_again_after_its_end_takes_no_further_units() -> None:
    story = reserved(line("1", 3))
    story.tell(wish(("1", 1)))
    story.tell(stock_released(story))
    first = story.all(answers.CancellationAnswered)
    assert story.tell(wish(("1", 1))).verdict == "again"
    assert story.news == first and story.order.lines[0].cancelled == 1
    story.tell(wish(("1", 1), digest="another wish"))
    assert story.order.lines[0].unwanted == 1


def test_a_second_wish_for_more_joins_the_first() -> None:
    story = reserved()
    story.tell(wish(("1", 1)))
    story.tell(WISH)
    assert [x.unwanted for x in story.order.lines] == [2, 1, 3]
    story.tell(stock_released(story))
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    assert len(story.all(said.OrderCancelled)) == 1
    assert story.order.status is Status.CANCELLED


def test_a_wish_after_the_end_hears_what_became_of_the_first() -> None:
    story = accepted()
    story.tell(WISH)
    story.tell(stock_reserved(story))
    story.tell(stock_released(story))
    first = story.all(answers.CancellationAnswered)
    assert story.tell(WISH).verdict == "again"
    assert story.news == first
    assert story.tell(CancelOrder(), actor="ann").verdict == "again"


def test_a_wish_for_what_somebody_else_is_cancelling_is_answered_at_the_end() -> None:
    story = accepted()
    story.tell(CancelOrder(), actor="ann")
    story.tell(WISH)
    story.tell(stock_reserved(story))
    assert not story.all(answers.CancellationAnswered)
    story.tell(stock_released(story))
    (answer,) = story.all(answers.CancellationAnswered)
    assert answer.accepted and story.order.status is Status.CANCELLED


def test_units_that_are_not_on_the_order_cannot_be_cancelled() -> None:
    story = reserved()
    before = story.state
    for odd in (wish(("9", 1)), wish(("1", 3)), wish(("1", 1), ("1", 2))):
        story.tell(odd)
        (answer,) = story.new(answers.CancellationAnswered)
        assert not answer.accepted and story.state is before
        refusal = story.tell(CancelOrder(odd.lines), actor="ann").refusal
        assert refusal is not None and refusal.code == "unknown_line"


def test_an_order_nobody_placed_cannot_be_cancelled_but_the_wish_is_answered() -> None:
    story = Story()
    for _ in range(2):
        story.tell(WISH)
        (answer,) = story.new(answers.CancellationAnswered)
        assert not answer.accepted and answer.reason == "There is no such order."
    decision = story.tell(CancelOrder(), actor="ann")
    assert decision.refusal is not None and decision.refusal.code == "no_such_order"


def test_holds_vanish_with_the_order_they_held() -> None:
    story = reserved(flags=("VIP",))
    story.tell(WISH)
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    assert story.new(said.HoldReleased)[0].actor == "order service"
    assert not story.order.body.holds
