"""What billing says, made from state alone: so the same question gets the same answer again."""

from __future__ import annotations

from typing import assert_never

from oms_billing.domain import (
    Attempt,
    Receivable,
    ReceivableStatus,
    Refund,
    RefundStatus,
    Status,
    UnbornVoid,
)
from oms_contracts.billing import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentVoided,
    RefundCompleted,
    RefundFailed,
)
from oms_contracts.event import Event
from oms_contracts.order import RefundRequested

NO_CURRENCY = "XXX"
"""ISO 4217's code for "no currency is involved": a void whose payment nobody asked for yet."""


def to_request(attempt: Attempt) -> tuple[Event, ...]:
    """What a repeated payment request is told; nothing while the answer is still to come."""
    match attempt.status:
        case Status.AUTHORISING | Status.VOIDING:
            return ()
        case Status.AWAITING_PAYER | Status.DECLINED:
            return (declined(attempt),)
        case Status.AUTHORISED | Status.PART_CAPTURED | Status.CAPTURED:
            return (authorised(attempt),)
        case Status.VOIDED:
            return tuple(voided(attempt, request_id) for request_id in attempt.void_requests[-1:])
        case never:
            assert_never(never)


def authorised(attempt: Attempt) -> PaymentAuthorized:
    """The money is promised."""
    return PaymentAuthorized(
        request_id=attempt.terms.request_id,
        payment_id=attempt.terms.request_id,
        authorisation_id=attempt.authorisation_id,
        amount_minor=attempt.authorised_minor,
        currency=attempt.terms.currency,
        expires_at=attempt.authorised_until,
    )


def declined(attempt: Attempt) -> PaymentDeclined:
    """The payer's bank said no, for now or for good."""
    final = attempt.status is not Status.AWAITING_PAYER
    return PaymentDeclined(
        request_id=attempt.terms.request_id,
        code=attempt.code,
        final=final,
        retry_until=None if final else attempt.terms.expires_at,
    )


def voided(attempt: Attempt, request_id: str) -> PaymentVoided:
    """What was promised and not used is free."""
    return PaymentVoided(
        request_id=request_id,
        payment_request_id=attempt.terms.request_id,
        authorisation_id=attempt.authorisation_id,
        amount_minor=attempt.voided_minor,
        currency=attempt.terms.currency,
    )


def voided_unborn(void: UnbornVoid) -> PaymentVoided:
    """Nothing was promised, and nothing will be."""
    return PaymentVoided(
        request_id=void.request_id,
        payment_request_id=void.payment_request_id,
        currency=NO_CURRENCY,
    )


def to_shipment(attempt: Attempt, receivable: Receivable) -> tuple[Event, ...]:
    """What a repeated shipment is told; nothing while its first capture is under way."""
    match receivable.status:
        case ReceivableStatus.SETTLED | ReceivableStatus.ON_ACCOUNT:
            return (captured(attempt, receivable),)
        case ReceivableStatus.RETRYING | ReceivableStatus.OWED:
            return (capture_failed(attempt, receivable),)
        case ReceivableStatus.CAPTURING:
            return ()
        case never:
            assert_never(never)


def captured(attempt: Attempt, receivable: Receivable) -> PaymentCaptured:
    """The shipment is settled: paid, or owed on account until the due date."""
    return PaymentCaptured(
        request_id=attempt.terms.request_id,
        shipment_id=receivable.shipment_id,
        capture_id=receivable.capture_id,
        amount_minor=receivable.amount.gross_minor,
        tax_minor=receivable.amount.tax_minor,
        currency=attempt.terms.currency,
        invoice_no=receivable.invoice_no,
        journal_id=receivable.journal_id,
        due_at=receivable.due_at if receivable.on_account else None,
    )


def capture_failed(attempt: Attempt, receivable: Receivable) -> PaymentCaptureFailed:
    """The customer owes the invoice."""
    retrying = receivable.status is ReceivableStatus.RETRYING
    return PaymentCaptureFailed(
        request_id=attempt.terms.request_id,
        shipment_id=receivable.shipment_id,
        invoice_no=receivable.invoice_no,
        amount_minor=receivable.open_minor,
        tax_minor=receivable.amount.tax_minor,
        currency=attempt.terms.currency,
        code=receivable.code,
        next_try=receivable.next_at if retrying else None,
    )


def to_refund(attempt: Attempt, refund: Refund) -> tuple[Event, ...]:
    """What a repeated refund request is told; nothing while the provider is asked."""
    match refund.status:
        case RefundStatus.WANTED:
            return ()
        case RefundStatus.COMPLETED:
            return (_refunded(attempt, refund),)
        case RefundStatus.FAILED:
            return (_refund_failed(attempt, refund),)
        case never:
            assert_never(never)


def _refunded(attempt: Attempt, refund: Refund) -> RefundCompleted:
    return RefundCompleted(
        request_id=refund.request_id,
        refund_id=refund.refund_id,
        amount_minor=refund.amount_minor,
        currency=attempt.terms.currency,
        credit_note_no=refund.credit_note_no,
    )


def _refund_failed(attempt: Attempt, refund: Refund) -> RefundFailed:
    return RefundFailed(
        request_id=refund.request_id,
        amount_minor=refund.amount_minor,
        currency=attempt.terms.currency,
        code=refund.code,
        text=refund.text,
    )


def refund_of_nothing(wanted: RefundRequested) -> RefundFailed:
    """A refund of a payment that was never asked for."""
    return RefundFailed(
        request_id=wanted.request_id,
        amount_minor=wanted.amount_minor,
        currency=wanted.currency,
        code="unknown_payment",
        text="no payment was requested under that id",
    )
