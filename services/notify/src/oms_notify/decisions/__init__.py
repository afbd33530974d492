"""What notify does when told something: `decide`, and when it looks again: `deadline`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from oms_chassis.decision import (
    Deadline,
    Decision,
    Done,
    Input,
    Ref,
    Refused,
    Unknown,
    Woke,
    again,
    late,
    refuse,
)
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
from oms_notify.decisions.delivery import look_again, resend, send_next, settle
from oms_notify.decisions.letters import accept, tell
from oms_notify.decisions.shortages import raise_alerts
from oms_notify.domain import Alerts, Messages, Policy, Resend

__all__ = ["ImpossibleInput", "deadline", "decide"]


class ImpossibleInput(ValueError):
    """What was heard contradicts what notify knows; a person must see why."""


class World(Protocol):
    """The locked roots: `messages` by order id, `alerts` by SKU."""

    def __getitem__(self, ref: Ref) -> Any: ...
    def __contains__(self, ref: Ref) -> bool: ...


def decide(policy: Policy, world: World, input: Input, now: datetime) -> Decision:
    """Take in what happened, then send the oldest message that waits, unless a mail is open."""
    ref = _ref(world, input)
    decided = send_next(policy, _hear(policy, world[ref], input, now), input, now)
    if decided.state is None:
        return decided
    return replace(decided, state=None, states={ref: decided.state})


def _ref(world: World, input: Input) -> Ref:
    """Which root the input is about; an outcome or a wake-up is about the one that is there."""
    messages, alerts = ("messages", input.key), ("alerts", input.key)
    match input.body:
        case BackorderRaised():
            return alerts
        case Done() | Refused() | Unknown() | Woke():
            return messages if messages in world and world[messages] is not None else alerts
    return messages


def _hear(policy: Policy, state: Messages | Alerts | None, input: Input, now: datetime) -> Decision:
    match state, input.body:
        case None, OrderAccepted() as fact:
            return accept(policy, fact, input, now)
        case Messages(), OrderAccepted():
            return again(state)
        case Messages(), OrderCompleted(delivered=False):
            return late(state, "nothing was delivered that one could ask about")
        case (
            Messages(),
            OrderShipped() | OrderInvoiced() | OrderDelayed() | OrderCancelled()
            | CancellationRefused() | OrderHeld() | OrderCompleted() as fact,
        ):  # fmt: skip
            return tell(policy, state, fact, input, now)
        case None | Alerts(), BackorderRaised() as shortage:
            return raise_alerts(policy, state or Alerts(), shortage, input, now)
        case Messages(), Resend() as wish:
            return resend(state, wish, input, now)
        case None, Resend():
            return refuse(None, "unknown_order", "nothing was ever sent about this order")
        case Messages() | Alerts(), Done() | Refused() | Unknown() as outcome:
            return settle(policy, state, outcome, now)
        case Messages() | Alerts(), Woke():
            return look_again(policy, state, now)
    raise ImpossibleInput(f"{type(input.body).__name__} cannot happen here")


def deadline(policy: Policy, state: Messages | Alerts) -> Deadline | None:
    """None while no message is open and none waits to be tried again."""
    bag = state.bag
    if bag.look_at is None:
        return None
    reason = "the mail server has not answered" if bag.open_call else "a mail is to be tried again"
    return Deadline(bag.look_at, reason, "mail")
