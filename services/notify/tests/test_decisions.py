"""Notify's rules, one sentence each."""

import json
from typing import Any

import pytest
from builders import (
    LINES,
    NOW,
    ORDER_ID,
    SKU,
    Story,
    accepted,
    cancellation_refused,
    cancelled,
    completed,
    delayed,
    held,
    invoiced,
    known,
    shipped,
    shortage,
)

from oms_chassis.decision import CHOSEN_IDS_MAX, Done, Input, mint_id
from oms_contracts.notify import NotificationFailed
from oms_notify.decisions import ImpossibleInput, deadline, decide
from oms_notify.decisions.delivery import NOBODY_KNOWS
from oms_notify.domain import Messages, Policy, Resend, Status, Template
from oms_notify.inputs import HEARS


def test_an_accepted_order_is_confirmed_to_its_customer() -> None:
    story = Story()
    story.tell(accepted())
    (mail,) = story.effects
    assert (mail.gateway, mail.method) == ("mail", "send")
    assert mail.body["template"] == "order_confirmation" and mail.body["to"] == "customer"
    assert mail.body["contact"] == "sealed contact"
    assert mail.body["data"] == {
        "order_no": "1001", "lines": [{"sku": SKU, "qty": 2}], "amount_minor": 2_990,
        "currency": "EUR",
    }  # fmt: skip


def test_what_a_channel_tells_its_customers_itself_is_not_sent() -> None:
    quiet = Policy(silent_about=(Template.ORDER_CONFIRMATION, Template.SHIPPED))
    story = Story(policy=quiet)
    for fact in (accepted(), shipped(), invoiced(paid=True)):
        story.tell(fact)
    assert story.mails == ["receipt"]


@pytest.mark.parametrize(
    ("fact", "templates"),
    [
        (shipped(), ["shipped"]),
        (invoiced(paid=True), ["receipt"]),
        (invoiced(paid=False), ["invoice"]),
        (delayed(), ["delay", "delay_alert"]),
        (cancelled(), ["cancelled"]),
        (cancellation_refused(), ["cancellation_refused"]),
        (held(), ["hold_alert"]),
        (completed(), ["follow_up"]),
    ],
)
def test_each_fact_has_its_messages(fact: Any, templates: list[str]) -> None:
    story = known()
    story.tell(fact)
    story.send_all()
    assert story.mails == ["order_confirmation", *templates]
    assert all(m.status is Status.SENT for m in story.messages)


def test_every_fact_that_is_heard_has_a_test_here() -> None:
    tried = {type(f) for f in (accepted(), shipped(), invoiced(), delayed(), cancelled(), held(),
                               cancellation_refused(), completed(), shortage())}  # fmt: skip
    assert tried == set(HEARS)


def test_customers_are_written_to_by_their_contact_and_staff_by_their_role() -> None:
    story = known()
    story.tell(delayed())
    story.sent()
    customer, staff = (effect.body for effect in story.effects[1:])
    assert customer["contact"] == "sealed contact" and "address" not in customer
    assert staff["address"] == "service@shop.example" and "contact" not in staff


def test_nobody_is_asked_how_it_was_when_nothing_was_delivered() -> None:
    story = known()
    assert story.tell(completed(delivered=False)).verdict == "late"
    assert story.mails == ["order_confirmation"]


def test_an_acceptance_told_again_is_confirmed_once() -> None:
    story = known()
    assert story.tell(accepted()).verdict == "again"
    assert story.mails == ["order_confirmation"]


def test_a_fact_about_an_order_never_accepted_parks_the_order() -> None:
    with pytest.raises(ImpossibleInput):
        Story().tell(shipped())


def test_one_mail_is_open_at_a_time_and_the_rest_waits_in_order() -> None:
    story = Story()
    story.tell(accepted())
    for fact in (shipped(), invoiced(), completed()):
        story.tell(fact)
    assert story.mails == ["order_confirmation"]
    story.send_all()
    assert story.mails == ["order_confirmation", "shipped", "receipt", "follow_up"]
    assert deadline(story.policy, story.state) is None


