"""Region F: the part of an order that one location picks, packs and hands over."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_contracts.shipping import ParcelStatus
from oms_order.domain.ordered import Units
from oms_order.domain.regions import Request


class FulfilmentState(StrEnum):
    """How far the goods have come."""

    RELEASED = "released"
    PACKED = "packed"
    SHIP_ASKED = "ship_asked"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    STOPPED = "stopped"


LIVE = (FulfilmentState.RELEASED, FulfilmentState.PACKED, FulfilmentState.SHIP_ASKED)
"""The goods are still here: a stop may succeed. In the order in which one is tried."""
GONE = (FulfilmentState.SHIPPED, FulfilmentState.DELIVERED)
"""The goods have left."""
AT_WAREHOUSE = (FulfilmentState.RELEASED, FulfilmentState.PACKED)
"""The warehouse has the goods, so it answers a stop."""


class Parcel(NamedTuple):
    """A packed parcel; who carries it is known once it is shipped."""

    parcel_id: str
    weight_grams: int
    length_mm: int
    width_mm: int
    height_mm: int
    units: Units
    carrier: str = ""
    tracking_no: str = ""
    url: str = ""
    status: ParcelStatus = ParcelStatus.PRE_TRANSIT
    ended_at: datetime | None = None
    """When it arrived, or was given up."""


class Invoice(Value, frozen=True):
    """What billing charged for a shipment."""

    invoice_no: str
    amount_minor: int
    tax_minor: int
    paid: bool
    look_at: datetime | None = None
    """When the customer is reminded, unless the money is in."""


class Fulfilment(Value, frozen=True):
    """Units on their way from the shelf to the customer."""

    fulfilment_id: str
    location: str
    units: Units
    since: datetime
    ship_by: datetime
    state: FulfilmentState = FulfilmentState.RELEASED
    request: Request | None = None
    """Awaited: that it is packed, handed over or, once it has left, paid."""
    stop: Request | None = None
    """Whoever has the goods was asked to stop; their answer is awaited."""
    broken: Units = ()
    """Units that inventory no longer keeps for us."""
    parcels: tuple[Parcel, ...] = ()
    shipment_id: str = ""
    shipped_at: datetime | None = None
    eta: datetime | None = None
    deliver_by: datetime | None = None
    """When somebody looks for parcels that have not arrived."""
    invoice: Invoice | None = None

    @property
    def live(self) -> bool:
        """Whether the goods are still here."""
        return self.state in LIVE

    @property
    def gone(self) -> bool:
        """Whether the goods have left."""
        return self.state in GONE

    @property
    def settled(self) -> bool:
        """Whether its goods were paid for."""
        return self.invoice is not None and self.invoice.paid

    def of_line(self, line: int) -> int:
        """Units of the n-th line in it."""
        return sum(qty for n, qty in self.units if n == line)

    def pack(self, parcels: tuple[Parcel, ...], now: datetime) -> Fulfilment:
        """Every unit lies in a parcel."""
        return replace(self, state=FulfilmentState.PACKED, parcels=parcels, since=now, request=None)

    def drop(self, units: Units) -> Fulfilment:
        """Without these units; without any left it is stopped."""
        left = _less(self.units, units)
        if not left:
            return self.end()
        return replace(self, units=left, broken=_at_most(self.broken, left))

    def break_(self, units: Units) -> Fulfilment:
        """Inventory no longer keeps these units for us."""
        return replace(self, broken=_at_most(_sum(self.broken, units), self.units))

    def end(self) -> Fulfilment:
        """Work has stopped and its units are elsewhere."""
        return replace(
            self, state=FulfilmentState.STOPPED, units=(), broken=(), stop=None, request=None
        )

    def go_on(self) -> Fulfilment:
        """It could not be stopped: what is in it is there after all."""
        return replace(self, stop=None, broken=())

    def ask_shipment(self, shipment_id: str, request: Request, now: datetime) -> Fulfilment:
        """A carrier is to take the parcels."""
        return replace(
            self,
            state=FulfilmentState.SHIP_ASKED,
            shipment_id=shipment_id,
            request=request,
            since=now,
        )

    def stay(self, now: datetime) -> Fulfilment:
        """The carrier did not take the parcels: they stand packed."""
        return replace(self, state=FulfilmentState.PACKED, request=None, stop=None, since=now)

    def arrive(self, parcel_id: str, status: ParcelStatus, at: datetime) -> Fulfilment:
        """A parcel came to its end; the last one ends the fulfilment."""
        parcels = tuple(
            p._replace(status=status, ended_at=at) if p.parcel_id == parcel_id else p
            for p in self.parcels
        )
        if any(p.ended_at is None for p in parcels):
            return replace(self, parcels=parcels)
        return replace(
            self, parcels=parcels, state=FulfilmentState.DELIVERED, since=at, deliver_by=None
        )

    def with_status(self, parcel_id: str, status: ParcelStatus) -> Fulfilment:
        """The carrier said something about a parcel."""
        parcels = tuple(
            p._replace(status=status) if p.parcel_id == parcel_id else p for p in self.parcels
        )
        return replace(self, parcels=parcels)

    def parcel(self, parcel_id: str) -> Parcel | None:
        """The parcel with this id."""
        return next((p for p in self.parcels if p.parcel_id == parcel_id), None)


def _sum(first: Units, second: Units) -> Units:
    units = dict(first)
    for line, qty in second:
        units[line] = units.get(line, 0) + qty
    return tuple(units.items())


def _less(units: Units, gone: Units) -> Units:
    left = dict(units)
    for line, qty in gone:
        left[line] = left.get(line, 0) - qty
    if any(qty < 0 for qty in left.values()):
        raise ValueError(f"{gone} is more than the fulfilment holds: {units}")
    return tuple((line, qty) for line, qty in left.items() if qty)


def _at_most(units: Units, limit: Units) -> Units:
    room = dict(limit)
    capped = ((line, min(qty, room.get(line, 0))) for line, qty in units)
    return tuple((line, qty) for line, qty in capped if qty)
