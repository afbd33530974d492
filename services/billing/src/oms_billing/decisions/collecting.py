"""A receivable gets its money: from the promise, from a deposit, on account, or from the bank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from msgspec.structs import replace

from oms_billing.decisions import answers, provider
from oms_billing.decisions.draft import Draft
from oms_billing.domain import (
    Attempt,
    MoneyReceived,
    Receivable,
    ReceivableStatus,
    Status,
    credit,
    debit,
)
from oms_chassis.decision import Decision, again, refuse, seconds
from oms_contracts.billing import Account, PostingCause
from oms_contracts.channel import PaymentMethod

NO_AUTHORISATION = "no_authorisation"
DEPOSIT_SPENT = "deposit_spent"
PROVIDER_SILENT = "provider_silent"
RECEIPTS_MAX = 50
"""Payments that may be booked on one invoice."""


def collect(draft: Draft, attempt: Attempt, receivable: Receivable) -> None:
    """Get the invoice's money from where it was promised."""
    gross_minor = receivable.amount.gross_minor
    promised = attempt.status not in (Status.VOIDING, Status.VOIDED, Status.DECLINED)
    match attempt.terms.method:
        case _ if gross_minor == 0:
            _settle(draft, attempt, receivable, f"zero-{receivable.invoice_no}")
        case _ if not promised:
            _owe(draft, attempt, receivable, NO_AUTHORISATION)
        case PaymentMethod.TERMS:
            _put_on_account(draft, attempt, receivable)
        case PaymentMethod.PREPAID if attempt.deposit_minor >= gross_minor:
            _take_deposit(draft, attempt, receivable)
        case PaymentMethod.PREPAID:
            _owe(draft, attempt, receivable, DEPOSIT_SPENT)
        case PaymentMethod.TOKEN:
            pass  # the capture is the next call, or queued behind an open one
        case PaymentMethod.UNKNOWN:
            raise ValueError("a payment by unknown means was not declined")
        case never:
            assert_never(never)


def _put_on_account(draft: Draft, attempt: Attempt, receivable: Receivable) -> None:
    """The customer has until the due date. For the order that settles it: the goods may go, and
    collecting is between the customer and receivables."""
    receivable = replace(
        receivable,
        status=ReceivableStatus.ON_ACCOUNT,
        on_account=True,
        captured_minor=receivable.amount.gross_minor,
        capture_id=f"account-{receivable.invoice_no}",
        next_at=receivable.due_at,
    )
    draft.say(answers.captured(attempt, receivable))
    draft.put(_used(attempt.with_receivable(receivable)))


def _take_deposit(draft: Draft, attempt: Attempt, receivable: Receivable) -> None:
    """A prepayment becomes revenue's money without a call: it is with us already."""
    gross_minor = receivable.amount.gross_minor
    journal_id = draft.post(
        attempt.terms, PostingCause.CAPTURE, receivable.shipment_id,
        receivable.invoice_no,
        debit(Account.CUSTOMER_DEPOSITS, gross_minor), credit(Account.RECEIVABLES, gross_minor),
    )  # fmt: skip
    receivable = replace(
        receivable, captured_minor=gross_minor, paid_minor=gross_minor, journal_id=journal_id
    )
    _settle(draft, attempt, receivable, f"deposit-{receivable.invoice_no}")


def _settle(draft: Draft, attempt: Attempt, receivable: Receivable, capture_id: str) -> None:
    receivable = replace(
        receivable, status=ReceivableStatus.SETTLED, capture_id=capture_id, next_at=None
    )
    draft.say(answers.captured(attempt, receivable))
    draft.put(_used(attempt.with_receivable(receivable)))


def _owe(draft: Draft, attempt: Attempt, receivable: Receivable, code: str) -> Attempt:
    """Nothing is left to capture from: a person must collect."""
    receivable = replace(
        receivable,
        status=ReceivableStatus.OWED,
        code=code,
        next_at=draft.now + seconds(draft.policy.dunning_seconds),
    )
    draft.say(answers.capture_failed(attempt, receivable))
    return draft.put(attempt.with_receivable(receivable))


def _used(attempt: Attempt) -> Attempt:
    """The promise after an invoice used some of it."""
    if attempt.status not in (Status.AUTHORISED, Status.PART_CAPTURED):
        return attempt
    if attempt.remaining_minor == 0:
        return replace(attempt, status=Status.CAPTURED, next_at=None, renewal_wanted=False)
    return replace(attempt, status=Status.PART_CAPTURED) if attempt.captured_minor else attempt


def _expected(attempt: Attempt, shipment_id: str) -> Receivable:
    receivable = attempt.receivable(shipment_id)
    if receivable is None:
        raise ValueError(f"a capture was made for shipment {shipment_id}, which has no invoice")
    return receivable


