"""The values of the order service: what was ordered, where it stands, and what people may say."""

from __future__ import annotations

from oms_order.domain.commands import (
    AnswerBackorder,
    ApproveCosts,
    CancellationWish,
    CancelOrder,
    Command,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)
from oms_order.domain.fulfilment import Fulfilment, FulfilmentState, Invoice, Parcel
from oms_order.domain.lines import Line
from oms_order.domain.numbers import ids_of, order_key, order_no
from oms_order.domain.order import Body, NoOrder, Order, Status
from oms_order.domain.ordered import Head, OrderedLine, Submission, Totals
from oms_order.domain.payment import Payment, PaymentState, Refund, RefundState
from oms_order.domain.policy import BackorderChoice, CostLimit, Policy
from oms_order.domain.regions import (
    Approval,
    ApprovalState,
    Cancel,
    CancelState,
    Hold,
    Release,
    Request,
    Reservation,
    Stock,
    StockState,
    Task,
    TaskKind,
)

__all__ = [
    "AnswerBackorder",
    "Approval",
    "ApprovalState",
    "ApproveCosts",
    "BackorderChoice",
    "Body",
    "Cancel",
    "CancelOrder",
    "CancelState",
    "CancellationWish",
    "Command",
    "CostLimit",
    "Fulfilment",
    "FulfilmentState",
    "Head",
    "Hold",
    "Invoice",
    "Line",
    "NoOrder",
    "Order",
    "OrderedLine",
    "Parcel",
    "Payment",
    "PaymentState",
    "PlaceHold",
    "Policy",
    "Refund",
    "RefundState",
    "RejectCosts",
    "Release",
    "ReleaseHold",
    "Request",
    "Reservation",
    "ResolveTask",
    "Status",
    "Stock",
    "StockState",
    "Submission",
    "Task",
    "TaskKind",
    "Totals",
    "ids_of",
    "order_key",
    "order_no",
]
