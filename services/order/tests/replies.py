"""What the participants reply: yes, unless something else is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from story import NOW, Story

from oms_contracts import billing, inventory, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.event import Alloc, LineQty, Tracked


def wanted(story: Story) -> Sequence[LineQty]:
    """Units that inventory was last asked for."""
    asked = [f for f in story.said if isinstance(f, said.OrderAccepted | said.ReservationRequested)]
    return asked[-1].lines


def last_reservation_id(story: Story) -> str:
    """The last question to inventory."""
    asked = [f for f in story.said if isinstance(f, said.OrderAccepted | said.ReservationRequested)]
    return asked[-1].request_id


def stock_reserved(
    story: Story,
    alloc: Iterable[Alloc] | None = None,
    backordered: Iterable[inventory.Backordered] = (),
) -> inventory.StockReserved:
    """Inventory's answer to the last question: everything is there, in one place."""
    if alloc is None:
        alloc = [at("WEST", x) for x in wanted(story)]
    return inventory.StockReserved(
        request_id=last_reservation_id(story), alloc=tuple(alloc), backordered=tuple(backordered)
    )


def stock_refused(story: Story) -> inventory.StockRefused:
    """Inventory has not enough, and nobody may wait."""
    short = tuple(inventory.Short(sku=x.sku, short_by=x.qty) for x in wanted(story))
    return inventory.StockRefused(request_id=last_reservation_id(story), short=short)


def stock_released(story: Story) -> inventory.StockReleased:
    """Inventory took back what it was last asked to."""
    asked = story.last(said.ReservationReleaseRequested)
    return inventory.StockReleased(
        request_id=asked.request_id, alloc=asked.alloc, backordered=asked.backordered
    )


def at(location: str, units: LineQty, qty: int | None = None) -> Alloc:
    """Units of a line at a location."""
    return Alloc(line_id=units.line_id, sku=units.sku, location=location, qty=qty or units.qty)


def backordered(
    units: LineQty, qty: int | None = None, eta: datetime | None = None
) -> inventory.Backordered:
    """Units of a line that wait for goods."""
    return inventory.Backordered(
        line_id=units.line_id, sku=units.sku, location="WEST", qty=qty or units.qty, eta=eta
    )


def backorder_filled(story: Story, *alloc: Alloc) -> inventory.BackorderFilled:
    """Goods came for units of the last request."""
    return inventory.BackorderFilled(request_id=last_reservation_id(story), alloc=alloc)


def payment_authorised(story: Story, amount_minor: int | None = None) -> billing.PaymentAuthorized:
    """Billing's yes."""
    asked = story.last(said.PaymentRequested)
    return billing.PaymentAuthorized(
        request_id=asked.request_id,
        payment_id="pay-1",
        authorisation_id="auth-1",
        amount_minor=asked.amount_minor if amount_minor is None else amount_minor,
        currency=asked.currency,
    )


def payment_declined(
    story: Story, *, final: bool = True, retry_until: datetime | None = None
) -> billing.PaymentDeclined:
    """Billing's no."""
    return billing.PaymentDeclined(
        request_id=story.last(said.PaymentRequested).request_id,
        code="insufficient_funds",
        final=final,
        retry_until=retry_until,
    )


def payment_captured(
    story: Story, gone: said.OrderShipped, amount_minor: int | None = None
) -> billing.PaymentCaptured:
    """Billing has the money for a shipment: by default all that was promised."""
    asked = story.last(said.PaymentRequested)
    return billing.PaymentCaptured(
        request_id=asked.request_id,
        shipment_id=gone.shipment_id,
        capture_id=f"capture-{gone.shipment_id}",
        amount_minor=asked.amount_minor if amount_minor is None else amount_minor,
        currency=asked.currency,
        invoice_no="INV-1",
        journal_id="J-1",
    )


def capture_failed(story: Story, gone: said.OrderShipped) -> billing.PaymentCaptureFailed:
    """Billing could not get the money for a shipment."""
    asked = story.last(said.PaymentRequested)
    return billing.PaymentCaptureFailed(
        request_id=asked.request_id,
        shipment_id=gone.shipment_id,
        invoice_no="INV-1",
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        code="card_expired",
    )


