"""What a channel may know of its own orders, on `oms.channel.<name>.answers.v1`.

Owner: the order service. Keyed by the channel's order number.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StrictBool

from oms_contracts.event import (
    ChannelName,
    Currency,
    Event,
    Instant,
    LineQty,
    Minor,
    Name,
    NameOrNone,
    Reason,
    Text,
    Tracked,
)

ChannelKey = Annotated[str, Field(min_length=1, max_length=128)]
"""The record's key as the channel sent it: an order number, if perhaps not an acceptable one."""

_TOPIC = "oms.channel.{channel}.answers.v1"


class OrderConfirmed(Event):
    """The order was taken; `order_no` is the number the customer may quote."""

    TYPE: ClassVar[str] = "oms.channel.OrderConfirmed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    channel: ChannelName
    external_id: ChannelKey
    order_no: Name
    lines: tuple[LineQty, ...]
    accepted_at: Instant


class OrderRejected(Event):
    """The order was not taken; every reason at once."""

    TYPE: ClassVar[str] = "oms.channel.OrderRejected.v1"
    TOPIC: ClassVar[str] = _TOPIC

    channel: ChannelName
    external_id: ChannelKey
    reasons: tuple[Reason, ...]


class OrderDispatched(Event):
    """A shipment left with the carrier."""

    TYPE: ClassVar[str] = "oms.channel.OrderDispatched.v1"
    TOPIC: ClassVar[str] = _TOPIC

    channel: ChannelName
    external_id: ChannelKey
    order_no: Name
    lines: tuple[LineQty, ...]
    parcels: tuple[Tracked, ...]
    eta: Instant | None = None


class OrderClosed(Event):
    """Nothing more will happen to the order: what was shipped, what was cancelled and why."""

    TYPE: ClassVar[str] = "oms.channel.OrderClosed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    channel: ChannelName
    external_id: ChannelKey
    order_no: Name
    shipped: tuple[LineQty, ...] = ()
    cancelled: tuple[LineQty, ...] = ()
    reason: Text = ""
    charged_minor: Minor = 0
    currency: Currency


class CancellationAnswered(Event):
    """What became of a wish to cancel; where refused, `reason` says what to do instead."""

    TYPE: ClassVar[str] = "oms.channel.CancellationAnswered.v1"
    TOPIC: ClassVar[str] = _TOPIC

    channel: ChannelName
    external_id: ChannelKey
    order_no: NameOrNone = ""
    accepted: StrictBool
    lines: tuple[LineQty, ...] = ()
    reason: Text = ""
