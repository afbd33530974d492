"""Shortages: who is told, and how often."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, keep, late, seconds
from oms_contracts.stock import BackorderRaised
from oms_notify.decisions.delivery import queue
from oms_notify.domain import Alerts, Mailbag, Policy, Raised, Status, Template


def raise_alerts(
    policy: Policy, state: Alerts, shortage: BackorderRaised, input: Input, now: datetime
) -> Decision:
    """The warehouse manager and customer service are told, unless they were told just now."""
    last = state.last(shortage.location)
    if last is not None and not _worth_telling(policy, last, shortage, now):
        return late(state, f"told at {last.at:%H:%M} UTC and not grown much since")
    data: dict[str, Any] = {
        "sku": shortage.sku,
        "location": shortage.location,
        "backordered_total": shortage.backordered_total,
        "oldest_accepted_at": shortage.oldest_accepted_at.isoformat(),
        "reorder_qty": shortage.reorder_qty,
    }
    told = Raised(shortage.location, shortage.backordered_total, now)
    others = tuple(r for r in state.raised if r.location != shortage.location)
    both = ((Template.SHORTAGE_ALERT, data), (Template.BACKLOG_ALERT, data))
    bag = queue(_shorter(state.bag, policy.alerts_kept), both, input, now)
    return keep(replace(state, raised=(*others, told), bag=bag))


def _worth_telling(policy: Policy, last: Raised, shortage: BackorderRaised, now: datetime) -> bool:
    grown = shortage.backordered_total >= last.total * policy.alert_growth
    return grown or now >= last.at + seconds(policy.alert_again_seconds)


def _shorter(bag: Mailbag, kept: int) -> Mailbag:
    """Without the oldest messages that were sent; what failed is for a person to see."""
    sent = [m for m in bag.messages if m.status is Status.SENT]
    dropped = sent[: max(len(sent) - kept, 0)]
    return replace(bag, messages=tuple(m for m in bag.messages if m not in dropped))
