"""One order for every place that an order can be in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from builders import accepted, captured, completed, delivered, packed, released, reserved, shipped
from replies import (
    at,
    backordered,
    capture_failed,
    fulfilment_packed,
    fulfilment_short,
    fulfilment_stopped,
    parcels_shipped,
    payment_authorised,
    payment_declined,
    payment_voided,
    shipment_failed,
    shipment_stopped,
    stock_released,
    stock_reserved,
    wanted,
)
from saga_inputs import money_taken, parcel_lost, reservation_broken
from story import Story, line

from oms_contracts import order as said
from oms_contracts.channel import ShipPolicy
from oms_order.domain import CancelOrder


def _none() -> Story:
    return Story()


def _rejected() -> Story:
    return accepted(currency="QQQ")


def _backordered() -> Story:
    story = accepted(line("1", 2))
    story.tell(stock_reserved(story, (), [backordered(x) for x in wanted(story)]))
    return story


def _customer_asked() -> Story:
    story = _backordered()
    story.wake()
    return story


def _awaiting_payer() -> Story:
    story = reserved()
    until = story.now + timedelta(hours=2)
    story.tell(payment_declined(story, final=False, retry_until=until))
    return story


def _costs_pending() -> Story:
    return released(currency="NOK")


def _held() -> Story:
    return released(flags=("VIP",))


def _short() -> Story:
    story = released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_short(fulfilment, fulfilment.lines[0]))
    return story


def _broken() -> Story:
    story = released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(reservation_broken(fulfilment.lines[0]))
    return story


def _packed() -> Story:
    story = packed()
    story.tell(shipment_failed(story))
    return story


def _part_shipped() -> Story:
    story = accepted(line("1", 2), ship_policy=ShipPolicy.SPLIT)
    (units,) = wanted(story)
    story.tell(stock_reserved(story, [at("WEST", units, 1), at("EAST", units, 1)]))
    story.tell(payment_authorised(story))
    first, _ = story.last(said.OrderReleased).fulfilments
    story.tell(fulfilment_packed(first))
    story.tell(parcels_shipped(story.last(said.ShipmentRequested), story.now))
    return story


def _unpaid() -> Story:
    story = shipped()
    story.tell(capture_failed(story, story.last(said.OrderShipped)))
    return story


def _cancelling(story: Story) -> Story:
    story.tell(CancelOrder(), actor="ann")
    return story


def _cancelled(story: Story) -> Story:
    story.tell(stock_released(story))
    story.tell(payment_voided(story))
    return story


def _cancelled_packed() -> Story:
    story = _cancelling(packed())
    story.tell(shipment_stopped(story))
    story.tell(fulfilment_stopped(story))
    return _cancelled(story)


def _refunding() -> Story:
    story = _cancelled_packed()
    story.tell(money_taken(story))
    return story


def _parcel_lost() -> Story:
    story = captured()
    story.tell(parcel_lost(story))
    return story


STATES: dict[str, Callable[[], Story]] = {
    "no order": _none,
    "rejected": _rejected,
    "accepted": accepted,
    "backordered": _backordered,
    "backordered, customer asked": _customer_asked,
    "reserved": reserved,
    "awaiting payer": _awaiting_payer,
    "authorised, costs pending": _costs_pending,
    "authorised, held": _held,
    "released": released,
    "released, units short": _short,
    "released, units broken": _broken,
    "packed, held": _packed,
    "packed, carrier asked": packed,
    "part shipped": _part_shipped,
    "shipped": shipped,
    "shipped, unpaid": _unpaid,
    "shipped, paid": captured,
    "shipped, parcel lost": _parcel_lost,
    "delivered": delivered,
    "completed": completed,
    "cancelling, stock asked": lambda: _cancelling(accepted()),
    "cancelling, stock and payment": lambda: _cancelling(reserved()),
    "cancelling, warehouse asked": lambda: _cancelling(released()),
    "cancelling, parcels to put back": lambda: _cancelling(_packed()),
    "cancelling, carrier asked": lambda: _cancelling(packed()),
    "cancelled": lambda: _cancelled(_cancelling(reserved())),
    "cancelled, was packed": _cancelled_packed,
    "cancelled, refund asked": _refunding,
}
