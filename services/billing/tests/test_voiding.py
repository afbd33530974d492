"""Undoing a promise, whatever became of it."""

import pytest
from builders import (
    EUR,
    ORDER_NO,
    PAY,
    TOTAL,
    VOID,
    Story,
    all_shipped,
    authorised,
    names,
    refund,
    request_id,
    requested,
    shipped,
    told,
    void,
)

from oms_billing.domain import (
    AuthorisationReported,
    OpenItem,
    PayerRetried,
    ReceivableStatus,
    Status,
)
from oms_contracts.billing import Account, PaymentCaptureFailed, PaymentVoided, RefundFailed


def voided(amount_minor: int, authorisation_id: str = "", request: str = VOID) -> PaymentVoided:
    return PaymentVoided(
        request_id=request, payment_request_id=PAY, authorisation_id=authorisation_id,
        amount_minor=amount_minor, currency=EUR,
    )  # fmt: skip


def test_a_void_that_overtakes_its_request_wins() -> None:
    story = Story()
    (first,) = story.tell(void())
    assert isinstance(first, PaymentVoided)
    assert (first.request_id, first.payment_request_id, first.currency) == (VOID, PAY, "XXX")
    assert story.tell(void()) == [first] and story.last.verdict == "again"
    assert story.tell(requested()) == [voided(0)]
    assert story.tell(requested()) == [voided(0)] and story.last.verdict == "again"
    assert not story.open_calls and story.due is None


def test_another_request_than_the_voided_one_is_served() -> None:
    story = told(Story(), void(), requested(request=request_id("again")))
    assert names(story.facts) == ["PaymentVoided", "PaymentAuthorized"]


def test_a_promise_is_voided_at_the_provider() -> None:
    story = authorised()
    story.tell(void())
    (call,) = story.open_calls
    assert (call.method, call.body["authorisation_id"]) == ("void", story.attempt.authorisation_id)
    assert story.answered() == [voided(TOTAL, story.attempt.authorisation_id)]
    assert story.due is None


def test_a_void_told_again_is_answered_again_the_same() -> None:
    story = told(authorised(), void())
    assert story.tell(void()) == story.facts[-1:]
    other = request_id("void again")
    assert story.tell(void(other)) == [voided(TOTAL, story.attempt.authorisation_id, other)]


def test_a_void_told_again_before_the_answer_makes_no_second_call() -> None:
    story = authorised()
    story.tell(void(), void(), void(request_id("void again")))
    assert [f.request_id for f in story.all_answered()] == [VOID, request_id("void again")]


def test_a_void_during_the_authorisation_waits_for_its_answer() -> None:
    story = Story()
    assert story.tell(requested(), void()) == []
    assert story.open_calls[0].method == "authorise"
    assert story.answered() == []
    assert story.open_calls[0].method == "void"
    assert story.answered() == [voided(TOTAL, story.attempt.authorisation_id)]


def test_a_decline_after_the_void_leaves_nothing_to_void() -> None:
    story = Story()
    story.tell(requested("tok_decline"), void())
    assert story.answered() == [voided(0)]


def test_a_void_while_the_payer_is_awaited_is_answered_at_once() -> None:
    story = authorised("tok_decline_then_pay")
    assert story.tell(void()) == [voided(0)] and not story.open_calls


def test_a_void_after_a_final_decline_is_answered_at_once() -> None:
    assert authorised("tok_decline").tell(void()) == [voided(0)]


def test_a_void_of_a_lost_authorisation_is_made_by_its_key() -> None:
    story = authorised("tok_late_success")
    key = story.attempt.authorise_key
    story.tell(void())
    (call,) = story.open_calls
    assert (call.method, call.body["authorise_key"], call.body["authorisation_id"]) == (
        "void", key, "",
    )  # fmt: skip
    story.answered()
    assert [p.voided for p in story.provider.promises.values()] == [True]


