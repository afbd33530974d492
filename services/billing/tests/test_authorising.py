"""Getting the money promised."""

from datetime import timedelta

import pytest
from builders import (
    EUR,
    NOW,
    PAY,
    TOTAL,
    Story,
    all_shipped,
    authorised,
    names,
    request_id,
    requested,
    void,
)
from msgspec.structs import replace

from oms_billing.domain import (
    MoneyReceived,
    PayerRetried,
    Policy,
    Status,
)
from oms_contracts.billing import Account, PaymentAuthorized, PaymentDeclined, PaymentVoided


def test_a_token_is_authorised_at_the_provider() -> None:
    story = Story()
    assert story.tell(requested()) == []
    (call,) = story.open_calls
    assert (call.method, call.body["token"], call.body["amount_minor"]) == (
        "authorise", "tok_approve", TOTAL,
    )  # fmt: skip
    (said,) = story.answered()
    assert isinstance(said, PaymentAuthorized)
    assert (said.request_id, said.amount_minor) == (PAY, TOTAL)
    assert said.expires_at is not None


def test_another_amount_than_asked_is_told_as_it_is() -> None:
    (said,) = authorised("tok_wrong_amount").facts
    assert isinstance(said, PaymentAuthorized) and said.amount_minor == TOTAL - 1


def test_a_prepayment_is_answered_at_once_and_booked_as_a_deposit() -> None:
    story = authorised("ref-1", method="prepaid")
    assert names(story.facts) == ["LedgerPosted", "PaymentAuthorized"]
    assert story.ledger() == {Account.CASH: TOTAL, Account.CUSTOMER_DEPOSITS: -TOTAL}


@pytest.mark.parametrize(
    "asked",
    [requested("acme", method="terms"), requested(lines=[("1", "GIFT", 1, 0, 0)], shipping=(0, 0))],
)
def test_terms_and_a_total_of_zero_need_no_call(asked) -> None:
    assert names(Story().tell(asked)) == ["PaymentAuthorized"]


def test_a_request_told_again_is_answered_again_the_same() -> None:
    story = authorised()
    assert story.tell(requested()) == story.facts[:1]
    assert story.last.verdict == "again" and not story.open_calls


def test_a_request_told_again_before_the_answer_makes_no_second_call() -> None:
    story = Story()
    story.tell(requested(), requested())
    assert names(story.all_answered()) == ["PaymentAuthorized"]


def test_a_decline_for_good_is_final() -> None:
    story = authorised("tok_decline")
    (said,) = story.facts
    assert isinstance(said, PaymentDeclined)
    assert (said.final, said.code, said.retry_until) == (True, "do_not_honour", None)
    assert story.due is None


def test_a_curable_decline_waits_for_the_payer() -> None:
    story = authorised("tok_decline_then_pay")
    (said,) = story.facts
    assert isinstance(said, PaymentDeclined)
    assert (said.final, said.retry_until) == (False, NOW + timedelta(days=1))
    assert story.due is not None and story.due.owner == "payer"


def test_the_payers_next_token_is_tried() -> None:
    story = authorised("tok_decline_then_pay")
    story.tell(PayerRetried("tok_approve"))
    assert names(story.answered()) == ["PaymentAuthorized"]


def test_a_payer_who_fails_too_often_is_declined_for_good() -> None:
    story = Story(policy=replace(Policy(), payer_tries_max=2))
    story.tell(requested("tok_decline_then_pay"))
    story.answered()
    story.tell(PayerRetried("tok_other"))
    (said,) = story.refused("insufficient_funds")
    assert isinstance(said, PaymentDeclined) and said.final


def test_a_missing_token_is_asked_of_the_payer() -> None:
    story = Story()
    (said,) = story.tell(requested(""))
    assert isinstance(said, PaymentDeclined)
    assert (said.code, said.final) == ("no_token", False)
    story.tell(PayerRetried("tok_approve"))
    assert names(story.answered()) == ["PaymentAuthorized"]


def test_means_of_payment_that_nobody_knows_are_declined() -> None:
    (said,) = Story().tell(requested(method="barter"))
    assert isinstance(said, PaymentDeclined) and said.final


def test_a_payer_who_is_not_awaited_is_refused() -> None:
    story = authorised()
    story.tell(PayerRetried("tok_approve"))
    assert story.last.refusal is not None and story.last.refusal.code == "not_awaiting_payer"
    unborn = Story()
    unborn.tell(PayerRetried("tok_approve"))
    assert unborn.last.refusal is not None and unborn.held["payment", unborn.order_id].state is None


def test_a_payer_who_comes_too_late_is_refused() -> None:
    story = authorised("tok_decline_then_pay")
    story.now = NOW + timedelta(days=1, seconds=1)
    story.tell(PayerRetried("tok_approve"))
    assert story.last.refusal is not None and story.last.refusal.code == "too_late"


