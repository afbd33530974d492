"""The words of every request: the same whenever it is asked, for they follow from the state."""

from __future__ import annotations

from oms_contracts.event import Event
from oms_contracts.order import (
    Fulfilment as ToFulfil,
)
from oms_contracts.order import (
    FulfilmentStopRequested,
    OrderReleased,
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
from oms_order.domain.fulfilment import AT_WAREHOUSE, Fulfilment, FulfilmentState
from oms_order.domain.order import Order
from oms_order.domain.payment import Payment, Refund
from oms_order.domain.regions import Release, Request, Reservation


def reservation(order: Order, asked: Reservation) -> ReservationRequested:
    """Set these units aside."""
    head = order.head
    return ReservationRequested(
        request_id=asked.request.request_id,
        lines=head.quantities(asked.units),
        exclude=tuple(dict.fromkeys(location for _, location, _ in asked.shorts)),
        shorts=head.allocations(asked.shorts),
        ship_policy=head.ship_policy,
        backorder_policy=head.backorder_policy,
        priority=head.placed.priority,
        accepted_at=head.accepted_at,
        ship_country=head.placed.ship_country,
    )


def stock_release(order: Order, asked: Release) -> ReservationReleaseRequested:
    """Take these units back."""
    return ReservationReleaseRequested(
        request_id=asked.request.request_id,
        alloc=order.head.allocations(asked.placed),
        backordered=order.head.quantities(asked.backordered),
        reason=order.cancel.reason or order.cancel.code,
    )


def payment(order: Order, asked: Payment) -> PaymentRequested:
    """Promise the price of the units that are wanted."""
    head, placed = order.head, order.placed
    assert asked.payer_until is not None
    lines = zip(placed.lines, asked.units, strict=True)
    return PaymentRequested(
        request_id=asked.request_id,
        order_no=head.order_no,
        amount_minor=asked.asked_minor,
        currency=placed.currency,
        method=placed.payment_method,
        reference=placed.payment_reference,
        terms_days=placed.terms_days,
        lines=tuple(
            PricedLine(
                line_id=line.line_id,
                sku=line.sku,
                qty=qty,
                net_minor=line.net_of(qty),
                tax_minor=line.tax_of(qty),
            )
            for line, qty in lines
            if qty
        ),
        shipping_net_minor=placed.shipping_minor,
        shipping_tax_minor=placed.shipping_tax_minor,
        expires_at=asked.payer_until,
        bill_to=placed.bill_to or placed.ship_to,
    )


def void(payment_request_id: str, request: Request, reason: str) -> PaymentVoidRequested:
    """Let promised money go."""
    return PaymentVoidRequested(
        request_id=request.request_id, payment_request_id=payment_request_id, reason=reason
    )


def refund(order: Order, asked: Refund) -> RefundRequested:
    """Give captured money back."""
    return RefundRequested(
        request_id=asked.request.request_id,
        payment_request_id=asked.payment_request_id,
        amount_minor=asked.amount_minor,
        currency=order.placed.currency,
        reason="captured for nothing that was shipped",
    )


def release(order: Order, fulfilments: tuple[Fulfilment, ...]) -> OrderReleased:
    """Pick and pack these."""
    head = order.head
    return OrderReleased(
        order_no=head.order_no,
        fulfilments=tuple(
            ToFulfil(
                fulfilment_id=f.fulfilment_id,
                location=f.location,
                lines=head.quantities(f.units),
            )
            for f in fulfilments
        ),
        service_level=head.service_level,
        ship_by=fulfilments[0].ship_by,
        flags=head.placed.flags,
        address=order.body.ship_to or head.placed.ship_to,
    )


def stop(order: Order, fulfilment: Fulfilment) -> Event:
    """Stop: said to whoever has the goods."""
    assert fulfilment.stop is not None
    request_id = fulfilment.stop.request_id
    if fulfilment.state not in AT_WAREHOUSE:
        return ShipmentStopRequested(request_id=request_id, shipment_id=fulfilment.shipment_id)
    return FulfilmentStopRequested(
        request_id=request_id,
        fulfilment_id=fulfilment.fulfilment_id,
        put_back=fulfilment.state is FulfilmentState.PACKED,
        reason=order.cancel.reason or order.cancel.code or "a reservation broke",
    )


def shipment(order: Order, fulfilment: Fulfilment) -> ShipmentRequested:
    """Hand these parcels to a carrier."""
    assert fulfilment.request is not None
    head = order.head
    return ShipmentRequested(
        request_id=fulfilment.request.request_id,
        order_no=head.order_no,
        shipment_id=fulfilment.shipment_id,
        fulfilment_id=fulfilment.fulfilment_id,
        location=fulfilment.location,
        parcels=tuple(
            Parcel(
                parcel_id=p.parcel_id,
                weight_grams=p.weight_grams,
                length_mm=p.length_mm,
                width_mm=p.width_mm,
                height_mm=p.height_mm,
                lines=head.quantities(p.units),
            )
            for p in fulfilment.parcels
        ),
        service_level=head.service_level,
        ship_country=head.placed.ship_country,
        address=order.body.ship_to or head.placed.ship_to,
    )