def payment_voided(story: Story) -> billing.PaymentVoided:
    """Billing let go what it was last asked to."""
    asked = story.last(said.PaymentVoidRequested)
    return billing.PaymentVoided(
        request_id=asked.request_id,
        payment_request_id=asked.payment_request_id,
        currency="EUR",
    )


def refund_completed(story: Story) -> billing.RefundCompleted:
    """Billing gave back what it was last asked to."""
    asked = story.last(said.RefundRequested)
    return billing.RefundCompleted(
        request_id=asked.request_id,
        refund_id="refund-1",
        amount_minor=asked.amount_minor,
        currency=asked.currency,
    )


def fulfilment_packed(fulfilment: said.Fulfilment) -> warehouse.FulfilmentPacked:
    """The warehouse packed everything into one parcel."""
    parcel = said.Parcel(
        parcel_id=f"{fulfilment.fulfilment_id}-P1", weight_grams=900, lines=fulfilment.lines
    )
    return warehouse.FulfilmentPacked(
        fulfilment_id=fulfilment.fulfilment_id,
        parcels=(parcel,),
        packed_by="pia",
        packed_at=NOW,
    )


def fulfilment_short(fulfilment: said.Fulfilment, *short: LineQty) -> warehouse.FulfilmentShort:
    """The warehouse did not find some units."""
    return warehouse.FulfilmentShort(
        fulfilment_id=fulfilment.fulfilment_id,
        short=tuple(
            warehouse.ShortLine(
                line_id=x.line_id,
                sku=x.sku,
                location=fulfilment.location,
                qty=x.qty,
                reason="not on the shelf",
            )
            for x in short
        ),
    )


def fulfilment_stopped(story: Story) -> warehouse.FulfilmentStopped:
    """The warehouse stopped what it was last asked to."""
    asked = story.last(said.FulfilmentStopRequested)
    return warehouse.FulfilmentStopped(
        request_id=asked.request_id, fulfilment_id=asked.fulfilment_id
    )


def fulfilment_stop_refused(story: Story) -> warehouse.FulfilmentStopRefused:
    """The warehouse would not stop."""
    asked = story.last(said.FulfilmentStopRequested)
    return warehouse.FulfilmentStopRefused(
        request_id=asked.request_id, fulfilment_id=asked.fulfilment_id, reason="on the ramp"
    )


def parcels_shipped(asked: said.ShipmentRequested, now: datetime) -> shipping.Shipped:
    """The carrier took the parcels."""
    return shipping.Shipped(
        request_id=asked.request_id,
        shipment_id=asked.shipment_id,
        parcels=tuple(
            Tracked(parcel_id=p.parcel_id, carrier="DHL", tracking_no=f"T-{p.parcel_id[:8]}")
            for p in asked.parcels
        ),
        eta=now + timedelta(days=2),
        shipped_at=now,
    )


def shipment_failed(story: Story, code: str = "address") -> shipping.ShipmentFailed:
    """The carrier did not take the parcels."""
    asked = story.last(said.ShipmentRequested)
    return shipping.ShipmentFailed(
        request_id=asked.request_id,
        shipment_id=asked.shipment_id,
        code=shipping.FailureCode(code),
        text="No such street.",
    )


def shipment_stopped(story: Story) -> shipping.ShipmentStopped:
    """The parcels stay."""
    asked = story.last(said.ShipmentStopRequested)
    return shipping.ShipmentStopped(
        request_id=asked.request_id, shipment_id=asked.shipment_id, labels_voided=True
    )


def shipment_stop_refused(story: Story) -> shipping.ShipmentStopRefused:
    """The carrier has the parcels."""
    asked = story.last(said.ShipmentStopRequested)
    return shipping.ShipmentStopRefused(
        request_id=asked.request_id, shipment_id=asked.shipment_id, reason="handed over"
    )


def parcel_delivered(
    gone: said.OrderShipped, parcel: Tracked, now: datetime
) -> shipping.ParcelDelivered:
    """A parcel arrived."""
    return shipping.ParcelDelivered(
        shipment_id=gone.shipment_id, parcel_id=parcel.parcel_id, at=now
    )
