"""Payments of every kind, each from the first request to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from builders import (
    NOW,
    TOTAL,
    Story,
    all_shipped,
    authorised,
    refund,
    request_id,
    requested,
    shipped,
    told,
    void,
)

from oms_billing.domain import PayerRetried, ReceivableStatus


def paid() -> Story:
    """Promised, shipped, captured; each said twice."""
    story = told(authorised(), requested(), all_shipped())
    return told(story, all_shipped())


def paid_in_parts() -> Story:
    """Three shipments: the last takes exactly the rest."""
    parts = (
        shipped("S-1", ("1", 1)),
        shipped("S-2", ("1", 1), ("2", 1)),
        shipped("S-3", ("1", 1), ("2", 1), ("3", 1), last=True),
    )
    return told(authorised(), *parts)


def declined() -> Story:
    """The bank says no for good."""
    return told(authorised("tok_decline"), void())


def paid_by_another_token() -> Story:
    """The payer tries again."""
    return told(authorised("tok_decline_then_pay"), PayerRetried("tok_approve"), all_shipped())


def payer_gave_up() -> Story:
    """Nobody tries again until the time is over."""
    story = authorised("tok_decline_then_pay", expires_at=NOW + timedelta(hours=1))
    story.time_is_up()
    return story


def voided() -> Story:
    """Undone before anything was shipped; then told again."""
    return told(authorised(), void(), void())


def voided_first() -> Story:
    """The void overtook the request."""
    return told(Story(), void(), requested())


def lost_and_found() -> Story:
    """Nobody knows what became of the call; it is looked up."""
    story = Story()
    story.tell(requested())
    story.unknown()
    story.time_is_up()
    story.all_answered()
    return story


def owed() -> Story:
    """The capture is refused until it is given up."""
    story = told(Story(), requested("tok_capture_fails"), all_shipped())
    while story.receivable.status is ReceivableStatus.RETRYING:
        story.time_is_up()
        story.all_answered()
    return story


def refunded() -> Story:
    """Units come back, then all the rest; then more than there was."""
    story = told(authorised(), all_shipped(), refund(250 + 48, ("2", 1)))
    rest = refund(TOTAL - 298, request=request_id("the rest"))
    return told(story, rest, refund(1, request=request_id("too much")))


def prepaid() -> Story:
    """Taken from a deposit, of which the rest goes back."""
    return told(authorised("ref-1", method="prepaid"), shipped("S-1", ("1", 1)), void())


def on_account() -> Story:
    """Invoiced, and reminded when it is overdue."""
    story = told(authorised("acme", method="terms"), all_shipped())
    story.time_is_up()
    return story


KINDS: dict[str, Callable[[], Story]] = {
    kind.__name__: kind
    for kind in (
        paid, paid_in_parts, declined, paid_by_another_token, payer_gave_up, voided, voided_first,
        lost_and_found, owed, refunded, prepaid, on_account,
    )
}  # fmt: skip
