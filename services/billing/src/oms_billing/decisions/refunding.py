"""Giving money back: where it comes from, what it corrects, and the credit note that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from oms_billing.decisions import answers, provider
from oms_billing.decisions.collecting import closed_if_paid
from oms_billing.decisions.crediting import Correction, correct, creditable_minor
from oms_billing.decisions.draft import Draft
from oms_billing.domain import (
    Attempt,
    CreditNote,
    Numbers,
    Refund,
    RefundStatus,
    ReturnedLine,
    Series,
    SetOff,
    Status,
    credit,
    debit,
    lines_json,
)
from oms_chassis.decision import Decision, again
from oms_contracts.billing import Account, PostingCause
from oms_contracts.order import RefundRequested


def refund(draft: Draft, wanted: RefundRequested) -> Decision:
    """Give money back, but never more than is there to give; heard before: answered as before."""
    attempt = draft.payment.attempt(wanted.payment_request_id)
    if attempt is None:
        draft.say(answers.refund_of_nothing(wanted))
        return draft.decision()
    if known := attempt.refund(wanted.request_id):
        return again(None, *answers.to_refund(attempt, known))
    asked = Refund(
        wanted.request_id,
        wanted.amount_minor,
        wanted.reason,
        tuple(ReturnedLine(line.line_id, line.qty) for line in wanted.lines),
    )
    if objection := _objection(attempt, wanted):
        _fail(draft, _with(attempt, asked), asked, *objection)
        return draft.decision()
    planned = _from_where(attempt, asked)
    attempt = draft.put(_set_off(_with(attempt, planned), planned, 1))
    if planned.payout_minor == 0:
        _complete(draft, attempt, planned, str(draft.new_id()))
    return draft.decision()


def _with(attempt: Attempt, asked: Refund) -> Attempt:
    return replace(attempt, refunds=(*attempt.refunds, asked))


def _objection(attempt: Attempt, wanted: RefundRequested) -> tuple[str, str] | None:
    """Code and sentence of what speaks against a refund."""
    at_most_minor = _invoiced_minor(attempt) + _deposit_minor(attempt)
    if wanted.currency != attempt.terms.currency:
        return "other_currency", f"the payment is in {attempt.terms.currency}"
    if wanted.amount_minor == 0:
        return "zero_amount", "there is nothing to give back"
    if wanted.amount_minor > at_most_minor:
        return "over_refund", f"at most {at_most_minor} minor units can be given back"
    return None


def _invoiced_minor(attempt: Attempt) -> int:
    """What invoices took from the promise and no refund gave back, or is about to."""
    return attempt.captured_minor - sum(r.invoiced_minor for r in attempt.live_refunds)


def _deposit_minor(attempt: Attempt) -> int:
    """What is left of a prepayment; a void under way returns it, so nobody else may."""
    return 0 if attempt.status is Status.VOIDING else attempt.deposit_minor


def _from_where(attempt: Attempt, asked: Refund) -> Refund:
    """Returned goods correct their invoices. What is left comes from an unused deposit, for that
    is what a cancelled rest of a prepaid order is, and only then from invoices again. What a
    customer on account has not paid yet is set off before anything is paid out."""
    named_minor = min(
        asked.amount_minor, creditable_minor(attempt, asked.lines), _invoiced_minor(attempt)
    )
    deposit_minor = min(asked.amount_minor - named_minor, _deposit_minor(attempt))
    left_minor = asked.amount_minor - deposit_minor
    set_offs = []
    for receivable in attempt.receivables:
        part_minor = min(left_minor, receivable.open_minor) if receivable.on_account else 0
        if part_minor:
            set_offs.append(SetOff(receivable.invoice_no, part_minor))
            left_minor -= part_minor
    return replace(asked, deposit_minor=deposit_minor, set_offs=tuple(set_offs))


def _set_off(attempt: Attempt, of: Refund, sign: int) -> Attempt:
    """Lower what is owed on account by a refund's part, or (-1) take that back."""
    parts = {s.invoice_no: sign * s.amount_minor for s in of.set_offs}
    for r in attempt.receivables:
        if r.invoice_no in parts:
            credited_minor = r.credited_minor + parts[r.invoice_no]
            attempt = attempt.with_receivable(replace(r, credited_minor=credited_minor))
    return attempt


def refund_answered(
    draft: Draft, attempt: Attempt, request_id: str, answer: Mapping[str, Any]
) -> None:
    """The money is back with the customer. Raises ValueError if it is another amount."""
    asked = _expected(attempt, request_id)
    provider.check(answer, asked.payout_minor, attempt.terms.currency)
    _complete(draft, attempt, asked, provider.name(answer, "refund_id"))


def refund_refused(draft: Draft, attempt: Attempt, request_id: str, code: str, text: str) -> None:
    """A person must give the money back; what was set off is owed again."""
    asked = _expected(attempt, request_id)
    _fail(draft, _set_off(attempt, asked, -1), asked, code, text)


def _expected(attempt: Attempt, request_id: str) -> Refund:
    found = attempt.refund(request_id)
    if found is None or found.status is not RefundStatus.WANTED:
        raise ValueError(f"the provider was not asked for refund {request_id}")
    return found


def _fail(draft: Draft, attempt: Attempt, asked: Refund, code: str, text: str) -> None:
    failed = replace(
        asked,
        status=RefundStatus.FAILED,
        code=provider.code(code),
        text=text[: provider.TEXT_MAX_CHARS],
    )
    draft.say(*answers.to_refund(draft.put(attempt.with_refund(failed)), failed))


def _complete(draft: Draft, attempt: Attempt, asked: Refund, refund_id: str) -> None:
    """Post it, write the credit note for what had been invoiced, and say so."""
    correction = correct(attempt, asked.lines, asked.invoiced_minor)
    numbers = draft.issue(Series.CREDIT_NOTE) if asked.invoiced_minor else None
    done = replace(
        asked,
        status=RefundStatus.COMPLETED,
        refund_id=refund_id,
        credit_note_no=numbers.number if numbers else "",
    )
    journal_id = draft.post(
        attempt.terms, PostingCause.REFUND, asked.request_id,
        done.credit_note_no or attempt.terms.order_no,
        debit(Account.RETURNS, correction.amount.net_minor),
        debit(Account.SALES_TAX, correction.amount.tax_minor),
        debit(Account.CUSTOMER_DEPOSITS, asked.deposit_minor),
        credit(Account.RECEIVABLES, asked.amount_minor - asked.payout_minor),
        credit(Account.CASH, asked.payout_minor),
    )  # fmt: skip
    if numbers:
        draft.rows.append(_credit_note(draft, attempt, asked, numbers, correction, journal_id))
    attempt = replace(
        attempt.with_refund(done),
        credited=correction.credited,
        receivables=tuple(map(closed_if_paid, attempt.receivables)),
    )
    draft.say(*answers.to_refund(draft.put(attempt), done))


def _credit_note(
    draft: Draft, attempt: Attempt, of: Refund, numbers: Numbers, correction: Correction,
    journal_id: str,
) -> CreditNote:  # fmt: skip
    terms, amount = attempt.terms, correction.amount
    invoice_nos = " ".join(r.invoice_no for r in attempt.receivables)
    return CreditNote(
        numbers.number, draft.input.key, terms.order_no, of.request_id, invoice_nos, of.reason,
        numbers.issued_at, terms.currency, lines_json(correction.lines),
        correction.shipping.net_minor, correction.shipping.tax_minor,
        amount.net_minor, amount.tax_minor, journal_id, terms.bill_to,
    )  # fmt: skip
