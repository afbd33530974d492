"""Goods that left become an invoice, and the invoice gets its money."""

import json
from datetime import timedelta

import pytest
from builders import (
    EUR,
    NOW,
    PAY,
    SHIPPING,
    TOTAL,
    Story,
    all_shipped,
    authorised,
    names,
    request_id,
    requested,
    shipped,
    told,
    void,
)
from msgspec.structs import replace

from oms_billing.domain import (
    Invoice,
    MoneyReceived,
    OpenItem,
    PayerRetried,
    Policy,
    ReceivableStatus,
    Status,
)
from oms_contracts.billing import (
    Account,
    LedgerPosted,
    PaymentCaptured,
    PaymentCaptureFailed,
    PostingCause,
)


def test_a_shipment_is_invoiced_then_captured() -> None:
    story = authorised()
    assert names(story.tell(all_shipped())) == ["LedgerPosted"]
    assert story.ledger() == {
        Account.RECEIVABLES: TOTAL, Account.REVENUE: -11_067, Account.SALES_TAX: -2_090,
    }  # fmt: skip
    posted, captured = story.answered()
    assert isinstance(posted, LedgerPosted) and isinstance(captured, PaymentCaptured)
    assert (posted.cause, posted.document_no) == (PostingCause.CAPTURE, "INV-2026-000001")
    assert captured.request_id == PAY and captured.shipment_id == "S-1"
    assert (captured.amount_minor, captured.tax_minor) == (TOTAL, 2_090)
    assert (captured.journal_id, captured.invoice_no) == (posted.journal_id, posted.document_no)
    assert captured.due_at is None
    assert story.ledger() == {
        Account.CASH: TOTAL, Account.REVENUE: -11_067, Account.SALES_TAX: -2_090,
    }  # fmt: skip
    assert story.attempt.status is Status.CAPTURED and story.due is None


def test_an_ordinary_order_never_enters_the_aged_list() -> None:
    assert told(authorised(), all_shipped()).of(OpenItem) == []


def test_the_invoice_says_what_was_shipped() -> None:
    story = told(authorised(), shipped("S-1", ("1", 2), ("2", 1)))
    (invoice,) = story.of(Invoice)
    assert json.loads(invoice.lines) == [
        {"line_id": "1", "sku": "LAMP", "qty": 2, "net_minor": 6_666, "tax_minor": 1_267},
        {"line_id": "2", "sku": "BULB", "qty": 1, "net_minor": 250, "tax_minor": 48},
    ]
    assert (invoice.shipping_net_minor, invoice.shipping_tax_minor) == SHIPPING
    assert invoice.net_minor == 6_666 + 250 + SHIPPING[0]


def test_units_of_one_line_from_two_places_are_one_line_of_the_invoice() -> None:
    story = told(authorised(), shipped("S-1", ("1", 1), ("1", 2)))
    assert [line["qty"] for line in json.loads(story.of(Invoice)[0].lines)] == [3]


def test_the_last_of_several_shipments_takes_exactly_the_rest() -> None:
    story = told(
        authorised(),
        shipped("S-1", ("1", 1)),
        shipped("S-2", ("1", 1), ("2", 1)),
        shipped("S-3", ("1", 1), ("2", 1), ("3", 1), last=True),
    )
    amounts = [r.amount for r in story.attempt.receivables]
    assert [a.net_minor for a in amounts] == [3_333 + 498, 3_333 + 250, 3_333 + 250 + 70]
    assert sum(a.gross_minor for a in amounts) == TOTAL
    assert story.numbers() == ["INV-2026-000001", "INV-2026-000002", "INV-2026-000003"]
    assert story.attempt.status is Status.CAPTURED


def test_captures_queue_behind_an_open_call() -> None:
    story = authorised()
    story.tell(shipped("S-1", ("1", 1)), shipped("S-2", ("1", 2)))
    assert [call.body["invoice_no"] for call in story.open_calls] == ["INV-2026-000001"]
    story.answered()
    assert [call.body["invoice_no"] for call in story.open_calls] == ["INV-2026-000002"]


def test_a_shipment_told_again_is_answered_again_the_same() -> None:
    story = told(authorised(), all_shipped())
    assert story.tell(all_shipped()) == story.facts[-1:]
    assert len(story.numbers()) == 1 and story.last.verdict == "again"


def test_a_shipment_told_again_during_its_capture_is_not_invoiced_twice() -> None:
    story = authorised()
    story.tell(all_shipped())
    assert story.tell(all_shipped()) == [] and len(story.numbers()) == 1


