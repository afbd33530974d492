"""The values that billing decides with: frozen, complete, and free of any I/O."""

from oms_billing.domain.commands import (
    AuthorisationReported,
    DeclineReported,
    MoneyReceived,
    PayerRetried,
)
from oms_billing.domain.ledger import (
    NOT_POSTED,
    BilledLine,
    CreditNote,
    Invoice,
    Journal,
    JournalEntry,
    Numbers,
    OpenItem,
    Series,
    Side,
    credit,
    debit,
    lines_json,
)
from oms_billing.domain.money import Amount, allocate, share, total
from oms_billing.domain.payment import (
    Attempt,
    Call,
    Line,
    Method,
    Payment,
    Status,
    Stray,
    Terms,
    UnbornVoid,
)
from oms_billing.domain.policy import Policy
from oms_billing.domain.receivable import Receivable, ReceivableStatus
from oms_billing.domain.refund import Credited, Refund, RefundStatus, ReturnedLine, SetOff

__all__ = [
    "NOT_POSTED",
    "Amount",
    "Attempt",
    "AuthorisationReported",
    "BilledLine",
    "Call",
    "CreditNote",
    "Credited",
    "DeclineReported",
    "Invoice",
    "Journal",
    "JournalEntry",
    "Line",
    "Method",
    "MoneyReceived",
    "Numbers",
    "OpenItem",
    "PayerRetried",
    "Payment",
    "Policy",
    "Receivable",
    "ReceivableStatus",
    "Refund",
    "RefundStatus",
    "ReturnedLine",
    "Series",
    "SetOff",
    "Side",
    "Status",
    "Stray",
    "Terms",
    "UnbornVoid",
    "allocate",
    "credit",
    "debit",
    "lines_json",
    "share",
    "total",
]
