"""The stages of the happy road: each begins where the one before ends."""

from __future__ import annotations

from typing import Any

from replies import (
    fulfilment_packed,
    parcel_delivered,
    parcels_shipped,
    payment_authorised,
    payment_captured,
    stock_reserved,
)
from story import Story, submission

from oms_contracts import order as said
from oms_contracts.channel import BackorderPolicy, ShipPolicy
from oms_order.domain import OrderedLine, Policy


def accepted(*lines: OrderedLine, policy: Policy | None = None, **changes: Any) -> Story:
    """The order is ours; inventory has been asked."""
    story = Story(policy)
    story.tell(submission(*lines, **changes))
    return story


def reserved(*lines: OrderedLine, **changes: Any) -> Story:
    """All units are set aside; billing has been asked."""
    story = accepted(*lines, **changes)
    story.tell(stock_reserved(story))
    return story


def released(*lines: OrderedLine, **changes: Any) -> Story:
    """Money is promised; the warehouse works."""
    story = reserved(*lines, **changes)
    story.tell(payment_authorised(story))
    return story


def packed(*lines: OrderedLine, **changes: Any) -> Story:
    """Everything lies in parcels; shipping has been asked."""
    story = released(*lines, **changes)
    for fulfilment in story.last(said.OrderReleased).fulfilments:
        story.tell(fulfilment_packed(fulfilment))
    return story


def shipped(*lines: OrderedLine, **changes: Any) -> Story:
    """Everything has left; billing has been told."""
    story = packed(*lines, **changes)
    for asked in story.all(said.ShipmentRequested):
        story.tell(parcels_shipped(asked, story.now))
    return story


def captured(*lines: OrderedLine, **changes: Any) -> Story:
    """Everything that has left is paid for."""
    story = shipped(*lines, **changes)
    for gone in story.all(said.OrderShipped):
        story.tell(payment_captured(story, gone))
    return story


def delivered(*lines: OrderedLine, **changes: Any) -> Story:
    """Every parcel has arrived."""
    story = captured(*lines, **changes)
    for gone in story.all(said.OrderShipped):
        for parcel in gone.parcels:
            story.tell(parcel_delivered(gone, parcel, story.now))
    return story


def completed(*lines: OrderedLine, **changes: Any) -> Story:
    """Nothing is left to do."""
    story = delivered(*lines, **changes)
    story.wake()
    return story


def deny_and_complete() -> dict[str, Any]:
    """An order whose customer neither waits nor takes several parcels."""
    return {"backorder_policy": BackorderPolicy.DENY, "ship_policy": ShipPolicy.COMPLETE}