def test_no_other_service_calls_outside_under_the_id_of_a_mail() -> None:
    """Outcomes bear the id of their call, and what follows from them an id derived from it."""
    told = Input(mint_id(NOW, "a fact"), "o-1", accepted(), NOW)
    effect = decide(Policy(), {("messages", "o-1"): None}, told, NOW).effects[0]
    assert effect.id not in {told.new_id(n) for n in range(CHOSEN_IDS_MAX)}


def test_a_refused_mail_is_told_and_the_next_one_goes_out() -> None:
    story = Story()
    story.tell(accepted())
    story.tell(shipped())
    fact_id = story.messages[0].fact_id
    story.refuse()
    assert story.facts == [
        NotificationFailed(fact_id=fact_id, template="order_confirmation", reason="no such mailbox")
    ]
    assert story.mails == ["order_confirmation", "shipped"]
    assert story.state is not None and story.state.bag.attention


def test_a_mail_of_unknown_fate_is_tried_again_under_the_same_name_ever_less_often() -> None:
    story = Story()
    story.tell(accepted())
    pauses = []
    for _ in range(4):
        story.lose()
        before = story.now
        story.wake()
        pauses.append((story.now - before).total_seconds())
    assert pauses == [60.0, 120.0, 240.0, 480.0]
    assert len({effect.body["message_id"] for effect in story.effects}) == 1
    assert len({effect.id for effect in story.effects}) == 5
    story.sent()
    assert story.messages[0].status is Status.SENT and story.facts == []


def test_new_messages_keep_the_pause_and_their_place() -> None:
    story = Story()
    story.tell(accepted())
    story.lose()
    story.tell(shipped())
    assert story.mails == ["order_confirmation"]
    story.wake()
    story.send_all()
    assert story.mails == ["order_confirmation", "order_confirmation", "shipped"]


def test_a_mail_that_nobody_ever_answered_for_counts_as_failed() -> None:
    story = Story(policy=Policy(attempts_max=3))
    story.tell(accepted())
    for _ in range(2):
        story.lose()
        story.wake()
    story.lose()
    assert [fact.reason for fact in story.facts] == [NOBODY_KNOWS]
    assert deadline(story.policy, story.state) is None


def test_a_mail_open_for_too_long_comes_to_a_persons_attention_and_stays_open() -> None:
    story = Story()
    story.tell(accepted())
    due = deadline(story.policy, story.state)
    assert due is not None and due.owner == "mail"
    story.wake()
    assert story.state is not None and story.state.bag.attention
    assert story.mails == ["order_confirmation"]
    later = deadline(story.policy, story.state)
    assert later is not None and later.at > story.now
    story.sent()
    assert not story.state.bag.attention


def test_nothing_overtakes_a_mail_that_is_open_for_too_long() -> None:
    story = Story()
    story.tell(accepted())
    story.tell(shipped(), after_seconds=story.policy.answer_within_seconds + 1)
    assert story.mails == ["order_confirmation"]


def test_a_fact_told_twice_is_written_about_once() -> None:
    story = known()
    fact_id = mint_id(story.now, "shipped")
    verdicts = [story.tell(shipped(), id=fact_id).verdict for _ in range(2)]
    story.send_all()
    assert verdicts == ["apply", "again"] and story.mails == ["order_confirmation", "shipped"]


def test_an_answer_to_a_mail_no_longer_open_is_late() -> None:
    story = known()
    stray = Done(mint_id(story.now, "stray"), "mail", "send", {})
    assert story.tell(stray).verdict == "late"


def test_a_person_may_have_a_message_sent_once_more_as_a_new_mail() -> None:
    story = known()
    first = story.messages[0]
    decision = story.tell(Resend(first.message_id), actor="ada")
    story.sent()
    assert decision.answer == {"message_id": story.effects[1].body["message_id"]}
    assert story.effects[0].body["message_id"] != story.effects[1].body["message_id"]
    assert story.effects[0].body["data"] == story.effects[1].body["data"]
    assert story.messages[1].asked_by == "ada"