def test_a_refused_capture_is_tried_again_by_the_schedule_and_then_given_up() -> None:
    policy = replace(Policy(), capture_retry_seconds=(60.0, 600.0))
    story = told(Story(policy=policy), requested("tok_capture_fails"), all_shipped())
    tries = [story.facts[-1]]
    while story.receivable.status is ReceivableStatus.RETRYING:
        story.time_is_up()
        tries += story.all_answered()
    assert all(isinstance(t, PaymentCaptureFailed) for t in tries)
    waits = [t.next_try for t in tries if isinstance(t, PaymentCaptureFailed)]
    assert [w is None for w in waits] == [False, False, True]
    assert story.receivable.next_at is not None, "somebody must collect"
    assert story.open_item().status == "owed" and story.open_item().code == "processor_declined"


def test_each_try_of_a_refused_capture_has_a_key_of_its_own() -> None:
    story = authorised("tok_capture_fails_once")
    story.tell(all_shipped())
    first = story.open_calls[0].body["key"]
    story.answered()
    story.time_is_up()
    assert story.open_calls[0].body["key"] != first
    assert names(story.answered()) == ["LedgerPosted", "PaymentCaptured"]
    assert story.open_item().status == "settled"


def test_a_failed_capture_is_told_again_as_it_stands() -> None:
    story = told(authorised("tok_capture_fails"), all_shipped())
    assert story.tell(all_shipped()) == story.facts[-1:]


def test_a_capture_nobody_answers_is_asked_again_and_shown_in_the_aged_list() -> None:
    story = authorised()
    story.tell(all_shipped())
    key = story.open_calls[0].body["key"]
    assert story.unknown() == []
    assert (story.open_item().status, story.open_item().code) == ("capturing", "provider_silent")
    story.time_is_up()
    assert story.open_calls[0].body["key"] == key
    assert names(story.answered()) == ["LedgerPosted", "PaymentCaptured"]
    assert story.open_item().status == "settled"


def test_a_prepayment_is_taken_from_the_deposit() -> None:
    story = told(authorised("ref-1", method="prepaid"), all_shipped())
    assert names(story.facts[2:]) == ["LedgerPosted", "LedgerPosted", "PaymentCaptured"]
    assert story.ledger() == {
        Account.CASH: TOTAL, Account.REVENUE: -11_067, Account.SALES_TAX: -2_090,
    }  # fmt: skip
    assert not story.open_calls and story.due is None


def test_on_account_the_order_is_settled_and_the_receivable_stays_open() -> None:
    story = authorised("acme", method="terms")
    posted, captured = story.tell(all_shipped())
    assert isinstance(posted, LedgerPosted) and isinstance(captured, PaymentCaptured)
    assert captured.journal_id == posted.journal_id and not story.open_calls
    assert captured.due_at is not None and captured.due_at - story.now == timedelta(days=30)
    assert story.ledger()[Account.RECEIVABLES] == TOTAL
    assert story.attempt.status is Status.CAPTURED
    assert story.due is not None and story.due.at == captured.due_at


def test_an_overdue_customer_is_reminded_again_and_again() -> None:
    story = told(authorised("acme", method="terms"), all_shipped())
    for reminders in (1, 2):
        assert story.time_is_up() == []
        assert story.open_item().reminders == reminders
    assert story.due is not None and story.due.owner == "receivables"


def receipt(amount_minor: int, reference: str = "bank-1", **changes: str) -> MoneyReceived:
    told_ = {"invoice_no": "INV-2026-000001", "currency": EUR} | changes
    return MoneyReceived(amount_minor=amount_minor, reference=reference, **told_)


def test_money_on_account_closes_the_receivable() -> None:
    story = told(authorised("acme", method="terms"), all_shipped())
    assert names(story.tell(receipt(1_000))) == ["LedgerPosted"]
    assert story.last.answer == {"invoice_no": "INV-2026-000001", "open_minor": TOTAL - 1_000}
    assert names(story.tell(receipt(TOTAL - 1_000, "bank-2"))) == ["LedgerPosted"]
    assert Account.RECEIVABLES not in story.ledger() and story.due is None
    assert story.open_item().status == "settled"


def test_the_same_money_is_booked_once() -> None:
    story = told(authorised("acme", method="terms"), all_shipped(), receipt(1_000))
    assert story.tell(receipt(1_000)) == [] and story.last.verdict == "again"
    assert story.receivable.open_minor == TOTAL - 1_000


def test_money_for_an_invoice_that_could_not_be_captured_settles_the_order() -> None:
    story = told(authorised(), void(), all_shipped())
    said = story.tell(receipt(TOTAL))
    assert names(said) == ["LedgerPosted", "PaymentCaptured"] and story.due is None


