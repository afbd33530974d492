"""Shipments of an order: what is asked of a carrier, and where each parcel is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_contracts.channel import ServiceLevel
from oms_contracts.shipping import FailureCode, ParcelStatus

PROBLEMS = {
    ParcelStatus.DELIVERY_FAILED: "a delivery was attempted in vain",
    ParcelStatus.RETURN_TO_SENDER: "the parcel comes back",
    ParcelStatus.DAMAGED: "the parcel is damaged",
    ParcelStatus.LOST: "the carrier lost the parcel",
    ParcelStatus.UNKNOWN: "the carrier has not scanned the parcel for too long",
}
"""What is wrong with a parcel, in the words that people get to read."""
ENDED = frozenset({ParcelStatus.DELIVERED, ParcelStatus.RETURN_TO_SENDER, ParcelStatus.LOST})
"""Where a carrier has nothing more to say, so that nobody needs to ask."""


class Status(StrEnum):
    """How far a shipment is. Stopped and failed mean: the parcels are still here."""

    BUYING = "buying"
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    VOIDING = "voiding"
    STOPPED = "stopped"
    FAILED = "failed"


class LabelState(StrEnum):
    """What became of labels; unclear: the carrier did not say whether they are voided."""

    NONE = "none"
    BOUGHT = "bought"
    VOIDED = "voided"
    UNCLEAR = "unclear"


class Rate(Value, frozen=True):
    """The chosen product of a carrier, and what all parcels of the shipment cost with it."""

    carrier: str
    service: str
    transit_days: int
    price_minor: int
    currency: str


class Parcel(Value, frozen=True):
    """A parcel: size and weight as packed, its label once bought, its newest scan."""

    parcel_id: str
    weight_grams: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    units: int = 0
    tracking_no: str = ""
    url: str = ""
    status: ParcelStatus = ParcelStatus.PRE_TRANSIT
    scanned_at: datetime | None = None
    told: tuple[ParcelStatus, ...] = ()
    """Exceptions that were published; UNKNOWN stands for a silence that was."""

    @property
    def problem(self) -> str:
        """What a person should know about the parcel; empty when all is well."""
        lasting = ParcelStatus.DAMAGED if ParcelStatus.DAMAGED in self.told else self.status
        silent = ParcelStatus.UNKNOWN in self.told and self.status not in ENDED
        return PROBLEMS.get(lasting, PROBLEMS[ParcelStatus.UNKNOWN] if silent else "")


class Shipment(Value, frozen=True):
    """Parcels that go to one carrier together, from the request to the last scan.

    `request_id` is the question that the order awaits an answer to; it is also the purchase the
    carrier knows the labels by. It is empty where only a stop was ever heard of.
    """

    shipment_id: str
    status: Status
    request_id: str = ""
    order_no: str = ""
    location: str = ""
    service_level: ServiceLevel = ServiceLevel.STANDARD
    address: str = ""
    parcels: tuple[Parcel, ...] = ()
    rate: Rate | None = None
    stops: tuple[str, ...] = ()
    """Stop requests that await an answer."""
    stopped_by: tuple[str, ...] = ()
    """Stop requests that were answered with a stop."""
    labels: LabelState = LabelState.NONE
    failure: FailureCode | None = None
    failure_text: str = ""
    shipped_at: datetime | None = None
    eta: datetime | None = None
    look_at: datetime | None = None
    """When something is to be done about the shipment; None where nothing is awaited."""
    attempts: int = 0
    """Calls begun for what is wanted at present."""
    attention: str = ""
    """Why a person should look; empty when all is well."""

    @property
    def bought(self) -> bool:
        """Whether the parcels have tracking numbers."""
        return bool(self.parcels) and all(p.tracking_no for p in self.parcels)

    @property
    def underway(self) -> tuple[Parcel, ...]:
        """Parcels that the carrier still has to say something about."""
        return tuple(p for p in self.parcels if p.status not in ENDED)


class OpenCall(Value, frozen=True):
    """The one call to the carrier that has not been answered."""

    effect_id: str
    shipment_id: str
    look_at: datetime


class Shipments(Value, frozen=True):
    """The root: all shipments of one order, in the order they were asked for."""

    shipments: tuple[Shipment, ...] = ()
    open_call: OpenCall | None = None

    def find(self, shipment_id: str) -> Shipment | None:
        """The shipment of that id, if it was heard of."""
        return next((s for s in self.shipments if s.shipment_id == shipment_id), None)

    def carrying(self, tracking_no: str) -> Shipment | None:
        """The shipment one of whose parcels has that tracking number."""
        for shipment in self.shipments:
            if any(parcel.tracking_no == tracking_no for parcel in shipment.parcels):
                return shipment
        return None

    def put(self, shipment: Shipment) -> Shipments:
        """With `shipment` in place of the one of the same id, or behind all others."""
        if self.find(shipment.shipment_id) is None:
            return replace(self, shipments=(*self.shipments, shipment))
        same = shipment.shipment_id
        kept = tuple(shipment if s.shipment_id == same else s for s in self.shipments)
        return replace(self, shipments=kept)

    @property
    def attention(self) -> str:
        """What a person should know first; empty when all is well."""
        return next((f"{s.shipment_id}: {s.attention}" for s in self.shipments if s.attention), "")
