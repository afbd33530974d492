"""Said by the order service on `oms.order.v1`, keyed by order id: what every participant follows.

Contact and address travel sealed; later facts about the same order carry neither.
"""

from __future__ import annotations

from oms_contracts.order.progress import (
    CancellationRefused,
    CostsApproved,
    CostsRejected,
    Fulfilment,
    Gate,
    HoldReleased,
    HoldType,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderDelayed,
    OrderDelivered,
    OrderHeld,
    OrderInvoiced,
    OrderReleased,
    OrderShipped,
    VerdictInput,
)
from oms_contracts.order.requests import (
    FulfilmentStopRequested,
    Parcel,
    PaymentRequested,
    PaymentVoidRequested,
    PricedLine,
    RefundRequested,
    ReservationReleaseRequested,
    ReservationRequested,
    ShipmentRequested,
    ShipmentStopRequested,
)

__all__ = [
    "CancellationRefused",
    "CostsApproved",
    "CostsRejected",
    "Fulfilment",
    "FulfilmentStopRequested",
    "Gate",
    "HoldReleased",
    "HoldType",
    "OrderAccepted",
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelayed",
    "OrderDelivered",
    "OrderHeld",
    "OrderInvoiced",
    "OrderReleased",
    "OrderShipped",
    "Parcel",
    "PaymentRequested",
    "PaymentVoidRequested",
    "PricedLine",
    "RefundRequested",
    "ReservationReleaseRequested",
    "ReservationRequested",
    "ShipmentRequested",
    "ShipmentStopRequested",
    "VerdictInput",
]