def test_a_part_paid_by_bank_leaves_the_rest_to_the_capture() -> None:
    story = told(authorised("tok_capture_fails_once"), all_shipped(), receipt(1_000))
    story.time_is_up()
    assert story.open_calls[0].body["amount_minor"] == TOTAL - 1_000
    story.answered()
    assert Account.RECEIVABLES not in story.ledger()
    assert story.ledger()[Account.CASH] == TOTAL


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (receipt(1, invoice_no="INV-2026-000009"), "unknown_invoice"),
        (receipt(1, currency="USD"), "other_currency"),
        (receipt(TOTAL + 1), "more_than_owed"),
        (receipt(0), "more_than_owed"),
    ],
)
def test_money_that_cannot_be_booked_is_refused(command: MoneyReceived, code: str) -> None:
    story = told(authorised("acme", method="terms"), all_shipped(), command)
    assert story.last.refusal is not None and story.last.refusal.code == code


def test_money_during_a_capture_must_wait() -> None:
    story = authorised()
    story.tell(all_shipped(), receipt(1))
    assert story.last.refusal is not None and story.last.refusal.code == "capture_under_way"


def test_an_invoice_takes_so_many_payments_and_no_more() -> None:
    story = told(authorised("acme", method="terms"), all_shipped())
    story.tell(*(receipt(1, f"bank-{n}") for n in range(51)))
    assert story.last.refusal is not None and story.last.refusal.code == "too_many_payments"


def test_goods_that_cost_nothing_are_invoiced_and_settled_without_a_journal() -> None:
    free = requested(lines=[("1", "GIFT", 1, 0, 0)], shipping=(0, 0))
    story = told(Story(), free, shipped("S-1", ("1", 1), last=True))
    (said,) = story.facts[1:]
    assert isinstance(said, PaymentCaptured)
    assert (said.amount_minor, said.journal_id) == (0, "none")
    assert story.numbers() == ["INV-2026-000001"] and story.due is None


def test_goods_shipped_before_the_promise_are_captured_when_it_comes() -> None:
    story = authorised("tok_decline_then_pay")
    assert names(story.tell(all_shipped())) == ["LedgerPosted"]
    story.tell(PayerRetried("tok_approve"))
    said = story.all_answered()
    assert names(said) == ["PaymentAuthorized", "LedgerPosted", "PaymentCaptured"]


def test_goods_shipped_before_a_decline_are_owed() -> None:
    story = Story()
    story.tell(requested("tok_decline"), all_shipped())
    said = story.answered()
    assert names(said) == ["PaymentDeclined", "PaymentCaptureFailed"]


def test_a_deposit_that_is_too_small_is_not_touched() -> None:
    story = authorised("ref-1", method="prepaid")
    story.tell(void())
    story.refused("try_again_later")
    (_, said) = story.tell(all_shipped())
    assert isinstance(said, PaymentCaptureFailed) and said.code == "no_authorisation"
    assert story.ledger()[Account.CUSTOMER_DEPOSITS] == -TOTAL


@pytest.mark.parametrize(
    ("shipment", "fault"),
    [
        (shipped("S-1", ("1", 4)), "4 units"),
        (shipped("S-1", ("9", 1)), "never priced"),
    ],
)
def test_goods_that_were_never_priced_are_left_to_a_person(shipment, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        authorised().tell(shipment)
    with pytest.raises(ValueError, match="nobody ever priced"):
        Story().tell(all_shipped())


def test_another_amount_captured_than_asked_is_left_to_a_person() -> None:
    story = authorised()
    story.tell(all_shipped())
    with pytest.raises(ValueError, match="moved"):
        story.done(capture_id="c-1", amount_minor=TOTAL - 1, currency=EUR)


def test_an_authorisation_that_everything_was_taken_from_lapses_in_silence() -> None:
    story = told(authorised("tok_expires_soon"), shipped("S-1", ("3", 1), last=True))
    assert story.attempt.status is Status.PART_CAPTURED
    story.time_is_up()
    assert not story.open_calls, "a promise that nobody needs is not renewed"
    story.time_is_up()
    assert story.attempt.status is Status.VOIDED and story.due is None


def test_a_shipment_belongs_to_the_latest_request() -> None:
    story = told(authorised(), void(), requested(request=request_id("again")), all_shipped())
    (captured,) = [f for f in story.facts if isinstance(f, PaymentCaptured)]
    assert captured.request_id == request_id("again") and story.now > NOW