def test_a_failed_message_that_was_sent_once_more_no_longer_needs_attention() -> None:
    story = Story()
    story.tell(accepted())
    story.refuse()
    story.tell(Resend(story.messages[0].message_id))
    story.sent()
    assert [m.status for m in story.messages] == [Status.RESENT, Status.SENT]
    assert story.state is not None and not story.state.bag.attention


def test_two_clicks_send_one_copy() -> None:
    story = known()
    story.tell(Resend(story.messages[0].message_id))
    second = story.tell(Resend(story.messages[0].message_id))
    assert second.refusal is not None and second.refusal.code == "under_way"
    assert len(story.messages) == 2


def test_what_cannot_be_sent_again_is_refused_by_name() -> None:
    story = Story()
    story.tell(accepted())
    story.refuse()
    failed = story.messages[0].message_id
    story.tell(Resend(failed))
    codes = []
    for story_, message_id in ((story, failed), (story, "none"), (Story(), "none")):
        refusal = story_.tell(Resend(message_id)).refusal
        assert refusal is not None
        codes.append(refusal.code)
    assert codes == ["resent", "unknown_message", "unknown_order"]


def test_a_shortage_alerts_the_warehouse_manager_and_customer_service() -> None:
    story = Story("alerts", Policy(warehouse_manager_by_location={"MAIN": "main@shop.example"}))
    story.tell(shortage())
    story.send_all()
    assert [(e.body["to"], e.body["address"]) for e in story.effects] == [
        ("warehouse_manager", "main@shop.example"),
        ("customer_service", "service@shop.example"),
    ]


def test_the_same_shortage_is_not_told_twice_within_the_hour() -> None:
    story = Story("alerts")
    story.tell(shortage(3))
    story.send_all()
    assert story.tell(shortage(4), after_seconds=600).verdict == "late"
    story.tell(shortage(4), after_seconds=3_000)
    story.send_all()
    assert story.mails == ["shortage_alert", "backlog_alert"] * 2


def test_a_shortage_that_doubled_is_told_at_once() -> None:
    story = Story("alerts")
    story.tell(shortage(3))
    story.tell(shortage(6), after_seconds=1)
    story.send_all()
    assert len(story.mails) == 4


def test_each_location_is_told_for_itself() -> None:
    story = Story("alerts")
    story.tell(shortage(location="MAIN"))
    story.tell(shortage(location="NORTH"))
    story.send_all()
    assert [e.body["data"]["location"] for e in story.effects] == ["MAIN"] * 2 + ["NORTH"] * 2


def test_old_alerts_are_forgotten_once_sent() -> None:
    story = Story("alerts", Policy(alerts_kept=2, alert_again_seconds=0.0))
    for _ in range(4):
        story.tell(shortage())
        story.send_all()
    assert len(story.messages) == 4


def test_an_alert_that_fails_stands_on_our_own_list_only() -> None:
    story = Story("alerts")
    story.tell(shortage())
    story.refuse()
    assert story.facts == []
    assert story.state is not None and "shortage_alert" in story.state.bag.attention


def test_no_contact_stands_in_what_templates_show() -> None:
    story = known()
    for fact in (shipped(), invoiced(), delayed(), cancelled(), held(), completed()):
        story.tell(fact)
    story.send_all()
    for effect in story.effects:
        assert "sealed" not in json.dumps(effect.body["data"])


def test_the_order_is_remembered_as_it_was_accepted() -> None:
    story = known()
    assert isinstance(story.state, Messages)
    assert [(line.sku, line.qty) for line in story.state.head.lines] == [(LINES[0].sku, 2)]
    assert story.messages[0].template is Template.ORDER_CONFIRMATION and ORDER_ID