def test_billing_stops_waiting_for_the_payer_a_while_after_the_order() -> None:
    story = authorised("tok_decline_then_pay")
    (said,) = story.time_is_up()
    assert story.now >= NOW + timedelta(days=1, seconds=Policy().payer_grace_seconds)
    assert isinstance(said, PaymentDeclined) and said.final and story.due is None


def test_a_silent_provider_is_asked_again_under_the_same_key() -> None:
    story = Story()
    story.tell(requested())
    key = story.open_calls[0].body["key"]
    story.unknown()
    story.time_is_up()
    (call,) = story.open_calls
    assert (call.method, call.body["key"]) == ("authorise", key)
    assert names(story.answered()) == ["PaymentAuthorized"]


def test_a_call_without_an_answer_stays_open_and_is_watched() -> None:
    story = Story()
    story.tell(requested())
    assert story.time_is_up() == []
    assert len(story.open_calls) == 1 and story.due is not None


def test_a_late_success_is_found_by_asking_again() -> None:
    story = authorised("tok_late_success")
    assert story.facts == []
    while not story.facts:
        story.time_is_up()
        story.all_answered()
    assert names(story.facts) == ["PaymentAuthorized"]


def test_when_the_payers_time_is_over_a_silent_provider_means_no() -> None:
    story = authorised("tok_silent")
    while not story.facts:
        story.time_is_up()
        story.all_answered()
    (said,) = story.facts
    assert isinstance(said, PaymentDeclined)
    assert (said.code, said.final) == ("provider_silent", True)
    assert not story.attempt.strays and story.due is None
    assert list(story.provider.blocked) == [story.attempt.authorise_key]


def test_a_new_request_after_a_decline_starts_afresh() -> None:
    story = authorised("tok_decline")
    story.tell(requested(request=request_id("again")))
    assert names(story.all_answered()) == ["PaymentAuthorized"]
    assert [a.status for a in story.payment.attempts] == [Status.DECLINED, Status.AUTHORISED]


def test_a_new_request_takes_the_place_of_one_that_still_lives() -> None:
    story = authorised()
    story.tell(requested(request=request_id("again")))
    methods = []
    while story.open_calls:
        methods.append(story.open_calls[0].method)
        story.answered()
    assert methods == ["void", "authorise"]
    assert [a.status for a in story.payment.attempts] == [Status.VOIDED, Status.AUTHORISED]
    (said,) = story.tell(void(of=PAY))
    assert isinstance(said, PaymentVoided) and said.amount_minor == TOTAL


def test_an_authorisation_is_renewed_before_it_runs_out() -> None:
    story = authorised("tok_expires_soon")
    first = story.attempt.authorised_until
    story.time_is_up()
    assert story.open_calls[0].method == "reauthorise"
    story.answered()
    assert first is not None and story.attempt.authorised_until is not None
    assert story.attempt.authorised_until > first and story.now < first


def test_an_authorisation_that_is_not_renewed_lapses_and_people_look() -> None:
    story = authorised("tok_expires_soon")
    story.time_is_up()
    story.refused("not_possible")
    story.time_is_up()
    assert story.attempt.authorised_until is None
    assert story.due is not None and story.due.owner == "customer service"
    story.time_is_up()
    assert story.due is not None


def test_a_lapsed_promise_is_let_go_once_all_was_shipped_and_paid_otherwise() -> None:
    story = authorised("tok_expires_soon")
    story.time_is_up()
    story.refused("not_possible")
    story.time_is_up()
    story.tell(all_shipped())
    story.all_answered()
    owed = story.receivable
    story.tell(MoneyReceived(owed.invoice_no, owed.open_minor, EUR, "bank-1"))
    story.time_is_up()
    assert story.all_answered() == []
    assert story.attempt.status is Status.VOIDED and story.due is None


@pytest.mark.parametrize(
    "answer",
    [
        {"authorisation_id": "", "amount_minor": 1, "currency": EUR},
        {"authorisation_id": "a", "amount_minor": 1.5, "currency": EUR},
        {"authorisation_id": "a", "amount_minor": -1, "currency": EUR},
        {"authorisation_id": "a", "amount_minor": 1, "currency": "USD"},
        {"authorisation_id": "a", "amount_minor": 1, "currency": EUR, "expires_at": "2026-12-01"},
    ],
)
def test_an_answer_that_cannot_be_is_left_to_a_person(answer) -> None:
    story = Story()
    story.tell(requested())
    with pytest.raises(ValueError, match=r"provider|promised"):
        story.done(**answer)


def test_a_request_whose_parts_are_not_its_amount_is_left_to_a_person() -> None:
    with pytest.raises(ValueError, match="make"):
        Story().tell(requested().model_copy(update={"amount_minor": TOTAL + 1}))


def test_two_lines_of_one_id_are_left_to_a_person() -> None:
    line = ("1", "LAMP", 1, 100, 0)
    with pytest.raises(ValueError, match="one id"):
        Story().tell(requested(lines=[line, line]))
