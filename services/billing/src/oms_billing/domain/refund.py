"""Money that goes back, and what it corrects."""

from __future__ import annotations

from enum import StrEnum

from oms_billing.domain.money import Amount
from oms_chassis.decision import Value


class RefundStatus(StrEnum):
    """What became of a refund."""

    WANTED = "wanted"
    COMPLETED = "completed"
    FAILED = "failed"


class ReturnedLine(Value, frozen=True):
    """Units of a line that a refund is for."""

    line_id: str
    qty: int


class SetOff(Value, frozen=True):
    """The part of a refund that lowers what is owed on an invoice instead of paying out."""

    invoice_no: str
    amount_minor: int


class Refund(Value, frozen=True):
    """Money that goes back. What is not `deposit_minor` corrects invoices by a credit note."""

    request_id: str
    amount_minor: int
    reason: str = ""
    lines: tuple[ReturnedLine, ...] = ()
    deposit_minor: int = 0
    """The part that comes from a prepayment no shipment has used."""
    set_offs: tuple[SetOff, ...] = ()
    status: RefundStatus = RefundStatus.WANTED
    refund_id: str = ""
    credit_note_no: str = ""
    code: str = ""
    text: str = ""

    @property
    def invoiced_minor(self) -> int:
        """The part that takes back what invoices charged."""
        return self.amount_minor - self.deposit_minor

    @property
    def payout_minor(self) -> int:
        """The part for which money moves."""
        return self.amount_minor - sum(s.amount_minor for s in self.set_offs)


class Credited(Value, frozen=True):
    """What credit notes took back of a line so far; of the shipping charge where it names none."""

    line_id: str
    qty: int
    amount: Amount
