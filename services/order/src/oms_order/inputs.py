"""What the order service hears, whom each input is about, and how strangers' words come in."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from oms_chassis.decision import Input, Malformed, Ref
from oms_chassis.fold import Kind
from oms_chassis.intake import Strangers
from oms_chassis.sealing import KeyRing
from oms_contracts import billing, inventory, notify, shipping, warehouse, wire
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.event import Event
from oms_order.domain import CancellationWish, OrderedLine, Submission, Totals
from oms_order.domain.numbers import order_key

HEARS: tuple[type[Event], ...] = (
    inventory.StockReserved,
    inventory.StockRefused,
    inventory.BackorderFilled,
    inventory.BackorderPromised,
    inventory.ReservationBroken,
    inventory.StockReleased,
    warehouse.FulfilmentPacked,
    warehouse.FulfilmentShort,
    warehouse.FulfilmentStopped,
    warehouse.FulfilmentStopRefused,
    billing.PaymentAuthorized,
    billing.PaymentDeclined,
    billing.PaymentCaptured,
    billing.PaymentCaptureFailed,
    billing.PaymentVoided,
    billing.RefundCompleted,
    billing.RefundFailed,
    shipping.Shipped,
    shipping.ShipmentFailed,
    shipping.ShipmentStopped,
    shipping.ShipmentStopRefused,
    shipping.ParcelDelivered,
    shipping.ParcelException,
    notify.NotificationFailed,
)

KINDS = (Kind("order", topics=("oms.order.v1", "oms.channel.{channel}.answers.v1")),)


def roots(item: Input) -> Sequence[Ref]:
    """An order is one root."""
    return (("order", item.key),)


def prepare(
    ring: KeyRing,
    input_id: UUID,
    channel: str,
    sent: OrderPlaced | CancellationRequested | Malformed,
    digest: str,
) -> Submission | CancellationWish | Malformed:
    """What a channel sent, as the core may see it: everything personal is sealed."""
    match sent:
        case OrderPlaced():
            return submission(ring, input_id, channel, sent)
        case CancellationRequested():
            lines = tuple((line.line_id, line.qty) for line in sent.lines)
            return CancellationWish(channel, sent.external_id, lines, sent.reason)
        case Malformed():
            return sent


def submission(
    ring: KeyRing, input_id: UUID, channel: str, sent: OrderPlaced, idempotency_key: str = ""
) -> Submission:
    """An order without anything personal in clear.

    Its digest is that of the content as we write it, so that the same order sent by Kafka and
    by HTTP is the same, however each of them was spaced.
    """
    unique = input_id.bytes

    def seal(part: Event | object, what: bytes) -> str:
        text = part.model_dump_json() if hasattr(part, "model_dump_json") else str(part)
        return ring.seal(text.encode(), unique + what)

    return Submission(
        channel=channel,
        external_id=sent.external_id,
        digest=sha256(wire.encode(sent)).hexdigest(),
        placed_at=sent.placed_at,
        currency=sent.currency,
        lines=tuple(
            OrderedLine(
                line.line_id, line.sku, line.qty, line.unit_price_minor, line.discount_minor,
                line.tax_minor, line.title,
            )
            for line in sent.lines
        ),
        totals=Totals(**dict(sent.totals)),
        payment_method=sent.payment.method,
        payment_reference=sent.payment.reference,
        terms_days=sent.payment.terms_days,
        ship_country=sent.ship_to.country,
        contact=seal(sent.contact, b"contact"),
        ship_to=seal(sent.ship_to, b"ship_to"),
        bill_to=seal(sent.bill_to, b"bill_to") if sent.bill_to else "",
        note=seal(sent.note, b"note") if sent.note else "",
        shipping_minor=sent.shipping_minor,
        shipping_tax_minor=sent.shipping_tax_minor,
        ship_policy=sent.ship_policy,
        backorder_policy=sent.backorder_policy,
        service_level=sent.service_level,
        priority=sent.priority,
        flags=sent.flags,
        idempotency_key=idempotency_key,
    )  # fmt: skip


STRANGERS = Strangers(hears=(OrderPlaced, CancellationRequested), key=order_key, prepare=prepare)
