"""Said by the shipping service on `oms.shipping.v1`, keyed by order id: the carrier's part."""

from __future__ import annotations

from typing import ClassVar

from pydantic import StrictBool

from oms_contracts.event import Event, Instant, Name, OpenEnum, RequestId, Text, Tracked

_TOPIC = "oms.shipping.v1"


class ParcelStatus(OpenEnum):
    """Nine words for what carriers say in a thousand."""

    PRE_TRANSIT = "pre_transit"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    RETURN_TO_SENDER = "return_to_sender"
    DAMAGED = "damaged"
    LOST = "lost"
    UNKNOWN = "unknown"


class FailureCode(OpenEnum):
    """Who must mend a shipment that could not be handed over."""

    ADDRESS = "address"
    CARRIER = "carrier"
    UNKNOWN = "unknown"


class Shipped(Event):
    """The carrier took the parcels."""

    TYPE: ClassVar[str] = "oms.shipping.Shipped.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
    parcels: tuple[Tracked, ...]
    eta: Instant | None = None
    shipped_at: Instant


class ShipmentFailed(Event):
    """The parcels are still here: the carrier would not take them."""

    TYPE: ClassVar[str] = "oms.shipping.ShipmentFailed.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
    code: FailureCode
    text: Text = ""


class ShipmentStopped(Event):
    """The shipment will not leave; `labels_voided` says whether the labels cost nothing."""

    TYPE: ClassVar[str] = "oms.shipping.ShipmentStopped.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
    labels_voided: StrictBool


class ShipmentStopRefused(Event):
    """Too late: the carrier has it."""

    TYPE: ClassVar[str] = "oms.shipping.ShipmentStopRefused.v1"
    TOPIC: ClassVar[str] = _TOPIC

    request_id: RequestId
    shipment_id: Name
    reason: Text


class ParcelDelivered(Event):
    """The carrier delivered a parcel."""

    TYPE: ClassVar[str] = "oms.shipping.ParcelDelivered.v1"
    TOPIC: ClassVar[str] = _TOPIC

    shipment_id: Name
    parcel_id: Name
    at: Instant


class ParcelException(Event):
    """Something is wrong with a parcel on its way."""

    TYPE: ClassVar[str] = "oms.shipping.ParcelException.v1"
    TOPIC: ClassVar[str] = _TOPIC

    shipment_id: Name
    parcel_id: Name
    status: ParcelStatus
    at: Instant
    text: Text = ""
