"""Calls to the provider: which is due next, and what it says. At most one is open per order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, assert_never

from oms_billing.domain import (
    Attempt,
    Call,
    Method,
    Payment,
    ReceivableStatus,
    RefundStatus,
    Status,
)
from oms_chassis.decision import Value
from oms_contracts.channel import PaymentMethod

GATEWAY = "payments"

_CAPTURABLE = (Status.AUTHORISED, Status.PART_CAPTURED, Status.CAPTURED, Status.VOIDING)
_RENEWABLE = (Status.AUTHORISED, Status.PART_CAPTURED)
_IN_USE = (Status.AUTHORISED, Status.PART_CAPTURED, Status.VOIDING)


class Wish(Value, frozen=True):
    """A call that should be made."""

    method: Method
    request_id: str
    target: str = ""


def next_wish(payment: Payment, now: datetime) -> Wish | None:
    """The call that is due first: earlier attempts before later ones."""
    return next((w for attempt in payment.attempts for w in _wishes(attempt, now)), None)


def _wishes(attempt: Attempt, now: datetime) -> Iterator[Wish]:
    """In the order in which they are due: what was shipped is captured before the rest is freed,
    and a deposit is returned only when no refund can still draw on it."""
    request_id, provider = attempt.terms.request_id, attempt.by_provider
    if provider and attempt.authorisation_id and attempt.status in _CAPTURABLE:
        for receivable in attempt.receivables:
            if receivable.status is ReceivableStatus.CAPTURING:
                yield Wish(Method.CAPTURE, request_id, receivable.shipment_id)
    for refund in attempt.refunds:
        if refund.status is RefundStatus.WANTED:
            back = Method.REFUND if provider else Method.TRANSFER
            yield Wish(back, request_id, refund.request_id)
    if attempt.status is Status.VOIDING and _due(attempt.next_at, now):
        yield Wish(Method.VOID if provider else Method.TRANSFER, request_id)
    for stray in attempt.strays:
        in_use = stray.doubtful and attempt.status in _IN_USE
        if _due(stray.next_at, now) and not in_use:
            yield Wish(Method.VOID, request_id, stray.name)
    if attempt.status is Status.AUTHORISING:
        yield Wish(Method.AUTHORISE, request_id)
    if attempt.renewal_wanted and attempt.status in _RENEWABLE:
        yield Wish(Method.REAUTHORISE, request_id)


def _due(at: datetime | None, now: datetime) -> bool:
    return at is None or at <= now


def body_of(order_id: str, attempt: Attempt, call: Call) -> dict[str, Any]:
    """What the provider is told. `key` outlives the effect: a repeated wish repeats it."""
    about = {
        "key": call.key,
        "order_id": order_id,
        "order_no": attempt.terms.order_no,
        "currency": attempt.terms.currency,
    }
    match call.method:
        case Method.AUTHORISE:
            amount_minor = attempt.terms.amount_minor
            tried = {"token": attempt.token, "try": attempt.tries}
            return about | tried | {"amount_minor": amount_minor}
        case Method.REAUTHORISE:
            return about | _promise(attempt) | {"amount_minor": attempt.remaining_minor}
        case Method.CAPTURE:
            return about | _promise(attempt) | _capture(attempt, call.target)
        case Method.VOID:
            return about | _void(attempt, call.target)
        case Method.REFUND:
            return about | _promise(attempt) | _refund(attempt, call.target)
        case Method.TRANSFER:
            reference = {"reference": _source(attempt)}
            return about | reference | _refund(attempt, call.target)
        case never:
            assert_never(never)


def _promise(attempt: Attempt) -> dict[str, Any]:
    return {"authorisation_id": attempt.authorisation_id}


def _capture(attempt: Attempt, shipment_id: str) -> dict[str, Any]:
    receivable = attempt.receivable(shipment_id)
    if receivable is None:
        raise ValueError(f"no invoice was issued for shipment {shipment_id}")
    return {
        "amount_minor": receivable.open_minor,
        "invoice_no": receivable.invoice_no,
        "try": receivable.tries + 1,
    }


def _void(attempt: Attempt, stray_name: str) -> dict[str, Any]:
    """A promise is named by its id and, as that may be unknown, by the key that asked for it."""
    for stray in attempt.strays:
        if stray.name == stray_name:
            return {
                "authorisation_id": stray.authorisation_id,
                "authorise_key": stray.authorise_key,
            }
    return _promise(attempt) | {"authorise_key": attempt.authorise_key}


def _refund(attempt: Attempt, refund_request_id: str) -> dict[str, Any]:
    refund = attempt.refund(refund_request_id)
    amount_minor = refund.payout_minor if refund else attempt.deposit_minor
    return {"amount_minor": amount_minor}


def _source(attempt: Attempt) -> str:
    """Whom the money came from, as far as the provider knows."""
    kind = "deposit" if attempt.terms.method is PaymentMethod.PREPAID else "account"
    return attempt.terms.reference or f"{kind} of {attempt.terms.order_no}"
