"""Said by the notify service on `oms.notify.v1`, keyed by order id."""

from __future__ import annotations

from typing import ClassVar

from oms_contracts.event import Event, Name, Text


class NotificationFailed(Event):
    """A message could not be delivered; a person may call the customer."""

    TYPE: ClassVar[str] = "oms.notify.NotificationFailed.v1"
    TOPIC: ClassVar[str] = "oms.notify.v1"

    fact_id: Name
    template: Name
    reason: Text
