"""What billing hears, and which rows each input touches."""

from __future__ import annotations

from collections.abc import Sequence

from oms_billing.domain import Method, Series
from oms_chassis.decision import Done, Input, Ref
from oms_chassis.fold import Kind
from oms_contracts.order import (
    OrderShipped,
    PaymentRequested,
    PaymentVoidRequested,
    RefundRequested,
)

HEARS = (PaymentRequested, PaymentVoidRequested, RefundRequested, OrderShipped)
KINDS = (Kind("numbers"), Kind("payment", topics=("oms.billing.v1",)))
"""In the order of locking. A counter is locked only by what may issue a document."""

_PAID_BACK = (Method.REFUND, Method.TRANSFER)


def roots(input: Input) -> Sequence[Ref]:
    """The order's payment, and the counter of the document that may be issued."""
    own = ("payment", input.key)
    match input.body:
        case OrderShipped():
            return [own, ("numbers", Series.INVOICE.value)]
        case RefundRequested():
            return [own, ("numbers", Series.CREDIT_NOTE.value)]
        case Done(method=method) if method in _PAID_BACK:
            return [own, ("numbers", Series.CREDIT_NOTE.value)]
        case _:
            return [own]
