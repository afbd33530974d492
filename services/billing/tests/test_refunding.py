"""Giving money back."""

import json

import pytest
from builders import (
    EUR,
    PAY,
    REFUND,
    TOTAL,
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
from test_invoicing import receipt

from oms_billing.domain import CreditNote, RefundStatus
from oms_contracts.billing import Account, LedgerPosted, PostingCause, RefundCompleted, RefundFailed


def captured(token: str = "tok_approve", **changes: str) -> Story:
    return told(authorised(token, **changes), all_shipped())


def test_a_return_goes_back_with_exactly_its_own_tax() -> None:
    story = captured()
    story.tell(refund(250 + 48, ("2", 1)))
    assert story.open_calls[0].method == "refund"
    posted, completed = story.answered()
    assert isinstance(posted, LedgerPosted) and isinstance(completed, RefundCompleted)
    assert (posted.cause, posted.document_no) == (PostingCause.REFUND, "CN-2026-000001")
    assert (completed.request_id, completed.credit_note_no) == (REFUND, "CN-2026-000001")
    note = story.credit_note()
    assert (note.net_minor, note.tax_minor, note.invoice_nos) == (250, 48, "INV-2026-000001")
    assert json.loads(note.lines) == [
        {"line_id": "2", "sku": "BULB", "qty": 1, "net_minor": 250, "tax_minor": 48}
    ]
    assert story.ledger()[Account.RETURNS] == 250
    assert story.ledger()[Account.CASH] == TOTAL - 298


def test_all_units_returned_one_by_one_give_back_everything_they_cost() -> None:
    story = captured()
    for n, minor in enumerate((3_333 + 633, 3_333 + 634, 3_333 + 633)):
        story.tell(refund(minor, ("1", 1), request=request_id(f"refund {n}")))
        story.all_answered()
    notes = story.of(CreditNote)
    assert sum(n.net_minor for n in notes) == 9_999 and sum(n.tax_minor for n in notes) == 1_900


def test_a_full_refund_nets_revenue_and_tax_to_zero() -> None:
    story = told(captured(), refund(TOTAL))
    assert story.ledger() == {Account.REVENUE: -11_067, Account.RETURNS: 11_067}


def test_a_refund_without_lines_is_spread_over_all_that_was_invoiced() -> None:
    story = told(captured(), refund(1_000))
    note = story.credit_note()
    assert note.net_minor + note.tax_minor == 1_000
    assert {line["qty"] for line in json.loads(note.lines)} == {0}
    assert note.tax_minor == pytest.approx(1_000 * 2_090 / TOTAL, abs=2)


def test_less_than_the_units_cost_is_split_over_them_alone() -> None:
    story = told(captured(), refund(200, ("2", 1)))
    (line,) = json.loads(story.credit_note().lines)
    assert (line["line_id"], line["qty"], line["net_minor"], line["tax_minor"]) == ("2", 1, 168, 32)


def test_more_than_the_units_cost_takes_the_rest_from_everything() -> None:
    story = told(captured(), refund(398, ("2", 1)))
    by_line = {line["line_id"]: line for line in json.loads(story.credit_note().lines)}
    assert by_line["2"]["qty"] == 1 and by_line["2"]["net_minor"] >= 250
    assert story.credit_note().net_minor + story.credit_note().tax_minor == 398


def test_a_line_never_gives_back_more_than_it_was_charged() -> None:
    story = told(captured(), refund(1_000))
    allowance = story.attempt.credited[0].amount.gross_minor
    told(story, refund(9_999 + 1_900, ("1", 3), request=request_id("return")))
    charged = {line.line_id: amount for line, _, amount in story.attempt.invoiced()}
    by_line = {c.line_id: c for c in story.attempt.credited}
    assert allowance > 0 and by_line["1"].amount == charged["1"] and by_line["1"].qty == 3
    assert sum(c.amount.gross_minor for c in by_line.values()) == 1_000 + 9_999 + 1_900


def test_a_refund_told_again_is_answered_again_the_same() -> None:
    story = captured()
    story.tell(refund(100), refund(100))
    assert story.last.verdict == "again"
    story.all_answered()
    assert story.tell(refund(100)) == story.facts[-1:]
    assert len(story.of(CreditNote)) == 1


def test_never_more_is_given_back_than_is_there() -> None:
    story = captured()
    (said,) = story.tell(refund(TOTAL + 1))
    assert isinstance(said, RefundFailed) and said.code == "over_refund"
    assert story.tell(refund(TOTAL + 1)) == [said]


def test_a_refund_under_way_counts_as_given_back() -> None:
    story = captured()
    story.tell(refund(TOTAL - 10))
    (said,) = story.tell(refund(11, request=request_id("other")))
    assert isinstance(said, RefundFailed) and said.code == "over_refund"
    story.tell(refund(10, request=request_id("third")))
    assert names(story.all_answered()) == ["LedgerPosted", "RefundCompleted"] * 2


def test_a_refund_of_what_is_not_captured_fails() -> None:
    (said,) = authorised().tell(refund(1))
    assert isinstance(said, RefundFailed) and said.code == "over_refund"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (refund(0), "zero_amount"),
        (refund(1, currency="USD"), "other_currency"),
        (refund(1, of=request_id("other")), "unknown_payment"),
    ],
)
def test_a_refund_that_makes_no_sense_fails(wanted, code: str) -> None:
    (said,) = captured().tell(wanted)
    assert isinstance(said, RefundFailed) and said.code == code


