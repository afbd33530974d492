"""The rules of the order service that an operator may set, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import field

from oms_chassis.decision import Rules

_MINUTE_SECONDS = 60.0
_HOUR_SECONDS = 60 * _MINUTE_SECONDS
_DAY_SECONDS = 24 * _HOUR_SECONDS


class BackorderChoice(StrEnum):
    """What a customer may want when goods do not come."""

    WAIT = "wait"
    CANCEL = "cancel"


class CostLimit(Rules, frozen=True):
    """Up to here costs in a currency are approved without a person."""

    total_minor: int
    discount_percent: int = 30
    """Of the goods' price before discount."""


def _cost_limits() -> Mapping[str, CostLimit]:
    hundredths = CostLimit(total_minor=500_000)
    return {code: hundredths for code in ("AUD", "CAD", "CHF", "EUR", "GBP", "USD")}


class Policy(Rules, frozen=True):
    """How long an order waits for whom, what needs a person, and what happens by default."""

    inventory_answers_seconds: float = _MINUTE_SECONDS
    """Inventory is asked again after this, then after twice as long, and so on."""
    billing_answers_seconds: float = 2 * _MINUTE_SECONDS
    """The same for billing."""
    warehouse_packs_seconds: float = _DAY_SECONDS
    """A released fulfilment should be packed within this."""
    warehouse_stops_seconds: float = 4 * _HOUR_SECONDS
    """Stopped work should be put back within this."""
    shipping_ships_seconds: float = _DAY_SECONDS
    """Packed parcels should be with the carrier within this."""
    shipping_stops_seconds: float = 10 * _MINUTE_SECONDS
    """A stopped shipment should be answered within this."""
    ship_within_seconds: float = 2 * _DAY_SECONDS
    """What is released must leave within this."""
    ship_express_within_seconds: float = 12 * _HOUR_SECONDS
    """The same for express orders."""

    payer_seconds: float = _DAY_SECONDS
    """A payer who has not paid by then loses the order."""
    hold_escalate_seconds: float = 8 * _HOUR_SECONDS
    """A hold that nobody looked at is raised again this often."""
    approval_escalate_seconds: float = 4 * _HOUR_SECONDS
    """The same for costs that wait for approval."""
    task_escalate_seconds: float = _DAY_SECONDS
    """The same for anything else in a person's queue."""
    unwind_alarm_seconds: float = _HOUR_SECONDS
    """A cancellation that takes longer is looked at by a person."""

    backorder_limit_seconds: float = 14 * _DAY_SECONDS
    """After so long without goods the customer is asked whether to wait on."""
    backorder_answer_seconds: float = 3 * _DAY_SECONDS
    """So long the customer has to answer."""
    backorder_default: BackorderChoice = BackorderChoice.WAIT
    """What silence means."""

    dunning_seconds: float = 7 * _DAY_SECONDS
    """The customer is reminded of an unpaid invoice this often."""
    delivery_overdue_seconds: float = 5 * _DAY_SECONDS
    """A parcel not delivered so long after it was expected is looked for."""
    follow_up_seconds: float = 7 * _DAY_SECONDS
    """So long after delivery the order is completed and the customer asked how it was."""

    cost_limits: Mapping[str, CostLimit] = field(default_factory=_cost_limits)
    """By currency; costs in any other need a person."""
    special_flags: tuple[str, ...] = ("CHECK", "FRAUD", "VIP")
    """Orders so flagged are looked at by a person before they are released."""
    silent_channels: tuple[str, ...] = ()
    """Channels that want no answers."""
