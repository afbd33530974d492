"""All events in one place, found by their wire name."""

from __future__ import annotations

from oms_contracts import (
    answers,
    billing,
    channel,
    goods,
    inventory,
    notify,
    order,
    shipping,
    stock,
    warehouse,
)
from oms_contracts.event import Event

MODULES = (channel, answers, order, inventory, stock, goods, warehouse, billing, shipping, notify)

EVENTS: dict[str, type[Event]] = {
    value.TYPE: value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Event) and value is not Event
}
"""Wire name → class, for every event and version there is."""