def test_a_refund_of_a_payment_nobody_asked_for_fails() -> None:
    (said,) = Story().tell(refund(1))
    assert isinstance(said, RefundFailed) and said.code == "unknown_payment"


def test_a_refused_refund_is_a_persons_and_frees_its_amount() -> None:
    story = captured("tok_refund_fails")
    story.tell(refund(TOTAL))
    (said,) = story.answered()
    assert isinstance(said, RefundFailed)
    assert (said.code, said.text) == ("refund_declined", "the provider's words")
    assert not story.of(CreditNote) and story.ledger()[Account.CASH] == TOTAL
    story.tell(refund(TOTAL, request=request_id("by hand")))
    assert story.open_calls[0].method == "refund"


def test_a_refund_nobody_answers_is_asked_again() -> None:
    story = captured()
    story.tell(refund(100))
    key = story.open_calls[0].body["key"]
    story.unknown()
    story.time_is_up()
    assert story.open_calls[0].body["key"] == key
    assert names(story.answered()) == ["LedgerPosted", "RefundCompleted"]


def test_a_cancelled_rest_of_a_prepaid_order_comes_from_the_deposit() -> None:
    story = told(authorised("ref-1", method="prepaid"), shipped("S-1", ("3", 1)), refund(500))
    completed = story.facts[-1]
    assert isinstance(completed, RefundCompleted) and completed.credit_note_no == ""
    assert story.of(CreditNote) == [] and Account.RETURNS not in story.ledger()
    used = story.receivable.amount.gross_minor
    assert story.ledger()[Account.CUSTOMER_DEPOSITS] == -(TOTAL - used - 500)


def test_goods_returned_from_a_prepaid_order_correct_its_invoice() -> None:
    story = told(authorised("ref-1", method="prepaid"), shipped("S-1", ("3", 1)))
    told(story, refund(70, ("3", 1)))
    assert story.credit_note().net_minor == 70 and story.ledger()[Account.RETURNS] == 70


def test_a_refund_beyond_the_deposit_takes_the_rest_from_the_invoices() -> None:
    story = told(authorised("ref-1", method="prepaid"), shipped("S-1", ("3", 1)), refund(TOTAL))
    assert story.credit_note().net_minor == 70 + 498 and story.credit_note().tax_minor == 95
    assert story.ledger() == {Account.REVENUE: -568, Account.RETURNS: 568}


def test_a_deposit_on_its_way_back_is_not_refunded_twice() -> None:
    story = authorised("ref-1", method="prepaid")
    story.tell(void())
    (said,) = story.tell(refund(1))
    assert isinstance(said, RefundFailed) and said.code == "over_refund"


def test_a_refund_on_account_lowers_what_is_owed_and_moves_no_money() -> None:
    story = captured("acme", method="terms")
    said = story.tell(refund(1_000))
    assert names(said) == ["LedgerPosted", "RefundCompleted"] and not story.open_calls
    assert story.receivable.open_minor == TOTAL - 1_000
    assert story.ledger()[Account.RECEIVABLES] == TOTAL - 1_000
    assert Account.CASH not in story.ledger()


def test_a_refund_of_all_that_is_owed_closes_the_receivable() -> None:
    story = captured("acme", method="terms")
    story.tell(refund(TOTAL))
    assert story.open_item().status == "settled" and story.due is None


def test_what_was_paid_on_account_is_paid_back() -> None:
    story = told(captured("acme", method="terms"), receipt(TOTAL - 300))
    story.tell(refund(1_000))
    (call,) = story.open_calls
    assert (call.method, call.body["amount_minor"]) == ("transfer", 700)
    assert call.body["reference"] == "acme"
    story.answered()
    assert story.ledger()[Account.CASH] == TOTAL - 1_000
    assert Account.RECEIVABLES not in story.ledger() and story.due is None


def test_a_refund_that_fails_leaves_the_customer_owing_as_before() -> None:
    story = told(captured("tok_refund_fails", method="terms"), receipt(TOTAL - 300))
    story.tell(refund(1_000))
    assert story.receivable.open_minor == 0
    assert names(story.answered()) == ["RefundFailed"]
    assert story.receivable.open_minor == 300
    assert story.attempt.refunds[0].status is RefundStatus.FAILED


def test_a_refund_of_an_earlier_attempt_is_made_there() -> None:
    story = told(authorised(), shipped("S-1", ("1", 1)), void())
    paid = story.receivable.amount.gross_minor
    first = story.attempt.authorisation_id
    told(story, requested(request=request_id("again")))
    story.tell(refund(paid, of=PAY))
    assert story.open_calls[0].body["authorisation_id"] == first
    assert names(story.answered()) == ["LedgerPosted", "RefundCompleted"]


def test_another_amount_refunded_than_asked_is_left_to_a_person() -> None:
    story = captured()
    story.tell(refund(100))
    with pytest.raises(ValueError, match="moved"):
        story.done(refund_id="r-1", amount_minor=99, currency=EUR)
