"""What a customer owes for one shipment, and how that gets paid."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from oms_billing.domain.money import Amount
from oms_chassis.decision import Value


class ReceivableStatus(StrEnum):
    """How an invoice gets its money."""

    CAPTURING = "capturing"
    """From the promise: the capture is next, or under way."""
    RETRYING = "retrying"
    """The capture was refused; it is tried again at `next_at`."""
    ON_ACCOUNT = "on_account"
    """By the customer, until the due date; then a reminder goes out at each `next_at`."""
    OWED = "owed"
    """There is nothing to capture from: a person collects."""
    SETTLED = "settled"


class Receivable(Value, frozen=True):
    """An invoice's claim on the customer."""

    shipment_id: str
    invoice_no: str
    amount: Amount
    issued_at: datetime
    due_at: datetime
    status: ReceivableStatus
    captured_minor: int = 0
    """How much of the promise it used up."""
    paid_minor: int = 0
    credited_minor: int = 0
    """Taken back by credit notes before it was paid."""
    on_account: bool = False
    tries: int = 0
    code: str = ""
    """Why the last capture failed, if one ever did."""
    next_at: datetime | None = None
    reminders: int = 0
    capture_id: str = ""
    journal_id: str = ""
    receipts: tuple[str, ...] = ()
    """References of the bank statement lines that were booked on it."""

    @property
    def open_minor(self) -> int:
        """What the customer still owes."""
        return self.amount.gross_minor - self.paid_minor - self.credited_minor

    @property
    def uncaptured(self) -> bool:
        """Whether a capture of it is still to be made."""
        return self.status in (ReceivableStatus.CAPTURING, ReceivableStatus.RETRYING)

    @property
    def had_to_wait(self) -> bool:
        """Whether it is, or was, more than the blink between a shipment and its capture."""
        return self.on_account or self.code != ""
