"""What the provider says of a payment by itself, asked or not."""

import pytest
from builders import EUR, PAY, TOTAL, Story, all_shipped, authorised, names, request_id, requested

from oms_billing.domain import AuthorisationReported, DeclineReported, PayerRetried, Status
from oms_contracts.billing import PaymentDeclined


def test_the_providers_own_word_authorises_a_payment_that_waits() -> None:
    story = authorised("tok_decline_then_pay")
    said = story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR))
    assert names(said) == ["PaymentAuthorized"]
    assert story.last.answer == {"request_id": PAY, "status": "authorised"}


def test_the_providers_own_word_about_a_lost_call_ends_the_asking() -> None:
    story = authorised("tok_silent")
    said = story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR, PAY))
    assert names(said) == ["PaymentAuthorized"] and story.payment.call is None


@pytest.mark.parametrize("same", [False, True])
def test_what_a_lost_call_made_is_voided_once_the_reported_promise_was_used(same: bool) -> None:
    story = Story()
    story.tell(requested())
    story.performed()
    ((made, promise),) = story.provider.promises.items()
    story.unknown()
    story.tell(AuthorisationReported(made if same else f"page-{TOTAL}-1", TOTAL, EUR, PAY))
    assert not story.open_calls, "it may be the promise that is about to be used"
    story.tell(all_shipped())
    assert names(story.all_answered()) == ["LedgerPosted", "PaymentCaptured"]
    assert promise.voided is not same and not promise.open_minor
    assert not story.attempt.strays and story.due is None


def test_the_providers_own_word_waits_for_the_answer_of_an_open_call() -> None:
    story = Story()
    story.tell(requested())
    for report in (AuthorisationReported("a", TOTAL, EUR), DeclineReported("x")):
        story.tell(report)
        assert story.last.refusal is not None and story.last.refusal.code == "answer_awaited"


def test_the_same_word_of_the_provider_twice_changes_nothing() -> None:
    story = authorised()
    story.tell(AuthorisationReported(story.attempt.authorisation_id, TOTAL, EUR))
    assert story.last.verdict == "again" and not story.open_calls


def test_a_second_authorisation_that_nobody_wants_is_voided() -> None:
    story = authorised()
    story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR))
    (call,) = story.open_calls
    assert (call.method, call.body["authorisation_id"]) == ("void", f"page-{TOTAL}-1")
    assert story.all_answered() == []
    assert story.attempt.status is Status.AUTHORISED and not story.attempt.strays


def test_a_late_authorisation_of_a_declined_payment_is_voided() -> None:
    story = authorised("tok_decline")
    story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR))
    story.all_answered()
    assert story.provider.promises[f"page-{TOTAL}-1"].voided and story.due is None


def test_a_decline_reported_by_the_provider_ends_the_waiting() -> None:
    story = authorised("tok_decline_then_pay")
    (said,) = story.tell(DeclineReported("stolen_card"))
    assert isinstance(said, PaymentDeclined) and said.final
    story.tell(DeclineReported("stolen_card"))
    assert story.last.verdict == "again"


def test_a_decline_reported_of_a_lost_call_voids_what_the_call_may_have_made() -> None:
    story = Story()
    story.tell(requested())
    key = story.open_calls[0].body["key"]
    story.performed()
    story.unknown()
    said = story.tell(DeclineReported("insufficient_funds"))
    assert names(said) == ["PaymentDeclined"] and story.attempt.status is Status.AWAITING_PAYER
    (call,) = story.open_calls
    assert (call.method, call.body["authorise_key"]) == ("void", key)
    story.all_answered()
    assert all(promise.voided for promise in story.provider.promises.values())
    assert not story.attempt.strays
    story.tell(PayerRetried("tok_approve"))
    assert names(story.all_answered()) == ["PaymentAuthorized"]


def test_a_decline_reported_after_the_promise_is_refused() -> None:
    story = authorised()
    story.tell(DeclineReported("stolen_card"))
    assert story.last.refusal is not None and story.last.refusal.code == "already_authorised"


def test_reports_about_unknown_payments_are_refused() -> None:
    story = authorised()
    other = request_id("other")
    for report in (AuthorisationReported("a", 1, EUR, other), DeclineReported("x", other)):
        story.tell(report)
        assert story.last.refusal is not None and story.last.refusal.code == "unknown_payment"
