"""What the order service hears: its participants' answers, and channels, whom it does not trust."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Kind
from oms_chassis.intake import Strangers
from oms_chassis.sealing import KeyRing
from oms_contracts import wire
from oms_contracts.billing import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentVoided,
    RefundCompleted,
    RefundFailed,
)
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.inventory import (
    BackorderFilled,
    BackorderPromised,
    ReservationBroken,
    StockRefused,
    StockReleased,
    StockReserved,
)
from oms_contracts.notify import NotificationFailed
from oms_contracts.shipping import (
    ParcelDelivered,
    ParcelException,
    ShipmentFailed,
    ShipmentStopped,
    ShipmentStopRefused,
    Shipped,
)
from oms_contracts.warehouse import (
    FulfilmentPacked,
    FulfilmentShort,
    FulfilmentStopped,
    FulfilmentStopRefused,
)
from oms_order.domain import CancellationWish, OrderedLine, Submission, Totals, order_key
from oms_order.domain.ordered import CARD_WITHHELD

HEARS = (
    StockReserved,
    StockRefused,
    BackorderFilled,
    BackorderPromised,
    ReservationBroken,
    StockReleased,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentVoided,
    RefundCompleted,
    RefundFailed,
    FulfilmentPacked,
    FulfilmentShort,
    FulfilmentStopped,
    FulfilmentStopRefused,
    Shipped,
    ShipmentFailed,
    ShipmentStopped,
    ShipmentStopRefused,
    ParcelDelivered,
    ParcelException,
    NotificationFailed,
)
KIND = "order"
KINDS = (Kind(KIND, topics=("oms.order.v1", "oms.channel.{channel}.answers.v1")),)


def roots(input: Input) -> Sequence[Ref]:
    """An order is one root."""
    return [(KIND, input.key)]


def prepare(ring: KeyRing, input_id: UUID, channel: str, body: Any, digest: str) -> Any:
    """What a channel sent as the core may see it; what cannot be read stays as it is."""
    match body:
        case OrderPlaced():
            return seal(ring, input_id.bytes, channel, body)
        case CancellationRequested():
            lines = tuple((line.line_id, line.qty) for line in body.lines)
            return CancellationWish(channel, body.external_id, lines, body.reason, digest)
    return body


def seal(
    ring: KeyRing, unique: bytes, channel: str, placed: OrderPlaced, idempotency_key: str = ""
) -> Submission:
    """An order with everything personal sealed.

    Its digest is taken of the content, not of the bytes: the same order is the same however it
    was written and by whichever door it came.
    """

    def sealed(name: bytes, plain: str) -> str:
        return ring.seal(plain.encode(), unique + name) if plain else ""

    bill_to = placed.bill_to.model_dump_json() if placed.bill_to else ""
    return Submission(
        channel=channel,
        external_id=placed.external_id,
        digest=sha256(wire.encode(placed)).hexdigest(),
        placed_at=placed.placed_at,
        currency=placed.currency,
        lines=tuple(
            OrderedLine(
                line.line_id,
                line.sku,
                line.qty,
                line.unit_price_minor,
                line.discount_minor,
                line.tax_minor,
                line.title,
            )
            for line in placed.lines
        ),
        totals=Totals(**dict(placed.totals)),
        payment_method=placed.payment.method,
        payment_reference=_without_card(placed.payment.reference),
        terms_days=placed.payment.terms_days,
        shipping_minor=placed.shipping_minor,
        shipping_tax_minor=placed.shipping_tax_minor,
        ship_country=placed.ship_to.country,
        contact=sealed(b"contact", placed.contact.model_dump_json()),
        ship_to=sealed(b"ship_to", placed.ship_to.model_dump_json()),
        bill_to=sealed(b"bill_to", bill_to),
        note=sealed(b"note", placed.note),
        ship_policy=placed.ship_policy,
        backorder_policy=placed.backorder_policy,
        service_level=placed.service_level,
        priority=placed.priority,
        flags=placed.flags,
        idempotency_key=idempotency_key,
    )


def _without_card(reference: str) -> str:
    """Card numbers stop at the door: 13 to 19 digits that pass Luhn's check (ISO/IEC 7812)."""
    digits = reference.replace(" ", "").replace("-", "")
    if not (digits.isdecimal() and digits.isascii() and 13 <= len(digits) <= 19):
        return reference
    doubled = [
        int(d) if n % 2 == 0 else sum(divmod(2 * int(d), 10)) for n, d in enumerate(digits[::-1])
    ]
    return CARD_WITHHELD if sum(doubled) % 10 == 0 else reference


STRANGERS = Strangers(hears=(OrderPlaced, CancellationRequested), key=order_key, prepare=prepare)
