"""What people and the provider tell billing by HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PayerRetried:
    """The payer of a declined payment offers another token."""

    token: str


@dataclass(frozen=True, slots=True)
class AuthorisationReported:
    """The provider says, unasked, that a payment was authorised after all."""

    authorisation_id: str
    amount_minor: int
    currency: str
    request_id: str = ""
    """The payment request concerned; the latest one where empty."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeclineReported:
    """The provider says, unasked, that a payment will not be authorised."""

    code: str
    request_id: str = ""
    """The payment request concerned; the latest one where empty."""


@dataclass(frozen=True, slots=True)
class MoneyReceived:
    """Money came in for an invoice, other than by a capture."""

    invoice_no: str
    amount_minor: int
    currency: str
    reference: str
    """The bank statement's line: the same reference is the same money."""
