"""What may differ from business to business; `deploy/policies.toml` may set any of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import field

from oms_chassis.decision import Rules
from oms_contracts.shipping import ParcelStatus
from oms_shipping.domain.carriers import CARRIER_WORDS, SERVICES, TRACKING_URLS, CarrierService


class Handover(StrEnum):
    """When parcels count as given to the driver: once labelled, or when a person scans them."""

    AT_ONCE = "at_once"
    MANUAL = "manual"


class Policy(Rules, frozen=True):
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
    handover_by_location: Mapping[str, Handover] = {}
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
