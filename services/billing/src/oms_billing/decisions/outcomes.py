"""What the provider answered, or did not."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from oms_billing.decisions import authorising, collecting, provider, refunding, voiding
from oms_billing.decisions.draft import Draft
from oms_billing.domain import Attempt, Call, Method, Status
from oms_chassis.decision import Decision, Done, Refused, Unknown, late, seconds


def heard(draft: Draft, outcome: Done | Refused | Unknown) -> Decision:
    """Take the outcome of the one open call."""
    call = draft.payment.call
    if call is None or call.open_id != str(outcome.effect_id):
        return late(None, "outcome of a call that is not waited for")
    attempt = draft.payment.attempt(call.request_id)
    if attempt is None:
        raise ValueError(f"a call was open for {call.request_id}, which was never asked for")
    draft.payment = replace(draft.payment, call=None)
    match outcome:
        case Done():
            _done(draft, attempt, call, outcome)
        case Refused():
            _refused(draft, attempt, call, outcome)
        case Unknown():
            _unknown(draft, attempt, call)
        case never:
            assert_never(never)
    return draft.decision()


def _done(draft: Draft, attempt: Attempt, call: Call, outcome: Done) -> None:
    match call.method:
        case Method.AUTHORISE:
            authorising.authorise_answered(draft, attempt, outcome.answer)
        case Method.REAUTHORISE:
            authorising.renewed(draft, attempt, outcome.answer)
        case Method.CAPTURE:
            collecting.capture_answered(draft, attempt, call.target, outcome.answer)
        case Method.VOID:
            voiding.void_answered(draft, attempt, call.target)
        case Method.TRANSFER if not call.target:
            voiding.deposit_returned(draft, attempt, outcome.answer)
        case Method.REFUND | Method.TRANSFER:
            refunding.refund_answered(draft, attempt, call.target, outcome.answer)
        case never:
            assert_never(never)


def _refused(draft: Draft, attempt: Attempt, call: Call, outcome: Refused) -> None:
    code = provider.code(outcome.code)
    match call.method:
        case Method.AUTHORISE:
            authorising.authorise_refused(draft, attempt, code)
        case Method.REAUTHORISE:
            authorising.not_renewed(draft, attempt)
        case Method.CAPTURE:
            collecting.capture_refused(draft, attempt, call.target, code)
        case Method.VOID:
            voiding.void_refused(draft, attempt, call.target, code)
        case Method.TRANSFER if not call.target:
            voiding.deposit_kept(draft, attempt)
        case Method.REFUND | Method.TRANSFER:
            refunding.refund_refused(draft, attempt, call.target, code, outcome.text)
        case never:
            assert_never(never)


def _unknown(draft: Draft, attempt: Attempt, call: Call) -> None:
    """Ask again later under the same key; it is never taken for a refusal."""
    if attempt.status is Status.VOIDING and call.method in (Method.AUTHORISE, Method.REAUTHORISE):
        return  # whatever came of it is voided next
    if call.method is Method.CAPTURE:
        collecting.capture_unknown(draft, attempt, call.target)
    pause = seconds(draft.policy.unknown_retry_seconds)
    waiting = replace(call, open_id="", next_at=draft.now + pause)
    draft.payment = replace(draft.payment, call=waiting)
