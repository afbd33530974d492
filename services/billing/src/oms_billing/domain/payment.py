"""The payment of an order: what was asked for, promised, invoiced, captured and given back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from oms_billing.domain.money import Amount, share
from oms_billing.domain.receivable import Receivable
from oms_billing.domain.refund import Credited, Refund, RefundStatus
from oms_chassis.decision import Value
from oms_contracts.channel import PaymentMethod


class Status(StrEnum):
    """Where the promise of the money stands."""

    AUTHORISING = "authorising"
    AWAITING_PAYER = "awaiting_payer"
    DECLINED = "declined"
    AUTHORISED = "authorised"
    PART_CAPTURED = "part_captured"
    CAPTURED = "captured"
    VOIDING = "voiding"
    VOIDED = "voided"


class Method(StrEnum):
    """What the payment provider can be asked for."""

    AUTHORISE = "authorise"
    REAUTHORISE = "reauthorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    TRANSFER = "transfer"
    """Pay out money that was not captured here: a deposit, or what came in on account."""


class Line(Value, frozen=True):
    """An order line and what all of its units cost."""

    line_id: str
    sku: str
    qty: int
    amount: Amount


class Terms(Value, frozen=True):
    """What one payment request asked for. `reference` and `bill_to` must reach no log."""

    request_id: str
    order_no: str
    amount_minor: int
    currency: str
    method: PaymentMethod
    reference: str
    terms_days: int
    lines: tuple[Line, ...]
    shipping: Amount
    expires_at: datetime
    bill_to: str = ""


class Stray(Value, frozen=True):
    """A promise the provider may hold although nobody wants it any more: it must be voided."""

    authorise_key: str
    authorisation_id: str = ""
    next_at: datetime | None = None
    """When to try again after a refusal."""
    doubtful: bool = False
    """It may be the very promise that is in use: it is voided once that has ended."""

    @property
    def name(self) -> str:
        """What tells it from others."""
        return self.authorisation_id or self.authorise_key


class Call(Value, frozen=True):
    """The provider call in progress: the only one of its order.

    `key` is the provider's idempotency key and never changes for the same wish. `open_id` is
    the effect whose outcome is awaited; empty while nobody knows what became of the last one.
    """

    method: Method
    request_id: str
    target: str
    """What it is for: a shipment, a refund request, a stray; empty for the promise itself."""
    key: str
    open_id: str
    next_at: datetime
    """When to look at it, should nothing be heard until then."""


class UnbornVoid(Value, frozen=True):
    """A void that overtook the payment request it undoes."""

    request_id: str
    payment_request_id: str


class Attempt(Value, frozen=True):
    """One payment request and all that came of it."""

    asked: Terms | None
    """Always there in memory; see `Payment.head`."""
    status: Status = Status.AUTHORISING
    token: str = ""
    tries: int = 0
    authorise_key: str = ""
    authorisation_id: str = ""
    authorised_minor: int = 0
    authorised_until: datetime | None = None
    code: str = ""
    """Why it was declined."""
    next_at: datetime | None = None
    """When to renew, review or try again, whatever the status waits for."""
    renewal_wanted: bool = False
    void_requests: tuple[str, ...] = ()
    voided_minor: int = 0
    shipped: tuple[int, ...] = ()
    """Units invoiced so far, by the order of the lines; empty before the first shipment."""
    last_shipped: bool = False
    receivables: tuple[Receivable, ...] = ()
    refunds: tuple[Refund, ...] = ()
    credited: tuple[Credited, ...] = ()
    strays: tuple[Stray, ...] = ()

    @property
    def terms(self) -> Terms:
        """What was asked for."""
        if self.asked is None:
            raise ValueError("an attempt was loaded without its terms")
        return self.asked

    @property
    def by_provider(self) -> bool:
        """Whether the provider holds a promise (else there is nothing to call it about)."""
        return self.terms.method is PaymentMethod.TOKEN and self.terms.amount_minor > 0

    @property
    def captured_minor(self) -> int:
        """How much of the promise invoices have used."""
        return sum(r.captured_minor for r in self.receivables)

    @property
    def remaining_minor(self) -> int:
        """How much of the promise is left."""
        return max(self.authorised_minor - self.captured_minor, 0)

    @property
    def live_refunds(self) -> tuple[Refund, ...]:
        """Refunds that were made or still may be."""
        return tuple(r for r in self.refunds if r.status is not RefundStatus.FAILED)

    @property
    def deposit_minor(self) -> int:
        """What we hold of a prepayment: neither used nor promised back."""
        if self.terms.method is not PaymentMethod.PREPAID:
            return 0
        promised_back_minor = sum(r.deposit_minor for r in self.live_refunds)
        return self.remaining_minor - self.voided_minor - promised_back_minor

    def receivable(self, shipment_id: str) -> Receivable | None:
        """The receivable of a shipment."""
        return next((r for r in self.receivables if r.shipment_id == shipment_id), None)

    def refund(self, request_id: str) -> Refund | None:
        """The refund that a request asked for."""
        return next((r for r in self.refunds if r.request_id == request_id), None)

    def with_receivable(self, changed: Receivable) -> Attempt:
        """The attempt with one receivable replaced."""
        kept = tuple(
            changed if r.shipment_id == changed.shipment_id else r for r in self.receivables
        )
        return replace(self, receivables=kept)

    def with_refund(self, changed: Refund) -> Attempt:
        """The attempt with one refund replaced."""
        kept = tuple(changed if r.request_id == changed.request_id else r for r in self.refunds)
        return replace(self, refunds=kept)

    def without_stray(self, name: str) -> Attempt:
        """The attempt after a stray promise was voided."""
        return replace(self, strays=tuple(s for s in self.strays if s.name != name))

    def invoiced(self) -> Iterator[tuple[Line, int, Amount]]:
        """Each line with its invoiced units and what they cost."""
        for line, units in zip(self.terms.lines, self.shipped, strict=False):
            if units:
                yield line, units, share(line.amount, units, line.qty)


class Payment(Value, frozen=True):
    """All that an order's money has been through, latest attempt last."""

    attempts: tuple[Attempt, ...] = ()
    head: Terms | None = None
    """The terms it was born with, those of the first attempt: stored apart, as they never change.
    None for a payment that began with a void."""
    call: Call | None = None
    unborn_voids: tuple[UnbornVoid, ...] = ()

    @property
    def current(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def status(self) -> str:
        """Where the latest attempt stands; a payment known by its void alone is voided."""
        return str(self.current.status if self.current else Status.VOIDED)

    def attempt(self, request_id: str) -> Attempt | None:
        """What became of a payment request."""
        return next((a for a in self.attempts if a.terms.request_id == request_id), None)

    def with_attempt(self, changed: Attempt) -> Payment:
        """The payment with one attempt replaced."""
        request_id = changed.terms.request_id
        kept = tuple(changed if a.terms.request_id == request_id else a for a in self.attempts)
        return replace(self, attempts=kept)
