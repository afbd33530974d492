"""Said by the billing service on `oms.billing.v1`, keyed by order id: payments and the ledger."""

from __future__ import annotations

from typing import ClassVar

from pydantic import StrictBool

from oms_contracts.event import (
    Currency,
    Event,
    Instant,
    Minor,
    Name,
    NameOrNone,
    OpenEnum,
    RequestId,
    Text,
    Value,
)

_TOPIC = "oms.billing.v1"


class Account(OpenEnum):
    """The accounts of the A/R ledger that postings touch."""

    RECEIVABLES = "receivables"
    REVENUE = "revenue"
    SALES_TAX = "sales_tax"
    CASH = "cash"
    CUSTOMER_DEPOSITS = "customer_deposits"
    RETURNS = "returns"
    UNKNOWN = "unknown"


class PostingCause(OpenEnum):
    """The business event behind a journal."""

    INVOICE = "invoice"
    CAPTURE = "capture"
    PREPAYMENT = "prepayment"
    REFUND = "refund"
    UNKNOWN = "unknown"


class PaymentAuthorized(Event):
    """The money is promised until `expires_at`; the amount may differ from what was asked."""

    TYPE: ClassVar[str] = "oms.billing.PaymentAuthorized.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    payment_id: Name
    authorisation_id: Name
    amount_minor: Minor
    currency: Currency
    expires_at: Instant | None = None


class PaymentDeclined(Event):
    """The payer's bank said no; unless `final`, another attempt may succeed until `retry_until`."""

    TYPE: ClassVar[str] = "oms.billing.PaymentDeclined.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    code: Name
    final: StrictBool
    retry_until: Instant | None = None


class PaymentCaptured(Event):
    """The shipment is settled: the money is in, or (`due_at`) owed on account until that day."""

    TYPE: ClassVar[str] = "oms.billing.PaymentCaptured.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
    capture_id: Name
    amount_minor: Minor
    tax_minor: Minor = 0
    currency: Currency
    invoice_no: Name
    journal_id: Name
    due_at: Instant | None = None


class PaymentCaptureFailed(Event):
    """The customer owes the invoice; the next attempt, if any, is at `next_try`."""

    TYPE: ClassVar[str] = "oms.billing.PaymentCaptureFailed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
    invoice_no: Name
    amount_minor: Minor
    tax_minor: Minor = 0
    currency: Currency
    code: Name
    next_try: Instant | None = None


class PaymentVoided(Event):
    """The promised money is free again, or was never promised; no later success will stand."""

    TYPE: ClassVar[str] = "oms.billing.PaymentVoided.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    payment_request_id: RequestId
    authorisation_id: NameOrNone = ""
    amount_minor: Minor = 0
    currency: Currency


class RefundCompleted(Event):
    """Money went back; no credit note corrects what was never invoiced."""

    TYPE: ClassVar[str] = "oms.billing.RefundCompleted.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    refund_id: Name
    amount_minor: Minor
    currency: Currency
    credit_note_no: NameOrNone = ""


class RefundFailed(Event):
    """The provider would not give the money back: a person must."""

    TYPE: ClassVar[str] = "oms.billing.RefundFailed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    amount_minor: Minor
    currency: Currency
    code: Name
    text: Text = ""


class JournalEntry(Value):
    """One side of a posting; exactly one of debit and credit is above zero."""

    account: Account
    debit_minor: Minor = 0
    credit_minor: Minor = 0


class LedgerPosted(Event):
    """A journal was posted: Σ debit = Σ credit."""

    TYPE: ClassVar[str] = "oms.billing.LedgerPosted.v1"
    TOPIC: ClassVar[str] = _TOPIC

    journal_id: Name
    cause: PostingCause
    document_no: Name
    posted_at: Instant
    currency: Currency
    entries: tuple[JournalEntry, ...]
