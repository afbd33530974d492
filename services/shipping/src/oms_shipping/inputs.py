"""What shipping hears, and which row each input is about."""

from __future__ import annotations

from collections.abc import Sequence

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Kind
from oms_contracts.order import ShipmentRequested, ShipmentStopRequested

HEARS = (ShipmentRequested, ShipmentStopRequested)
KINDS = (Kind("shipments", topics=("oms.shipping.v1",)),)


def roots(input: Input) -> Sequence[Ref]:
    """All shipments of an order are one root."""
    return [("shipments", input.key)]
