"""Carriers as data: which products they sell, and what their tracking codes mean.

These are the policy's defaults; `deploy/policies.toml` may replace each table.
"""

from __future__ import annotations

from collections.abc import Mapping

from oms_chassis.decision import Value
from oms_contracts.channel import ServiceLevel
from oms_contracts.shipping import ParcelStatus


class CarrierService(Value, frozen=True):
    """A product of a carrier, when it may be used, and its price per parcel.

    No `countries` means every country, also one that is not known.
    """

    carrier: str
    service: str
    levels: tuple[ServiceLevel, ...]
    price_minor: int
    price_per_kg_minor: int
    """Per kilogram begun."""
    transit_days: int
    """Working days from the pickup to the door."""
    parcel_grams_max: int
    countries: tuple[str, ...] = ()


_UNION = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
_STANDARD = (ServiceLevel.STANDARD,)
_EXPRESS = (ServiceLevel.EXPRESS,)

SERVICES: tuple[CarrierService, ...] = (
    CarrierService("parcelpost", "home", _STANDARD, 420, 35, 2, 31_500, ("DE",)),
    CarrierService("parcelpost", "union", _STANDARD, 890, 80, 4, 31_500, _UNION),
    CarrierService("parcelpost", "world", _STANDARD, 1_790, 350, 9, 31_500),
    CarrierService("swiftair", "union-express", _EXPRESS, 1_690, 180, 1, 50_000, _UNION),
    CarrierService("swiftair", "world-express", _EXPRESS, 3_490, 690, 3, 50_000),
    CarrierService("haulage", "pallet", _STANDARD + _EXPRESS, 9_900, 45, 5, 1_000_000),
)

TRACKING_URLS: Mapping[str, str] = {
    "parcelpost": "https://track.parcelpost.example/{tracking_no}",
    "swiftair": "https://swiftair.example/follow?number={tracking_no}",
    "haulage": "https://haulage.example/shipment/{tracking_no}",
}

CARRIER_WORDS: Mapping[str, Mapping[str, ParcelStatus]] = {
    "*": {
        "PENDING": ParcelStatus.PRE_TRANSIT,
        "INFORECEIVED": ParcelStatus.PRE_TRANSIT,
        "INTRANSIT": ParcelStatus.IN_TRANSIT,
        "OUTFORDELIVERY": ParcelStatus.OUT_FOR_DELIVERY,
        "AVAILABLEFORPICKUP": ParcelStatus.AVAILABLE_FOR_PICKUP,
        "DELIVERED": ParcelStatus.DELIVERED,
        "ATTEMPTFAIL": ParcelStatus.DELIVERY_FAILED,
        "RETURNING": ParcelStatus.RETURN_TO_SENDER,
        "RETURNEDTOSENDER": ParcelStatus.RETURN_TO_SENDER,
        "DAMAGED": ParcelStatus.DAMAGED,
        "LOST": ParcelStatus.LOST,
    },
    "parcelpost": {
        "VA": ParcelStatus.PRE_TRANSIT,
        "AA": ParcelStatus.IN_TRANSIT,
        "AE": ParcelStatus.IN_TRANSIT,
        "EE": ParcelStatus.IN_TRANSIT,
        "PO": ParcelStatus.OUT_FOR_DELIVERY,
        "LA": ParcelStatus.AVAILABLE_FOR_PICKUP,
        "ZU": ParcelStatus.DELIVERED,
        "AN": ParcelStatus.DELIVERY_FAILED,
        "RT": ParcelStatus.RETURN_TO_SENDER,
        "BS": ParcelStatus.DAMAGED,
        "VL": ParcelStatus.LOST,
    },
    "swiftair": {
        "PU": ParcelStatus.IN_TRANSIT,
        "AR": ParcelStatus.IN_TRANSIT,
        "WC": ParcelStatus.OUT_FOR_DELIVERY,
        "HP": ParcelStatus.AVAILABLE_FOR_PICKUP,
        "OK": ParcelStatus.DELIVERED,
        "NH": ParcelStatus.DELIVERY_FAILED,
        "RD": ParcelStatus.DELIVERY_FAILED,
        "RT": ParcelStatus.RETURN_TO_SENDER,
        "DM": ParcelStatus.DAMAGED,
        "MS": ParcelStatus.LOST,
    },
}
"""`*`: the vocabulary of tracking aggregators; then carriers' own codes, in upper case."""
