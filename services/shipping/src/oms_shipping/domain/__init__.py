"""Shipping's values: shipments and parcels, commands, rows, and the policy they live under."""

from oms_shipping.domain.carriers import CarrierService
from oms_shipping.domain.commands import HandOver, ScanReported
from oms_shipping.domain.policy import Handover, Policy
from oms_shipping.domain.records import ParcelRecord, ScanRecord
from oms_shipping.domain.shipments import (
    ENDED,
    PROBLEMS,
    LabelState,
    OpenCall,
    Parcel,
    Rate,
    Shipment,
    Shipments,
    Status,
)

__all__ = [
    "ENDED",
    "PROBLEMS",
    "CarrierService",
    "HandOver",
    "Handover",
    "LabelState",
    "OpenCall",
    "Parcel",
    "ParcelRecord",
    "Policy",
    "Rate",
    "ScanRecord",
    "ScanReported",
    "Shipment",
    "Shipments",
    "Status",
]
