"""Orders come in: taken, turned down, repeated, changed, or held for a person to look at."""

from __future__ import annotations

from uuid import UUID

import pytest
from builders import accepted, completed, packed, released, reserved
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from replies import stock_reserved
from story import CHANNEL, EXTERNAL_ID, ORDER_ID, Story, line, submission

from oms_chassis.decision import Malformed
from oms_contracts import answers
from oms_contracts import order as said
from oms_contracts.channel import (
    BackorderPolicy,
    CancellationRequested,
    OrderPlaced,
    PaymentMethod,
    ServiceLevel,
    ShipPolicy,
)
from oms_order.domain import (
    ApprovalState,
    ApproveCosts,
    CancelOrder,
    CostLimit,
    NoOrder,
    Policy,
    RejectCosts,
    ReleaseHold,
    Status,
    TaskKind,
    ids_of,
    order_key,
    order_no,
)


def unreadable(type_name: str = OrderPlaced.TYPE, digest: str = "d-9") -> Malformed:
    """A message that no contract accepts."""
    reasons = (("lines", "missing", "Field required"),)
    return Malformed(type_name, reasons, digest, CHANNEL, EXTERNAL_ID)


def test_an_order_is_taken_confirmed_and_its_stock_asked_for_in_one_breath() -> None:
    story = accepted(line("1", 2))
    taken, confirmed = story.news
    assert isinstance(taken, said.OrderAccepted)
    assert isinstance(confirmed, answers.OrderConfirmed)
    assert taken.request_id == story.order.stock.reserving.request.request_id  # type: ignore[union-attr]
    assert taken.order_no == confirmed.order_no == order_no(ORDER_ID)
    assert [(x.line_id, x.qty) for x in taken.lines] == [("1", 2)]
    assert story.order.status is Status.ACCEPTED


def test_an_orders_id_follows_from_its_names_and_its_number_from_its_id() -> None:
    assert order_key("main", CHANNEL, EXTERNAL_ID) == ORDER_ID
    assert order_key("main", "other", EXTERNAL_ID) != ORDER_ID
    assert UUID(ORDER_ID).version == 8
    assert [len(part) for part in order_no(ORDER_ID).split("-")] == [4, 4, 4]


@given(st.uuids())
def test_an_order_number_read_aloud_leads_back_to_its_order(order_id: UUID) -> None:
    first, last = ids_of(order_no(str(order_id)).lower().replace("0", "o").replace("1", "l")) or (
        "",
        "",
    )
    assert first <= str(order_id) <= last


@pytest.mark.parametrize("name", ["", "S-1001", "UUUU-UUUU-UUUU", "0000-0000-0000-0000"])
def test_what_is_no_order_number_leads_nowhere(name: str) -> None:
    assert ids_of(name) is None


def test_an_order_that_cannot_be_taken_is_turned_down_with_every_reason() -> None:
    story = accepted(
        line("1"), line("1"), line("2", 0), currency="QQQ", payment_method=PaymentMethod.UNKNOWN
    )
    (rejected,) = story.all(answers.OrderRejected)
    assert [(r.field, r.code) for r in rejected.reasons] == [
        ("lines", "line_id_repeated"),
        ("lines.2", "impossible_amount"),
        ("currency", "unknown_currency"),
        ("payment.method", "unknown_method"),
    ]
    assert isinstance(story.state, NoOrder) and story.state.status is Status.REJECTED


def test_an_order_without_lines_and_a_prepayment_without_a_name_are_turned_down() -> None:
    empty = replace(submission(), lines=())
    assert [r.code for r in empty.faults()] == ["empty"]
    prepaid = submission(payment_method=PaymentMethod.PREPAID, payment_reference="")
    assert [r.field for r in prepaid.faults()] == ["payment.reference"]


