"""What people and the provider tell billing by HTTP."""

from __future__ import annotations

from datetime import datetime

from oms_chassis.decision import Value


class PayerRetried(Value, frozen=True):
    """The payer of a declined payment offers another token."""

    token: str


class AuthorisationReported(Value, frozen=True):
    """The provider says, unasked, that a payment was authorised after all."""

    authorisation_id: str
    amount_minor: int
    currency: str
    request_id: str = ""
    """The payment request concerned; the latest one where empty."""
    expires_at: datetime | None = None


class DeclineReported(Value, frozen=True):
    """The provider says, unasked, that a payment will not be authorised."""

    code: str
    request_id: str = ""
    """The payment request concerned; the latest one where empty."""


class MoneyReceived(Value, frozen=True):
    """Money came in for an invoice, other than by a capture."""

    invoice_no: str
    amount_minor: int
    currency: str
    reference: str
    """The bank statement's line: the same reference is the same money."""
