"""Region P: the money of an order, as billing tells it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_order.domain.regions import Request


class PaymentState(StrEnum):
    """How far a payment has come. The second half follows from captures and refunds."""

    NONE = "none"
    ASKED = "asked"
    AWAITING_PAYER = "awaiting_payer"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    VOIDING = "voiding"
    VOIDED = "voided"

    PART_CAPTURED = "part_captured"
    CAPTURED = "captured"
    CAPTURE_FAILED = "capture_failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class RefundState(StrEnum):
    """What became of money that is to go back."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


class Refund(Value, frozen=True):
    """Captured money that is to go back."""

    request: Request
    payment_request_id: str
    amount_minor: int
    capture_id: str = ""
    """The capture that is undone; empty where billing's people gave money back on their own."""
    state: RefundState = RefundState.ASKED


class Payment(Value, frozen=True):
    """What billing was asked and what it said. `state` is one of the first half."""

    state: PaymentState = PaymentState.NONE
    request: Request | None = None
    """Unanswered: the payment's own request, or the one to void it."""
    request_id: str = ""
    """The payment's name between billing and us."""
    units: tuple[int, ...] = ()
    """Units of each line that are to be paid."""
    payer_until: datetime | None = None
    """When the payer's time is over."""
    declined_at: datetime | None = None
    """When the payer was last turned down by the bank."""
    asked_minor: int = 0
    authorised_minor: int = 0
    captured_minor: int = 0
    """Taken in all, including what was taken by mistake and goes back."""
    refunded_minor: int = 0
    authorisation_id: str = ""
    refunds: tuple[Refund, ...] = ()

    @property
    def open(self) -> bool:
        """Whether money may be promised that nothing was delivered for."""
        return self.state in _OPEN

    @property
    def voiding(self) -> bool:
        """Whether billing was asked to let the money go and has not answered."""
        return self.state is PaymentState.VOIDING

    @property
    def refunding(self) -> bool:
        """Whether money is on its way back."""
        return any(refund.state is RefundState.ASKED for refund in self.refunds)

    def authorise(self, authorisation_id: str, amount_minor: int) -> Payment:
        """The money is promised; a void that was asked for goes on."""
        voiding = self.state is PaymentState.VOIDING
        return replace(
            self,
            state=self.state if voiding else PaymentState.AUTHORISED,
            request=self.request if voiding else None,
            authorisation_id=authorisation_id,
            authorised_minor=amount_minor,
        )

    def await_payer(self, until: datetime, now: datetime) -> Payment:
        """Declined, but the payer may try again."""
        return replace(
            self,
            state=PaymentState.AWAITING_PAYER,
            request=None,
            payer_until=until,
            declined_at=now,
        )

    def void(self, request: Request) -> Payment:
        """Billing is asked to let the promised money go."""
        return replace(self, state=PaymentState.VOIDING, request=request)

    def with_refund(self, refund: Refund) -> Payment:
        """With a refund as it is now."""
        name = refund.request.request_id
        others = tuple(r for r in self.refunds if r.request.request_id != name)
        return replace(self, refunds=(*others, refund))

    def find_refund(self, request_id: str) -> Refund | None:
        """The refund that was asked for by this request."""
        return next((r for r in self.refunds if r.request.request_id == request_id), None)


_OPEN = (
    PaymentState.ASKED,
    PaymentState.AWAITING_PAYER,
    PaymentState.AUTHORISED,
    PaymentState.VOIDING,
)