def test_the_same_order_again_is_confirmed_again_and_changes_nothing() -> None:
    story = packed()
    before = story.state
    decision = story.tell(submission())
    assert decision.verdict == "again" and story.state is before
    assert story.news == [story.all(answers.OrderConfirmed)[0]]


def test_a_rejected_order_again_is_rejected_again() -> None:
    story = accepted(currency="QQQ")
    decision = story.tell(submission(currency="QQQ"))
    assert decision.verdict == "again"
    assert story.news == story.all(answers.OrderRejected)[:1]


def test_a_rejected_number_may_be_used_again_for_a_better_order() -> None:
    story = accepted(currency="QQQ")
    story.tell(submission(digest="digest-2"))
    assert story.order.status is Status.ACCEPTED and story.order.body.resubmitted


def test_other_content_under_a_known_number_waits_for_a_person_and_changes_nothing() -> None:
    story = reserved()
    before = story.order
    story.tell(submission(line("1", 9), digest="digest-2"))
    (held,) = story.new(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.AMENDMENT, said.Gate.RELEASE)
    assert (story.order.lines, story.order.placed) == (before.lines, before.placed)
    assert story.tell(submission(line("1", 9), digest="digest-2")).verdict == "again"
    story.tell(submission(line("1", 8), digest="digest-3"))
    assert story.news == [], "one hold is enough however many amendments wait"


def test_an_amendment_of_what_has_left_is_a_task_since_nothing_can_be_held() -> None:
    story = completed()
    story.tell(submission(line("1", 9), digest="digest-2"))
    assert [task.kind for task in story.order.body.tasks] == [TaskKind.AMENDMENT]


def test_what_nobody_can_read_is_turned_down_or_shown_to_a_person() -> None:
    story = Story()
    story.tell(unreadable())
    (rejected,) = story.all(answers.OrderRejected)
    assert [r.code for r in rejected.reasons] == ["missing"]
    assert story.tell(unreadable()).verdict == "again"
    known = reserved()
    known.tell(unreadable())
    assert known.new(said.OrderHeld) and not known.new(answers.OrderRejected)


def test_a_wish_to_cancel_that_nobody_can_read_is_refused_and_holds_nothing() -> None:
    story = reserved()
    story.tell(unreadable(CancellationRequested.TYPE))
    (refused,) = story.new(answers.CancellationAnswered)
    assert not refused.accepted and "Field required" in refused.reason
    assert not story.order.body.holds


def test_channels_that_want_no_answers_get_none() -> None:
    story = completed(policy=Policy(silent_channels=(CHANNEL,)))
    topics = {type(fact).TOPIC for fact in story.said}
    assert topics == {said.OrderAccepted.TOPIC}


def test_an_idempotency_key_is_kept_with_what_it_was_used_for() -> None:
    story = accepted(idempotency_key="k-1")
    (row,) = story.rows
    assert (row.channel, row.idempotency_key) == (CHANNEL, "k-1")
    assert (row.order_id, row.digest) == (ORDER_ID, "digest-1")


# Totals


def test_wrong_totals_hold_the_payment_until_a_person_has_looked() -> None:
    wrong = replace(submission().totals, grand_total_minor=1)
    story = accepted(totals=wrong)
    (held,) = story.new(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.TOTALS, said.Gate.PAY)
    assert [(i.name, i.value) for i in held.inputs] == [
        ("grand_total_minor", "1 said, 3949 summed")
    ]
    story.tell(stock_reserved(story))
    assert not story.all(said.PaymentRequested)
    story.tell(ReleaseHold(held.hold_id, "lines are right"), actor="ann")
    assert story.last(said.PaymentRequested).amount_minor == 3_949


# Costs


def test_costs_within_the_limits_are_approved_without_a_word() -> None:
    story = accepted()
    assert story.order.body.approval.state is ApprovalState.APPROVED
    assert story.order.body.approval.actor == ""
    assert not story.all(said.OrderHeld) and not story.all(said.CostsApproved)
    assert dict(story.order.head.cost_figures)["total_limit_minor"] == "500000"