def test_an_authorisation_lost_after_the_void_is_voided_by_its_key() -> None:
    story = Story()
    story.tell(requested(), void())
    story.unknown()
    assert story.open_calls[0].method == "void"
    assert names(story.answered()) == ["PaymentVoided"]


def test_a_success_reported_after_the_void_is_voided_at_the_provider() -> None:
    story = told(authorised("tok_silent"), void())
    story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR))
    assert story.open_calls[0].method == "void" and story.answered() == []
    assert story.provider.promises[f"page-{TOTAL}-1"].voided
    assert story.attempt.status is Status.VOIDED and story.due is None


@pytest.mark.parametrize(("code", "tries"), [("already_voided", 1), ("try_again_later", 3)])
def test_a_void_is_tried_until_the_money_is_free(code: str, tries: int) -> None:
    story = authorised()
    story.tell(void())
    for _ in range(tries - 1):
        assert story.refused(code) == []
        story.time_is_up()
    assert story.open_calls[0].method == "void"
    said = story.refused("already_voided")
    assert said == [voided(TOTAL, story.attempt.authorisation_id)]


def test_a_void_nobody_answers_is_asked_again() -> None:
    story = authorised()
    story.tell(void())
    key = story.open_calls[0].body["key"]
    assert story.unknown() == []
    story.time_is_up()
    assert story.open_calls[0].body["key"] == key
    assert names(story.answered()) == ["PaymentVoided"]


def test_a_stray_promise_is_voided_until_it_is_gone() -> None:
    story = authorised("tok_decline")
    story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR))
    story.refused("try_again_later")
    assert story.due is not None
    story.time_is_up()
    story.answered()
    assert story.provider.promises[f"page-{TOTAL}-1"].voided and story.due is None


def test_a_void_after_a_shipment_frees_the_rest() -> None:
    story = told(authorised(), shipped("S-1", ("3", 1)), void())
    captured = story.receivable.amount.gross_minor
    assert story.facts[-1] == voided(TOTAL - captured, story.attempt.authorisation_id)
    (promise,) = story.provider.promises.values()
    assert (promise.captured_minor, promise.voided) == (captured, True)


def test_what_was_shipped_before_the_void_is_captured_first() -> None:
    story = authorised()
    story.tell(shipped("S-1", ("3", 1)), shipped("S-2", ("2", 1)), void())
    methods = []
    while story.open_calls:
        methods.append(story.open_calls[0].method)
        story.answered()
    assert methods == ["capture", "capture", "void"]


def test_a_void_of_what_is_wholly_captured_is_answered_at_once() -> None:
    story = told(authorised(), all_shipped())
    assert story.tell(void()) == [voided(0, story.attempt.authorisation_id)]
    assert story.tell(void()) == [voided(0, story.attempt.authorisation_id)]
    assert story.attempt.status is Status.CAPTURED and not story.open_calls


def test_a_void_during_the_last_capture_finds_nothing_left() -> None:
    story = authorised()
    story.tell(all_shipped(), void())
    said = story.all_answered()
    assert names(said) == ["LedgerPosted", "PaymentCaptured", "PaymentVoided"]
    assert said[-1] == voided(0, story.attempt.authorisation_id)


def test_a_capture_refused_after_the_void_is_owed() -> None:
    story = authorised("tok_capture_fails")
    story.tell(shipped("S-1", ("3", 1)), void())
    (said,) = story.answered()
    assert isinstance(said, PaymentCaptureFailed) and said.next_try is None
    assert names(story.answered()) == ["PaymentVoided"]
    assert story.receivable.status is ReceivableStatus.OWED


def test_a_capture_to_be_tried_again_is_owed_once_the_promise_is_void() -> None:
    story = told(authorised("tok_capture_fails"), shipped("S-1", ("3", 1)))
    story.tell(void())
    said = story.answered()
    assert names(said) == ["PaymentVoided", "PaymentCaptureFailed"]
    assert isinstance(said[1], PaymentCaptureFailed) and said[1].code == "no_authorisation"


