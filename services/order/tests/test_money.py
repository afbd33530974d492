"""Money is promised, taken, let go and given back: never more than what is shipped."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from builders import accepted, captured, completed, delivered, released, reserved, shipped
from hypothesis import given
from hypothesis import strategies as st
from replies import (
    at,
    backorder_filled,
    backordered,
    capture_failed,
    fulfilment_packed,
    parcel_delivered,
    parcels_shipped,
    payment_authorised,
    payment_captured,
    payment_declined,
    payment_voided,
    refund_completed,
    stock_released,
    stock_reserved,
    wanted,
)
from story import A_REQUEST, Story, line

from oms_contracts import answers, billing
from oms_contracts import order as said
from oms_order.domain import CancelOrder, PaymentState, Policy, ReleaseHold, Status, TaskKind
from oms_order.domain.currencies import shown
from oms_order.domain.ordered import share


def cancelled() -> Story:
    """An order that ended before anything was released."""
    story = reserved()
    story.tell(CancelOrder(), actor="ann")
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    return story


@given(st.integers(0, 10**9), st.integers(1, 1_000))
def test_shares_of_an_amount_add_up_and_differ_by_no_more_than_one(
    amount_minor: int, units: int
) -> None:
    whole = [share(amount_minor, n, units) for n in range(units + 1)]
    parts = [after - before for before, after in pairwise(whole)]
    assert sum(parts) == amount_minor and max(parts) - min(parts) <= 1


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [(1250, "EUR", "12.50 EUR"), (5, "USD", "0.05 USD"), (700, "JPY", "700 JPY"),
     (12_345, "BHD", "12.345 BHD"), (-1, "EUR", "-0.01 EUR")],
)  # fmt: skip
def test_amounts_are_shown_in_the_digits_of_their_currency(
    amount_minor: int, currency: str, text: str
) -> None:
    assert shown(amount_minor, currency) == text


def test_a_payment_is_the_price_of_its_lines_and_the_shipping() -> None:
    story = reserved(line("1", 3, 1_000, discount_minor=100, tax_minor=551))
    (asked,) = story.all(said.PaymentRequested)
    (priced,) = asked.lines
    assert (priced.qty, priced.net_minor, priced.tax_minor) == (3, 2_900, 551)
    assert asked.amount_minor == 2_900 + 551 + 495 + 94
    assert asked.reference == "tok_ok" and asked.bill_to == "sealed address"


def test_only_units_that_are_still_wanted_are_paid_for() -> None:
    story = accepted(line("1", 3, 1_000, tax_minor=100), shipping_minor=0, shipping_tax_minor=0)
    story.tell(CancelOrder((("1", 1),)), actor="ann")
    story.tell(stock_reserved(story))
    story.tell(stock_released(story))
    (asked,) = story.all(said.PaymentRequested)
    assert (asked.lines[0].qty, asked.lines[0].tax_minor) == (2, 67)
    assert asked.amount_minor == 2_067


def test_another_amount_than_asked_for_is_looked_at_before_release() -> None:
    story = reserved()
    story.tell(payment_authorised(story, amount_minor=1))
    (held,) = story.new(said.OrderHeld)
    assert (held.type, held.gate) == (said.HoldType.AMOUNT, said.Gate.PAY)
    assert not story.all(said.OrderReleased)
    story.tell(ReleaseHold(held.hold_id, "a voucher"), actor="ann")
    assert story.new(said.OrderReleased)


def test_a_final_decline_cancels_the_order_and_there_is_nothing_to_void() -> None:
    story = reserved()
    story.tell(payment_declined(story))
    assert not story.all(said.PaymentVoidRequested)
    story.tell(stock_released(story))
    (done,) = story.new(said.OrderCancelled)
    assert done.code == "payment_declined" and "insufficient_funds" in done.reason
    assert story.order.payment_state is PaymentState.DECLINED


def test_a_payer_may_try_again_until_the_time_is_over() -> None:
    story = reserved()
    until = story.now + timedelta(hours=2)
    story.tell(payment_declined(story, final=False, retry_until=until))
    assert story.order.payment_state is PaymentState.AWAITING_PAYER
    story.tell(payment_authorised(story))
    assert story.new(said.OrderReleased)


def test_a_payer_who_never_pays_loses_the_order_and_a_late_success_is_voided() -> None:
    story = reserved()
    until = story.now + timedelta(hours=2)
    story.tell(payment_declined(story, final=False, retry_until=until))
    story.wake()
    assert story.now == until
    asked = story.last(said.PaymentRequested).request_id
    assert story.new(said.PaymentVoidRequested)[0].payment_request_id == asked
    story.tell(payment_authorised(story))
    story.tell(payment_voided(story))
    story.tell(stock_released(story))
    assert story.new(said.OrderCancelled)[0].code == "payment_timeout"
    assert story.order.status is Status.CANCELLED


def test_a_retry_offered_after_the_payers_time_is_no_retry() -> None:
    story = reserved(policy=Policy(payer_seconds=0.5))
    later = story.now + timedelta(days=1)
    story.tell(payment_declined(story, final=False, retry_until=later))
    assert story.order.status is Status.CANCELLING


def test_money_promised_after_the_end_is_let_go() -> None:
    story = cancelled()
    asked = story.last(said.PaymentRequested).request_id
    story.tell(payment_authorised(story))
    assert story.new(said.PaymentVoidRequested)[0].payment_request_id == asked
    story.tell(payment_voided(story))
    assert story.order.payment_state is PaymentState.VOIDED
    assert story.order.status is Status.CANCELLED
    assert len(story.all(said.OrderCancelled)) == 1


def test_money_promised_for_a_foreign_question_is_let_go_by_its_name() -> None:
    story = reserved()
    foreign = payment_authorised(story).model_copy(update={"request_id": A_REQUEST})
    before = story.state
    story.tell(foreign)
    assert story.new(said.PaymentVoidRequested)[0].payment_request_id == A_REQUEST
    assert story.state is before


def test_a_shipment_that_is_paid_for_is_invoiced() -> None:
    story = captured()
    (invoiced,) = story.all(said.OrderInvoiced)
    assert invoiced.paid and invoiced.invoice_no == "INV-1"
    assert story.order.payment_state is PaymentState.CAPTURED
    again = story.tell(payment_captured(story, story.last(said.OrderShipped)))
    assert again.verdict == "again" and story.order.payment.captured_minor == 3_949


def test_an_invoice_on_account_is_told_as_open_and_settles_the_order() -> None:
    story = shipped()
    due_at = story.now + timedelta(days=30)
    on_account = payment_captured(story, story.last(said.OrderShipped))
    story.tell(on_account.model_copy(update={"due_at": due_at}))
    assert [i.paid for i in story.new(said.OrderInvoiced)] == [False]
    assert story.order.paid_for and story.order.payment_state is PaymentState.CAPTURED


def test_what_nobody_could_collect_is_owed_and_the_customer_is_reminded() -> None:
    story = shipped()
    gone = story.last(said.OrderShipped)
    story.tell(capture_failed(story, gone))
    assert [i.paid for i in story.all(said.OrderInvoiced)] == [False]
    assert story.order.payment_state is PaymentState.CAPTURE_FAILED
    story.tell(capture_failed(story, gone))
    assert not story.news, "the next vain attempt is no news"
    while not story.new(said.OrderInvoiced):
        story.wake()
    story.tell(payment_captured(story, gone))
    assert [i.paid for i in story.all(said.OrderInvoiced)] == [False, False, True]
    assert story.order.payment_state is PaymentState.CAPTURED


def test_nothing_more_is_released_to_a_customer_who_owes() -> None:
    story = accepted(line("1", 2), line("2", 1))
    here, away = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", here)], [backordered(away)]))
    story.tell(payment_authorised(story))
    story.tell(fulfilment_packed(story.last(said.OrderReleased).fulfilments[0]))
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    story.tell(capture_failed(story, story.last(said.OrderShipped)))
    story.tell(backorder_filled(story, at("WEST", away)))
    assert not story.new(said.OrderReleased)
    story.tell(payment_captured(story, story.last(said.OrderShipped), 2_000))
    assert story.new(said.OrderReleased)


def test_money_taken_for_nothing_goes_back_exactly() -> None:
    story = cancelled()
    asked = story.last(said.PaymentRequested)
    odd = billing.PaymentCaptured(
        request_id=asked.request_id,
        shipment_id="never-shipped",
        capture_id="cap-9",
        amount_minor=777,
        currency="EUR",
        invoice_no="INV-9",
        journal_id="J-9",
    )
    story.tell(odd)
    (back,) = story.new(said.RefundRequested)
    assert (back.amount_minor, back.payment_request_id) == (777, asked.request_id)
    assert story.tell(odd).verdict == "again"
    assert story.order.payment_state is PaymentState.REFUNDING
    story.tell(refund_completed(story))
    assert story.order.payment_state is PaymentState.REFUNDED
    assert story.tell(refund_completed(story)).verdict == "again"


def test_a_refund_that_fails_is_a_persons_task() -> None:
    story = cancelled()
    nothing = shipped().last(said.OrderShipped)
    story.tell(payment_captured(story, nothing))
    asked = story.last(said.RefundRequested)
    failed = billing.RefundFailed(
        request_id=asked.request_id, amount_minor=asked.amount_minor, currency="EUR", code="closed"
    )
    story.tell(failed)
    (task,) = story.order.body.tasks
    assert task.kind is TaskKind.MONEY and "39.49 EUR" in task.text
    assert story.tell(failed).verdict == "again"


def test_money_given_back_by_hand_counts_all_the_same() -> None:
    story = completed()
    by_hand = billing.RefundCompleted(
        request_id=A_REQUEST, refund_id="r-1", amount_minor=500, currency="EUR"
    )
    story.tell(by_hand)
    assert story.order.payment.refunded_minor == 500
    assert story.tell(by_hand).verdict == "again"


def test_what_was_promised_and_not_used_is_let_go_when_all_is_shipped_and_paid() -> None:
    story = shipped()
    story.tell(payment_captured(story, story.last(said.OrderShipped), 3_000))
    (undo,) = story.new(said.PaymentVoidRequested)
    assert undo.payment_request_id == story.last(said.PaymentRequested).request_id
    story.tell(payment_voided(story))
    assert story.order.payment_state is PaymentState.CAPTURED


def test_an_order_is_not_completed_before_its_money_is_settled() -> None:
    story = delivered()
    assert story.order.status is Status.DELIVERED
    owing = shipped()
    gone = owing.last(said.OrderShipped)
    owing.tell(capture_failed(owing, gone))
    for parcel in gone.parcels:
        owing.tell(parcel_delivered(gone, parcel, owing.now))
    for _ in range(5):
        owing.wake()
    assert owing.order.status is Status.DELIVERED
    owing.tell(payment_captured(owing, gone))
    assert owing.order.status is Status.COMPLETED, "the week of trying the goods is long over"


def test_the_channel_learns_what_was_charged_in_the_end() -> None:
    closed = completed().last(answers.OrderClosed)
    assert closed.charged_minor == 3_949 and not closed.cancelled


def test_a_declined_renewal_of_a_promise_ends_what_has_not_left() -> None:
    story = released()
    story.tell(payment_declined(story))
    assert story.order.status is Status.CANCELLING
    assert story.new(said.FulfilmentStopRequested)