@pytest.mark.parametrize(
    ("currency", "limits", "discount_minor"),
    [
        ("EUR", {"EUR": CostLimit(total_minor=3_948)}, 0),
        ("EUR", {"EUR": CostLimit(total_minor=10**9, discount_percent=10)}, 400),
        ("NOK", {"EUR": CostLimit(total_minor=10**9)}, 0),
    ],
    ids=["total", "discount", "currency"],
)
def test_costs_beyond_a_limit_wait_for_an_approver(
    currency: str, limits: dict[str, CostLimit], discount_minor: int
) -> None:
    story = released(
        line("1", 3, 1_000, discount_minor=discount_minor, tax_minor=360),
        currency=currency,
        policy=Policy(cost_limits=limits),
    )
    (held,) = story.all(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.COSTS, said.Gate.RELEASE)
    assert {i.name for i in held.inputs} >= {"total_minor", "discount_percent"}
    assert story.order.status is Status.AUTHORISED and not story.all(said.OrderReleased)
    story.tell(ApproveCosts("good customer"), actor="cfo")
    (approved,) = story.new(said.CostsApproved)
    assert approved.actor == "cfo" and approved.inputs == held.inputs
    assert story.new(said.OrderReleased)
    assert story.tell(ApproveCosts(), actor="cfo").verdict == "again"


def test_rejected_costs_cancel_the_order() -> None:
    story = released(currency="NOK")
    story.tell(RejectCosts("no margin"), actor="cfo")
    assert story.new(said.CostsRejected)[0].reason == "no margin"
    assert story.order.status is Status.CANCELLING
    assert story.new(said.PaymentVoidRequested)
    assert story.order.body.approval.state is ApprovalState.REJECTED


def test_rejected_costs_are_neither_rejected_again_nor_approved() -> None:
    story = released(currency="NOK")
    story.tell(RejectCosts("no margin"), actor="cfo")
    for command in (RejectCosts("again"), ApproveCosts()):
        refusal = story.tell(command, actor="cfo").refusal
        assert refusal is not None and refusal.code == "not_pending"


def test_costs_of_an_order_that_is_being_cancelled_need_no_verdict() -> None:
    story = released(currency="NOK")
    story.tell(CancelOrder(), actor="ann")
    decision = story.tell(RejectCosts("no margin"), actor="cfo")
    assert decision.verdict == "late" and decision.answer is not None
    assert not story.news


def test_a_costs_hold_cannot_be_released_like_any_other() -> None:
    story = released(currency="NOK")
    hold_id = story.order.body.holds[0].hold_id
    decision = story.tell(ReleaseHold(hold_id), actor="ann")
    assert decision.refusal is not None and decision.refusal.code == "costs"


# What is special


def test_flagged_orders_are_looked_at_before_they_are_released() -> None:
    story = released(flags=("VIP", "GIFT"))
    (held,) = story.all(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.SPECIAL, said.Gate.RELEASE)
    assert "VIP" in held.reason and "GIFT" not in held.reason
    story.tell(ReleaseHold(held.hold_id, "sent a card"), actor="ann")
    assert story.last(said.OrderReleased).flags == ("VIP", "GIFT")


def test_values_nobody_knows_are_read_with_caution_and_looked_at() -> None:
    story = accepted(
        ship_policy=ShipPolicy.UNKNOWN,
        backorder_policy=BackorderPolicy.UNKNOWN,
        service_level=ServiceLevel.UNKNOWN,
    )
    taken = story.last(said.OrderAccepted)
    assert taken.ship_policy is ShipPolicy.COMPLETE
    assert taken.backorder_policy is BackorderPolicy.WAIT
    (held,) = story.all(said.OrderHeld)
    assert held.type is said.HoldType.UNKNOWN and "ship_policy" in held.reason
    assert story.order.head.service_level is ServiceLevel.STANDARD
