"""The whole business of billing: what it does when told something, and how long it waits."""

from __future__ import annotations

from datetime import datetime

from oms_billing.decisions import (
    authorising,
    collecting,
    invoicing,
    outcomes,
    refunding,
    voiding,
    waiting,
)
from oms_billing.decisions.draft import Draft, World
from oms_billing.decisions.waiting import deadline
from oms_billing.domain import (
    AuthorisationReported,
    DeclineReported,
    MoneyReceived,
    PayerRetried,
    Payment,
    Policy,
)
from oms_chassis.decision import Decision, Done, Input, Refused, Unknown, Woke
from oms_contracts.order import (
    OrderShipped,
    PaymentRequested,
    PaymentVoidRequested,
    RefundRequested,
)

__all__ = ["deadline", "decide"]


def decide(policy: Policy, world: World, input: Input, now: datetime) -> Decision:
    """What billing does when told something; every branch is one deed."""
    payment: Payment = world["payment", input.key] or Payment()
    draft = Draft(policy, world, input, now, payment)
    match input.body:
        case PaymentRequested() as asked:
            return authorising.pay(draft, asked)
        case PaymentVoidRequested() as undo:
            return voiding.void(draft, undo)
        case OrderShipped() as shipped:
            return invoicing.ship(draft, shipped)
        case RefundRequested() as wanted:
            return refunding.refund(draft, wanted)
        case Done() | Refused() | Unknown() as outcome:
            return outcomes.heard(draft, outcome)
        case PayerRetried() as command:
            return authorising.retry(draft, command)
        case AuthorisationReported() as report:
            return authorising.authorisation_reported(draft, report)
        case DeclineReported() as report:
            return authorising.decline_reported(draft, report)
        case MoneyReceived() as command:
            return collecting.receive(draft, command)
        case Woke():
            return waiting.overdue(draft)
        case strange:
            raise TypeError(f"billing was told a {type(strange).__name__}, which it does not hear")