def capture_answered(
    draft: Draft, attempt: Attempt, shipment_id: str, answer: Mapping[str, Any]
) -> None:
    """The money is in. Raises ValueError if it is not the amount that was asked for."""
    receivable, currency = _expected(attempt, shipment_id), attempt.terms.currency
    amount_minor = receivable.open_minor
    provider.check(answer, amount_minor, currency)
    journal_id = draft.post(
        attempt.terms, PostingCause.CAPTURE, shipment_id, receivable.invoice_no,
        debit(Account.CASH, amount_minor), credit(Account.RECEIVABLES, amount_minor),
    )  # fmt: skip
    receivable = replace(
        receivable,
        captured_minor=amount_minor,
        paid_minor=receivable.paid_minor + amount_minor,
        journal_id=journal_id,
    )
    _settle(draft, attempt, receivable, provider.name(answer, "capture_id"))


def capture_refused(draft: Draft, attempt: Attempt, shipment_id: str, code: str) -> None:
    """Try again by the schedule; after its end, or when the promise ends, a person collects."""
    receivable, pauses = _expected(attempt, shipment_id), draft.policy.capture_retry_seconds
    receivable = replace(receivable, tries=receivable.tries + 1)
    if receivable.tries > len(pauses) or attempt.status is Status.VOIDING:
        _owe(draft, attempt, receivable, code)
        return
    pause = seconds(pauses[receivable.tries - 1])
    receivable = replace(
        receivable, status=ReceivableStatus.RETRYING, code=code, next_at=draft.now + pause
    )
    draft.say(answers.capture_failed(attempt, receivable))
    draft.put(attempt.with_receivable(receivable))


def capture_unknown(draft: Draft, attempt: Attempt, shipment_id: str) -> None:
    """The invoice waits for an answer: the aged list must show it."""
    receivable = _expected(attempt, shipment_id)
    draft.put(attempt.with_receivable(replace(receivable, code=PROVIDER_SILENT)))


def give_up_captures(draft: Draft, attempt: Attempt) -> None:
    """The promise is gone: what was to be captured from it is owed."""
    for receivable in attempt.receivables:
        if receivable.uncaptured:
            attempt = _owe(draft, attempt, receivable, NO_AUTHORISATION)


def receive(draft: Draft, command: MoneyReceived) -> Decision:
    """Money came in for an invoice by another way than a capture."""
    attempt, receivable = _find(draft, command.invoice_no)
    if attempt is None or receivable is None:
        return refuse(None, "unknown_invoice", "this order has no such invoice")
    if command.reference in receivable.receipts:
        return again(None, answer=_balance(receivable))
    if receivable.status is ReceivableStatus.CAPTURING:
        return refuse(None, "capture_under_way", "the provider is being asked; try again later")
    if command.currency != attempt.terms.currency:
        return refuse(None, "other_currency", f"the invoice is in {attempt.terms.currency}")
    if not 0 < command.amount_minor <= receivable.open_minor:
        return refuse(None, "more_than_owed", f"{receivable.open_minor} is open")
    if len(receivable.receipts) >= RECEIPTS_MAX:
        return refuse(None, "too_many_payments", "book the rest in one sum")
    return _book(draft, attempt, receivable, command)


def _book(
    draft: Draft, attempt: Attempt, receivable: Receivable, command: MoneyReceived
) -> Decision:
    journal_id = draft.post(
        attempt.terms, PostingCause.CAPTURE,
        f"{receivable.invoice_no} {command.reference}", receivable.invoice_no,
        debit(Account.CASH, command.amount_minor),
        credit(Account.RECEIVABLES, command.amount_minor),
    )  # fmt: skip
    receivable = replace(
        receivable,
        paid_minor=receivable.paid_minor + command.amount_minor,
        receipts=(*receivable.receipts, command.reference),
    )
    if receivable.open_minor == 0 and not receivable.on_account:
        receivable = replace(receivable, journal_id=journal_id)
        _settle(draft, attempt, receivable, f"receipt-{receivable.invoice_no}")
    else:
        receivable = closed_if_paid(receivable)
        draft.put(attempt.with_receivable(receivable))
    return draft.decision(answer=_balance(receivable))


def closed_if_paid(receivable: Receivable) -> Receivable:
    """A receivable of which nothing is open is settled."""
    if receivable.open_minor:
        return receivable
    return replace(receivable, status=ReceivableStatus.SETTLED, next_at=None)


def _find(draft: Draft, invoice_no: str) -> tuple[Attempt | None, Receivable | None]:
    for attempt in draft.payment.attempts:
        for receivable in attempt.receivables:
            if receivable.invoice_no == invoice_no:
                return attempt, receivable
    return None, None


def _balance(receivable: Receivable) -> dict[str, Any]:
    return {"invoice_no": receivable.invoice_no, "open_minor": receivable.open_minor}
