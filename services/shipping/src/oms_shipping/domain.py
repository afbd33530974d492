"""Shipments of an order: what is asked of a carrier, and where each parcel is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from oms_contracts.channel import ServiceLevel
from oms_contracts.shipping import FailureCode, ParcelStatus

from oms_shipping.rules import CARRIER_WORDS, SERVICES, TRACKING_URLS, CarrierService

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


class Handover(StrEnum):
    """When parcels count as given to the driver: once labelled, or when a person scans them."""

    AT_ONCE = "at_once"
    MANUAL = "manual"


class LabelState(StrEnum):
    """What became of labels; unclear: the carrier did not say whether they are voided."""

    NONE = "none"
    BOUGHT = "bought"
    VOIDED = "voided"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Rate:
    """The chosen product of a carrier, and what all parcels of the shipment cost with it."""

    carrier: str
    service: str
    transit_days: int
    price_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Parcel:
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


@dataclass(frozen=True, slots=True)
class Shipment:
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


@dataclass(frozen=True, slots=True)
class OpenCall:
    """The one call to the carrier that has not been answered."""

    effect_id: str
    shipment_id: str
    look_at: datetime


@dataclass(frozen=True, slots=True)
class Shipments:
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


@dataclass(frozen=True, slots=True)
class HandOver:
    """A person gave these parcels to the driver, scanning each label."""

    shipment_id: str
    tracking_nos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanReported:
    """A carrier's word about a parcel; `code` is the carrier's own, `at` the carrier's time."""

    tracking_no: str
    event_id: str
    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelRecord:
    """A row of the table `parcel`: the newest of one label and of the parcel that carries it."""

    tracking_no: str
    order_id: str
    shipment_id: str
    parcel_id: str
    carrier: str
    service: str
    label: LabelState
    status: ParcelStatus
    scanned_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """A row of the table `scan`: what the carrier said, in its own word and in ours."""

    tracking_no: str
    event_id: str
    code: str
    status: ParcelStatus
    at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """What may differ from business to business."""

    services: tuple[CarrierService, ...] = SERVICES
    currency: str = "EUR"
    """What the prices of `services` are in."""
    tracking_urls: dict[str, str] = field(default_factory=lambda: dict(TRACKING_URLS))
    """Where a customer follows a parcel, by carrier; `{tracking_no}` is filled in."""
    words: dict[str, dict[str, ParcelStatus]] = field(
        default_factory=lambda: {carrier: dict(words) for carrier, words in CARRIER_WORDS.items()}
    )
    """Carriers' codes in our nine words, by carrier; `*` holds for every carrier."""
    handover: Handover = Handover.AT_ONCE
    handover_by_location: dict[str, Handover] = field(default_factory=dict)
    handover_within_seconds: float = 86_400.0
    """Labelled parcels that wait longer for the driver are brought to a person's attention."""
    pickup_hour_utc: int = 16
    """When the carrier collects: what is handed over later leaves the next working day."""
    delivery_hour_utc: int = 18
    """By when carriers deliver on the day they promise."""
    answer_within_seconds: float = 120.0
    """A call unanswered for longer is brought to a person's attention."""
    retry_after_seconds: float = 60.0
    """Pause after a call whose result is unknown; it doubles with each further one."""
    retry_after_max_seconds: float = 3_600.0
    void_attempts_max: int = 5
    """Voids with an unknown result after which a stop is answered all the same."""
    track_after_seconds: float = 3_600.0
    """First question to the carrier after the hand-over."""
    track_every_seconds: float = 14_400.0
    quiet_after_seconds: float = 14 * 86_400.0
    """A parcel without a scan for longer is an exception."""
    clock_skew_seconds: float = 300.0
    """A scan dated further ahead of our clock is not believed."""

    def handover_at(self, location: str) -> Handover:
        """How parcels leave that location."""
        return self.handover_by_location.get(location, self.handover)

    def word(self, carrier: str, code: str) -> ParcelStatus:
        """A carrier's code in our words; UNKNOWN for a code that nobody has mapped."""
        known = self.words.get("*", {}) | self.words.get(carrier, {})
        return known.get(code.upper(), ParcelStatus.UNKNOWN)
