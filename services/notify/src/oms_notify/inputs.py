"""What notify hears, and which row each input is about."""

from __future__ import annotations

from collections.abc import Sequence

from oms_chassis.decision import Done, Input, Ref, Refused, Unknown, Woke
from oms_chassis.fold import Kind
from oms_contracts.order import (
    CancellationRefused,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderDelayed,
    OrderHeld,
    OrderInvoiced,
    OrderShipped,
)
from oms_contracts.stock import BackorderRaised

HEARS = (
    OrderAccepted,
    OrderShipped,
    OrderInvoiced,
    OrderDelayed,
    OrderHeld,
    OrderCancelled,
    CancellationRefused,
    OrderCompleted,
    BackorderRaised,
)
KINDS = (Kind("alerts", hears=("oms.stock.v1",)), Kind("messages", topics=("oms.notify.v1",)))


def roots(input: Input) -> Sequence[Ref]:
    """A SKU's alerts or an order's messages; outcomes and wake-ups bring their root along."""
    match input.body:
        case BackorderRaised():
            return [("alerts", input.key)]
        case Done() | Refused() | Unknown() | Woke():
            return []
    return [("messages", input.key)]
