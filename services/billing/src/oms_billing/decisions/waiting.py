"""What a payment waits for, until when and whose move it is; and what happens when time is up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from oms_billing.decisions import authorising, voiding
from oms_billing.decisions.draft import Draft
from oms_billing.domain import (
    Attempt,
    Call,
    Method,
    Numbers,
    Payment,
    Policy,
    Receivable,
    ReceivableStatus,
    Status,
)
from oms_chassis.decision import Deadline, Decision, late, seconds


def deadline(policy: Policy, state: Payment | Numbers) -> Deadline | None:
    """When somebody must look at it again; None when it is finished, or but a counter.

    Every moment was set by the decision that began the waiting, so `policy` has had its say.
    """
    if isinstance(state, Numbers):
        return None
    return min(_awaited(state), key=lambda d: d.at, default=None)


def _awaited(payment: Payment) -> Iterator[Deadline]:
    if call := payment.call:
        said = "has not answered" if call.open_id else "is to be asked again"
        yield Deadline(call.next_at, f"provider {said} ({call.method})", "billing")
    for attempt in payment.attempts:
        if attempt.next_at:
            yield Deadline(attempt.next_at, *_why(attempt))
        for stray in attempt.strays:
            if stray.next_at:
                yield Deadline(stray.next_at, "a stray promise is to be voided", "billing")
        for receivable in attempt.receivables:
            if receivable.next_at:
                yield Deadline(receivable.next_at, _claim(receivable), "receivables")


def _why(attempt: Attempt) -> tuple[str, str]:
    """Reason and owner of what an attempt waits for."""
    match attempt.status:
        case Status.AWAITING_PAYER:
            return "payer has not paid", "payer"
        case Status.VOIDING if attempt.by_provider:
            return "void is to be tried again", "billing"
        case Status.VOIDING:
            return "a deposit could not be paid back", "receivables"
        case Status.AUTHORISED | Status.PART_CAPTURED:
            if attempt.authorised_until:
                return "authorisation runs out", "billing"
            return "neither shipped nor voided", "customer service"
        case Status.AUTHORISING | Status.DECLINED | Status.CAPTURED | Status.VOIDED:
            raise ValueError(f"{attempt.status} waits for no moment of its own")
        case never:
            assert_never(never)


def _claim(receivable: Receivable) -> str:
    retrying = receivable.status is ReceivableStatus.RETRYING
    return "capture is to be tried again" if retrying else "invoice is not paid"


def overdue(draft: Draft) -> Decision:
    """Do what is due now; every moment that passed is acted on or moved."""
    before = draft.payment
    if (call := before.call) and call.next_at <= draft.now:
        _chase(draft, call)
    for attempt in before.attempts:
        request_id = attempt.terms.request_id
        _look_at(draft, draft.payment.attempt(request_id) or attempt)
        _dun(draft, draft.payment.attempt(request_id) or attempt)
    if draft.payment == before and not draft.effects:
        return late(None, "nothing is due any more")
    return draft.decision()


def _chase(draft: Draft, call: Call) -> None:
    """An open call stays open; one whose fate is unknown is made again, if still wanted."""
    attempt = draft.payment.attempt(call.request_id)
    if attempt is None:
        raise ValueError(f"a call for {call.request_id}, which was never asked for")
    patience = seconds(draft.policy.provider_answers_within_seconds)
    if call.open_id:
        draft.payment = replace(draft.payment, call=replace(call, next_at=draft.now + patience))
    elif call.method is Method.AUTHORISE and draft.now >= authorising.give_up_at(draft, attempt):
        draft.payment = replace(draft.payment, call=None)
        voiding.give_up_authorising(draft, attempt)
    else:
        draft.ask_again(call)


def _look_at(draft: Draft, attempt: Attempt) -> None:
    if attempt.next_at is None or attempt.next_at > draft.now:
        return
    match attempt.status:
        case Status.AWAITING_PAYER:
            authorising.decline_for_good(draft, attempt, attempt.code)
        case Status.VOIDING:
            draft.put(replace(attempt, next_at=None))
        case Status.AUTHORISED | Status.PART_CAPTURED:
            _keep_promise_alive(draft, attempt, attempt.authorised_until)
        case Status.AUTHORISING | Status.DECLINED | Status.CAPTURED | Status.VOIDED:
            raise ValueError(f"{attempt.status} waits for no moment of its own")
        case never:
            assert_never(never)


def _keep_promise_alive(draft: Draft, attempt: Attempt, until: datetime | None) -> None:
    """Renew it while it lasts and is needed; once it has lapsed, people must look.

    One that nothing will be captured from any more is let go, also where invoices were paid by
    other ways and so nobody asked for a void.
    """
    finished = attempt.last_shipped and not any(r.uncaptured for r in attempt.receivables)
    review_at = draft.now + seconds(draft.policy.review_seconds)
    if until is None and finished and attempt.by_provider:
        draft.put(replace(attempt, status=Status.VOIDING, next_at=None))
    elif until is None:
        draft.put(replace(attempt, next_at=review_at))
    elif draft.now < until:
        draft.put(replace(attempt, next_at=until, renewal_wanted=not finished))
    elif finished:
        voiding.release(draft, attempt, attempt.remaining_minor)
    else:
        lapsed = replace(attempt, authorised_until=None, next_at=review_at, renewal_wanted=False)
        draft.put(lapsed)


def _dun(draft: Draft, attempt: Attempt) -> None:
    """Captures whose pause is over are tried again; overdue customers are reminded."""
    for receivable in attempt.receivables:
        if receivable.next_at is None or receivable.next_at > draft.now:
            continue
        if receivable.status is ReceivableStatus.RETRYING:
            now_so = replace(receivable, status=ReceivableStatus.CAPTURING, next_at=None)
        else:
            again_at = draft.now + seconds(draft.policy.dunning_seconds)
            now_so = replace(receivable, next_at=again_at, reminders=receivable.reminders + 1)
        attempt = draft.put(attempt.with_receivable(now_so))
    strays = tuple(
        replace(s, next_at=None) if s.next_at and s.next_at <= draft.now else s
        for s in attempt.strays
    )
    if strays != attempt.strays:
        draft.put(replace(attempt, strays=strays))
