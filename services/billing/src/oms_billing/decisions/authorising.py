"""Getting the money promised: the request, the provider's word, the payer's next try."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from msgspec.structs import replace

from oms_billing.decisions import answers, collecting, provider, voiding
from oms_billing.decisions.draft import Draft
from oms_billing.domain import (
    Amount,
    Attempt,
    AuthorisationReported,
    Call,
    DeclineReported,
    Line,
    Method,
    PayerRetried,
    Status,
    Stray,
    Terms,
    credit,
    debit,
)
from oms_chassis.decision import Decision, again, refuse, seconds
from oms_contracts.billing import Account, PostingCause
from oms_contracts.channel import PaymentMethod
from oms_contracts.order import PaymentRequested


def pay(draft: Draft, asked: PaymentRequested) -> Decision:
    """Get the money promised; a request heard before is answered as before."""
    known = draft.payment.attempt(asked.request_id)
    if known is not None:
        return again(None, *answers.to_request(known))
    overtaken_by = tuple(
        v.request_id for v in draft.payment.unborn_voids if v.payment_request_id == asked.request_id
    )
    attempt = Attempt(terms_of(asked), void_requests=overtaken_by)
    if overtaken_by:
        voiding.release(draft, draft.add(attempt))
    else:
        voiding.supersede(draft)
        _begin(draft, draft.add(attempt))
    return draft.decision()


def terms_of(asked: PaymentRequested) -> Terms:
    """The request as billing keeps it. Raises ValueError if its parts are not its amount."""
    lines = tuple(
        Line(line.line_id, line.sku, line.qty, Amount(line.net_minor, line.tax_minor))
        for line in asked.lines
    )
    shipping = Amount(asked.shipping_net_minor, asked.shipping_tax_minor)
    parts_minor = shipping.gross_minor + sum(line.amount.gross_minor for line in lines)
    if parts_minor != asked.amount_minor:
        raise ValueError(f"lines and shipping make {parts_minor}, not {asked.amount_minor}")
    if len({line.line_id for line in lines}) != len(lines):
        raise ValueError("two lines of one id")
    return Terms(
        asked.request_id, asked.order_no, asked.amount_minor, asked.currency, asked.method,
        asked.reference, asked.terms_days, lines, shipping, asked.expires_at, asked.bill_to,
    )  # fmt: skip


def _begin(draft: Draft, attempt: Attempt) -> None:
    """Only a provider's token needs a call; all else is answered at once."""
    terms = attempt.terms
    match terms.method:
        case _ if terms.amount_minor == 0:
            _promised(draft, attempt, f"zero-{terms.request_id}", 0)
        case PaymentMethod.PREPAID:
            draft.post(
                terms, PostingCause.PREPAYMENT, terms.request_id, terms.order_no,
                debit(Account.CASH, terms.amount_minor),
                credit(Account.CUSTOMER_DEPOSITS, terms.amount_minor),
            )  # fmt: skip
            _promised(draft, attempt, f"prepaid-{terms.request_id}", terms.amount_minor)
        case PaymentMethod.TERMS:
            _promised(draft, attempt, f"terms-{terms.request_id}", terms.amount_minor)
        case PaymentMethod.TOKEN if terms.reference:
            draft.put(replace(attempt, token=terms.reference, tries=1))
        case PaymentMethod.TOKEN:
            declined(draft, attempt, "no_token")
        case PaymentMethod.UNKNOWN:
            declined(draft, attempt, "unknown_method")
        case never:
            assert_never(never)


def _promised(
    draft: Draft, attempt: Attempt, authorisation_id: str, amount_minor: int,
    until: datetime | None = None,
) -> None:  # fmt: skip
    """The money is promised: say so, and know when to look again."""
    attempt = replace(
        attempt,
        status=Status.AUTHORISED,
        authorisation_id=authorisation_id,
        authorised_minor=amount_minor,
        authorised_until=until,
        next_at=_look_again_at(draft, until),
    )
    draft.say(answers.authorised(draft.put(attempt)))