def test_goods_shipped_after_the_void_are_invoiced_and_owed() -> None:
    story = told(authorised(), void())
    said = story.tell(all_shipped())
    assert names(said) == ["LedgerPosted", "PaymentCaptureFailed"]
    assert isinstance(said[1], PaymentCaptureFailed)
    assert (said[1].code, said[1].next_try, said[1].amount_minor) == (
        "no_authorisation", None, TOTAL,
    )  # fmt: skip
    assert story.ledger()[Account.RECEIVABLES] == TOTAL
    assert story.due is not None and story.due.owner == "receivables"
    assert [item.status for item in story.of(OpenItem)] == ["owed"]


def test_the_unused_rest_of_a_prepayment_goes_back_with_the_void() -> None:
    story = told(authorised("ref-1", method="prepaid"), shipped("S-1", ("3", 1)))
    used = story.receivable.amount.gross_minor
    story.tell(void())
    (call,) = story.open_calls
    assert (call.method, call.body["reference"], call.body["amount_minor"]) == (
        "transfer", "ref-1", TOTAL - used,
    )  # fmt: skip
    said = story.answered()
    assert names(said) == ["LedgerPosted", "PaymentVoided"]
    assert Account.CUSTOMER_DEPOSITS not in story.ledger()
    assert story.ledger()[Account.CASH] == used and story.due is None


def test_a_prepayment_that_cannot_be_paid_back_is_tried_again() -> None:
    story = authorised("tok_refund_fails", method="prepaid")
    story.tell(void())
    assert story.answered() == []
    assert story.due is not None and story.due.owner == "receivables"
    story.time_is_up()
    said = story.done(refund_id="r-1", amount_minor=TOTAL, currency=EUR)
    assert names(said) == ["LedgerPosted", "PaymentVoided"]


def test_another_amount_paid_back_than_asked_is_left_to_a_person() -> None:
    story = authorised("ref-1", method="prepaid")
    story.tell(void())
    with pytest.raises(ValueError, match="moved"):
        story.done(refund_id="r-1", amount_minor=TOTAL - 1, currency=EUR)


def test_terms_are_voided_without_a_call() -> None:
    story = authorised("acme", method="terms")
    (said,) = story.tell(void())
    assert isinstance(said, PaymentVoided) and said.amount_minor == TOTAL
    assert not story.open_calls and story.attempt.terms.order_no == ORDER_NO


def test_a_deposit_promised_back_already_is_not_freed_by_the_void() -> None:
    story = authorised("tok_refund_fails", method="prepaid")
    story.tell(refund(TOTAL))
    assert story.tell(void()) == [voided(0, story.attempt.authorisation_id)]
    assert names(story.answered()) == ["RefundFailed"]
    story.tell(refund(TOTAL, request=request_id("by hand")))
    assert story.open_calls[0].body["amount_minor"] == TOTAL


def test_a_deposit_that_went_back_with_the_void_is_not_refunded_once_more() -> None:
    story = told(authorised("ref-1", method="prepaid"), void())
    (said,) = story.tell(refund(1))
    assert isinstance(said, RefundFailed) and said.code == "over_refund"


def test_every_invoice_that_counted_on_the_promise_is_owed() -> None:
    story = told(
        authorised("tok_capture_fails"), shipped("S-1", ("1", 1)), shipped("S-2", ("2", 1))
    )
    told(story, void())
    assert [r.status for r in story.attempt.receivables] == [ReceivableStatus.OWED] * 2


def test_a_void_before_the_next_token_was_tried_is_answered_at_once() -> None:
    story = authorised("tok_decline")
    again = request_id("again")
    told(story, requested("tok_decline_then_pay", request=again))
    story.tell(AuthorisationReported(f"page-{TOTAL}-1", TOTAL, EUR, PAY))
    assert story.open_calls[0].method == "void"
    story.tell(PayerRetried("tok_approve"))
    assert names(story.tell(void(of=again))) == ["PaymentVoided"]
    assert story.all_answered() == [] and len(story.provider.promises) == 1
