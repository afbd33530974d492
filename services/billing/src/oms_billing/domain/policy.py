"""The rules of billing that an operator may set, with their defaults."""

from __future__ import annotations

from oms_chassis.decision import Rules

_HOUR_SECONDS = 3600.0
_DAY_SECONDS = 24 * _HOUR_SECONDS


class Policy(Rules, frozen=True):
    """How long billing waits, how often it tries, and whose codes mean what."""

    provider_answers_within_seconds: float = 120.0
    """A call open for longer is looked at (it stays open: the same key is called again)."""
    unknown_retry_seconds: float = 60.0
    """When nobody knows what became of a call, the provider is asked again after this."""

    payer_grace_seconds: float = 600.0
    """Billing stops trying this long after the payer's time, which the order service watches."""
    payer_tries_max: int = 10
    """Tokens a payer may try before a decline is final."""
    retryable_declines: tuple[str, ...] = (
        "insufficient_funds",
        "authentication_required",
        "limit_exceeded",
        "no_token",
        "try_again_later",
    )
    """Declines that another token or a word with the bank may cure; every other code is final."""

    reauthorise_before_seconds: float = _DAY_SECONDS
    """An authorisation still needed is renewed this long before it runs out."""
    capture_retry_seconds: tuple[float, ...] = (
        5 * 60.0,
        _HOUR_SECONDS,
        _DAY_SECONDS,
        3 * _DAY_SECONDS,
    )
    """Pauses between attempts at a refused capture; after the last one a person collects."""
    void_retry_seconds: float = 900.0
    """A refused void or return of a deposit is tried again after this, until it succeeds."""
    released_codes: tuple[str, ...] = (
        "already_captured",
        "already_voided",
        "authorisation_expired",
        "unknown_authorisation",
    )
    """Refusals of a void that say: nothing is held any more."""

    review_seconds: float = 14 * _DAY_SECONDS
    """A payment that is neither used nor voided is looked at by a person this often."""
    dunning_seconds: float = 7 * _DAY_SECONDS
    """The customer is reminded of an overdue invoice this often."""