def _look_again_at(draft: Draft, until: datetime | None) -> datetime:
    """When to renew a promise: some time before it ends, but not sooner than half of it."""
    if until is None or until <= draft.now:
        return draft.now + seconds(draft.policy.review_seconds)
    ahead = until - seconds(draft.policy.reauthorise_before_seconds)
    return max(ahead, draft.now + (until - draft.now) / 2)


def declined(draft: Draft, attempt: Attempt, code: str) -> None:
    """The bank said no: the payer may try again if that can help and there is time."""
    terms, policy = attempt.terms, draft.policy
    curable = (
        code in policy.retryable_declines
        and attempt.tries < policy.payer_tries_max
        and draft.now < terms.expires_at
    )
    if not curable:
        decline_for_good(draft, attempt, code)
        return
    attempt = replace(
        attempt,
        status=Status.AWAITING_PAYER,
        code=code,
        next_at=give_up_at(draft, attempt),
    )
    draft.say(answers.declined(draft.put(attempt)))


def give_up_at(draft: Draft, attempt: Attempt) -> datetime:
    """When billing stops trying. The order service, which watches the payer, goes first."""
    return attempt.terms.expires_at + seconds(draft.policy.payer_grace_seconds)


def decline_for_good(draft: Draft, attempt: Attempt, code: str) -> None:
    """No promise will come; what was shipped nevertheless is owed."""
    attempt = draft.put(replace(attempt, status=Status.DECLINED, code=code, next_at=None))
    draft.say(answers.declined(attempt))
    collecting.give_up_captures(draft, attempt)


def authorise_answered(draft: Draft, attempt: Attempt, answer: Mapping[str, Any]) -> None:
    """The provider promised; if a void is wanted meanwhile, the promise is only noted for it."""
    authorisation_id = provider.name(answer, "authorisation_id")
    amount_minor = provider.minor(answer, "amount_minor")
    until = provider.moment(answer, "expires_at")
    _check_currency(attempt, answer.get("currency"))
    if attempt.status is Status.VOIDING:
        noted = replace(attempt, authorisation_id=authorisation_id, authorised_minor=amount_minor)
        draft.put(noted)
    elif attempt.status is Status.AUTHORISING:
        _promised(draft, attempt, authorisation_id, amount_minor, until)
    else:
        raise ValueError(f"an authorisation was open while {attempt.status}")


def authorise_refused(draft: Draft, attempt: Attempt, code: str) -> None:
    """The provider declined; if a void is wanted meanwhile, there is nothing left to void."""
    if attempt.status is Status.VOIDING:
        voiding.release(draft, attempt)
    else:
        declined(draft, attempt, code)


def renewed(draft: Draft, attempt: Attempt, answer: Mapping[str, Any]) -> None:
    """The promise holds longer, perhaps under another id."""
    until = provider.moment(answer, "expires_at")
    attempt = replace(
        attempt,
        authorisation_id=provider.name(answer, "authorisation_id"),
        authorised_until=until,
        renewal_wanted=False,
    )
    if attempt.status in (Status.AUTHORISED, Status.PART_CAPTURED):
        attempt = replace(attempt, next_at=_look_again_at(draft, until))
    draft.put(attempt)


def not_renewed(draft: Draft, attempt: Attempt) -> None:
    """The promise ends when it ends."""
    draft.put(replace(attempt, renewal_wanted=False))


def retry(draft: Draft, command: PayerRetried) -> Decision:
    """Try the payer's other token."""
    attempt = draft.payment.current
    if attempt is None or attempt.status is not Status.AWAITING_PAYER:
        return refuse(None, "not_awaiting_payer", "this payment does not wait for its payer")
    if draft.now >= attempt.terms.expires_at:
        return refuse(None, "too_late", "the time to pay is over")
    attempt = replace(
        attempt,
        status=Status.AUTHORISING,
        token=command.token,
        tries=attempt.tries + 1,
        authorise_key="",
        next_at=None,
    )
    return _answered(draft, draft.put(attempt))


