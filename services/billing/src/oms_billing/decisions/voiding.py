"""Undoing a promise: whatever became of it, and even before it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from msgspec.structs import replace

from oms_billing.decisions import answers, collecting, provider
from oms_billing.decisions.draft import Draft
from oms_billing.domain import Attempt, Method, Status, Stray, UnbornVoid, credit, debit
from oms_chassis.decision import Decision, again, seconds
from oms_contracts.billing import Account, PostingCause
from oms_contracts.channel import PaymentMethod
from oms_contracts.order import PaymentVoidRequested

_LIVE = (Status.AUTHORISING, Status.AWAITING_PAYER, Status.AUTHORISED, Status.PART_CAPTURED)


def void(draft: Draft, undo: PaymentVoidRequested) -> Decision:
    """Free what was promised and is not used; a void heard before is answered as before."""
    attempt = draft.payment.attempt(undo.payment_request_id)
    if attempt is None:
        return _remember(draft, undo)
    heard = undo.request_id in attempt.void_requests
    if attempt.status is Status.VOIDED or (heard and attempt.status is Status.CAPTURED):
        return again(None, answers.voided(attempt, undo.request_id))
    if heard:
        return again(None)
    asked_by = (*attempt.void_requests, undo.request_id)
    _end(draft, draft.put(replace(attempt, void_requests=asked_by)))
    return draft.decision()


def supersede(draft: Draft) -> None:
    """A new payment request takes the place of one that still lives: that one is voided."""
    for attempt in draft.payment.attempts:
        if attempt.status in _LIVE:
            _end(draft, attempt)


def _remember(draft: Draft, undo: PaymentVoidRequested) -> Decision:
    """It overtook its request, and wins over it."""
    void = UnbornVoid(undo.request_id, undo.payment_request_id)
    if void in draft.payment.unborn_voids:
        return again(None, answers.voided_unborn(void))
    remembered = (*draft.payment.unborn_voids, void)
    draft.payment = replace(draft.payment, unborn_voids=remembered)
    draft.say(answers.voided_unborn(void))
    return draft.decision()


def _end(draft: Draft, attempt: Attempt) -> None:
    """The promise ends: at once if nobody else holds it, else after the provider's answer."""
    match attempt.status:
        case Status.AUTHORISING if attempt.authorise_key:
            _void_when_answered(draft, attempt)
        case Status.AUTHORISING | Status.AWAITING_PAYER | Status.DECLINED:
            release(draft, attempt)
        case Status.AUTHORISED | Status.PART_CAPTURED:
            if attempt.by_provider or attempt.deposit_minor:
                _void_when_answered(draft, attempt)
            else:
                prepaid = attempt.terms.method is PaymentMethod.PREPAID
                release(draft, attempt, 0 if prepaid else attempt.remaining_minor)
        case Status.CAPTURED:
            draft.say(*(answers.voided(attempt, id_) for id_ in attempt.void_requests[-1:]))
        case Status.VOIDING | Status.VOIDED:
            pass  # under way, or done, for an earlier void
        case never:
            assert_never(never)


def _void_when_answered(draft: Draft, attempt: Attempt) -> None:
    """One call at a time; one that nobody could answer is not waited for, but voided as well."""
    call = draft.payment.call
    if (
        call is not None
        and call.request_id == attempt.terms.request_id
        and call.method in (Method.AUTHORISE, Method.REAUTHORISE)
        and not call.open_id
    ):
        draft.payment = replace(draft.payment, call=None)
    draft.put(replace(attempt, status=Status.VOIDING, next_at=None, renewal_wanted=False))


def release(draft: Draft, attempt: Attempt, voided_minor: int = 0) -> None:
    """The promise is gone; invoices that still counted on it are owed by the customer."""
    voided = replace(attempt, status=Status.VOIDED, voided_minor=voided_minor, next_at=None)
    attempt = draft.put(voided)
    draft.say(*(answers.voided(attempt, id_) for id_ in attempt.void_requests))
    collecting.give_up_captures(draft, attempt)


def void_answered(draft: Draft, attempt: Attempt, stray_name: str) -> None:
    """The provider freed the money."""
    if stray_name:
        draft.put(attempt.without_stray(stray_name))
    else:
        release(draft, attempt, attempt.remaining_minor)


def void_refused(draft: Draft, attempt: Attempt, stray_name: str, code: str) -> None:
    """The provider will not void: because the money is free, or for now."""
    again_at = draft.now + seconds(draft.policy.void_retry_seconds)
    if code in draft.policy.released_codes:
        void_answered(draft, attempt, stray_name)
    elif stray_name:
        strays = tuple(
            replace(s, next_at=again_at) if s.name == stray_name else s for s in attempt.strays
        )
        draft.put(replace(attempt, strays=strays))
    else:
        draft.put(replace(attempt, next_at=again_at))


def deposit_returned(draft: Draft, attempt: Attempt, answer: Mapping[str, Any]) -> None:
    """What no shipment used of a prepayment is back with the customer. Raises ValueError if it
    is another amount."""
    terms, amount_minor = attempt.terms, attempt.deposit_minor
    provider.check(answer, amount_minor, terms.currency)
    draft.post(
        terms, PostingCause.REFUND, f"void {terms.request_id}", terms.order_no,
        debit(Account.CUSTOMER_DEPOSITS, amount_minor), credit(Account.CASH, amount_minor),
    )  # fmt: skip
    release(draft, attempt, amount_minor)


def deposit_kept(draft: Draft, attempt: Attempt) -> None:
    """The provider would not pay it out: it is the customer's all the same, so try again."""
    pause = seconds(draft.policy.void_retry_seconds)
    draft.put(replace(attempt, next_at=draft.now + pause))


def give_up_authorising(draft: Draft, attempt: Attempt) -> None:
    """The payer's time is over and the provider still silent: decline, and void what may be."""
    stray = Stray(attempt.authorise_key)
    attempt = replace(
        attempt,
        status=Status.DECLINED,
        code="provider_silent",
        strays=(*attempt.strays, stray),
    )
    draft.say(answers.declined(draft.put(attempt)))
    collecting.give_up_captures(draft, attempt)