def authorisation_reported(draft: Draft, report: AuthorisationReported) -> Decision:
    """The provider says that the money is promised, perhaps too late."""
    attempt = _reported(draft, report.request_id)
    if attempt is None:
        return refuse(None, "unknown_payment", "no such payment was requested")
    _check_currency(attempt, report.currency)
    if attempt.authorisation_id == report.authorisation_id:
        return again(None, answer=_standing(attempt))
    if _answer_awaited(draft, attempt):
        return refuse(None, "answer_awaited", "the provider is being asked; report again later")
    match attempt.status:
        case Status.AUTHORISING | Status.AWAITING_PAYER:
            attempt = _stop_asking(draft, attempt, promised=True)
            _promised(
                draft, attempt, report.authorisation_id, report.amount_minor, report.expires_at
            )
        case (
            Status.AUTHORISED | Status.PART_CAPTURED | Status.CAPTURED
            | Status.VOIDING | Status.VOIDED | Status.DECLINED
        ):  # fmt: skip
            _void_stray(draft, attempt, report.authorisation_id)
        case never:
            assert_never(never)
    return _answered(draft, attempt)


def decline_reported(draft: Draft, report: DeclineReported) -> Decision:
    """The provider says that there will be no promise."""
    attempt = _reported(draft, report.request_id)
    if attempt is None:
        return refuse(None, "unknown_payment", "no such payment was requested")
    if _answer_awaited(draft, attempt):
        return refuse(None, "answer_awaited", "the provider is being asked; report again later")
    match attempt.status:
        case Status.AUTHORISING | Status.AWAITING_PAYER:
            declined(draft, _stop_asking(draft, attempt, promised=False), report.code)
            return _answered(draft, attempt)
        case Status.DECLINED | Status.VOIDING | Status.VOIDED:
            return again(None, answer=_standing(attempt))
        case Status.AUTHORISED | Status.PART_CAPTURED | Status.CAPTURED:
            return refuse(None, "already_authorised", "the provider promised this money before")
        case never:
            assert_never(never)


def _reported(draft: Draft, request_id: str) -> Attempt | None:
    return draft.payment.attempt(request_id) if request_id else draft.payment.current


def _answer_awaited(draft: Draft, attempt: Attempt) -> bool:
    """Whether the provider is still to be asked for this promise, or being asked."""
    call = draft.payment.call
    asking = call is not None and call.open_id != "" and _is_about(call, attempt)
    unasked = attempt.status is Status.AUTHORISING and not attempt.authorise_key
    return asking or unasked


def _stop_asking(draft: Draft, attempt: Attempt, *, promised: bool) -> Attempt:
    """A call that nobody could answer may have made a promise, or make one yet, whatever is said
    of it: it is not asked again but voided. Where money is promised now, that may be the same
    promise, so the void waits until it has ended."""
    call = draft.payment.call
    if call is None or not _is_about(call, attempt):
        return attempt
    draft.payment = replace(draft.payment, call=None)
    stray = Stray(attempt.authorise_key, doubtful=promised)
    return replace(attempt, strays=(*attempt.strays, stray))


def _is_about(call: Call, attempt: Attempt) -> bool:
    return call.method is Method.AUTHORISE and call.request_id == attempt.terms.request_id


def _void_stray(draft: Draft, attempt: Attempt, authorisation_id: str) -> None:
    """A promise that nobody wants any more is voided where it was made."""
    if all(s.name != authorisation_id for s in attempt.strays):
        stray = Stray(attempt.authorise_key, authorisation_id)
        draft.put(replace(attempt, strays=(*attempt.strays, stray)))


def _answered(draft: Draft, attempt: Attempt) -> Decision:
    """What whoever gave the command is told."""
    after = draft.payment.attempt(attempt.terms.request_id) or attempt
    return draft.decision(answer=_standing(after))


def _standing(attempt: Attempt) -> dict[str, str]:
    return {"request_id": attempt.terms.request_id, "status": attempt.status.value}


def _check_currency(attempt: Attempt, currency: object) -> None:
    if currency != attempt.terms.currency:
        raise ValueError(f"{currency} was promised where {attempt.terms.currency} was asked")
