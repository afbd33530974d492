"""Said by channels (shops, marketplaces) on `oms.channel.<name>.v1`: the world outside, untrusted.

Channel topics carry contact and address in clear: they are short-lived, one per channel, and
readable by the order service alone. The key is the channel's own order number.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from oms_contracts.event import (
    ORDER_LINES_MAX,
    PERSONAL,
    Currency,
    Event,
    Instant,
    Minor,
    OpenEnum,
    Qty,
    Sku,
    Text,
    Value,
)

ExternalId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:#/\-]{0,63}$")]
"""The channel's order number, unique within the channel; at most 64 characters."""
LineId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,31}$")]
PersonalText = Annotated[str, Field(max_length=200), PERSONAL]
Email = Annotated[
    str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f<>,;]+@[^@\s\x00-\x1f\x7f<>,;]+$"), PERSONAL
]


class ShipPolicy(OpenEnum):
    """Whether the customer takes several parcels at several times."""

    COMPLETE = "complete"
    SPLIT = "split"
    UNKNOWN = "unknown"


class BackorderPolicy(OpenEnum):
    """What to do with units that are not in stock."""

    DENY = "deny"
    WAIT = "wait"
    UNKNOWN = "unknown"


class PaymentMethod(OpenEnum):
    """How the order is paid: a provider's token, money already taken by the channel, or on account."""

    TOKEN = "token"
    PREPAID = "prepaid"
    TERMS = "terms"
    UNKNOWN = "unknown"


class ServiceLevel(OpenEnum):
    """How fast the customer asked to be served."""

    STANDARD = "standard"
    EXPRESS = "express"
    UNKNOWN = "unknown"


class Payment(Value):
    """The means of payment; `reference` is a provider's token, a prepayment or an account."""

    method: PaymentMethod
    reference: Annotated[str, Field(max_length=200)] = ""
    terms_days: Annotated[int, Field(strict=True, ge=0, le=365)] = 30


class Contact(Value):
    """Who ordered and how to reach them. Personal."""

    name: PersonalText
    email: Email
    phone: PersonalText = ""
    customer_ref: PersonalText = ""

    def __str__(self) -> str:
        return "Contact(…)"

    __repr__ = __str__


class Address(Value):
    """A postal address; `country` is ISO 3166-1 alpha-2. Personal."""

    name: PersonalText
    line1: PersonalText
    line2: PersonalText = ""
    city: PersonalText
    region: PersonalText = ""
    postal_code: Annotated[str, Field(max_length=20), PERSONAL] = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]

    def __str__(self) -> str:
        return f"Address(…, {self.country})"

    __repr__ = __str__


class PlacedLine(Value):
    """One order line. Its total is qty × unit_price − discount + tax; prices are net of tax."""

    line_id: LineId
    sku: Sku
    qty: Qty
    unit_price_minor: Minor
    discount_minor: Minor = 0
    tax_minor: Minor = 0
    title: Annotated[str, Field(max_length=200)] = ""


class Totals(Value):
    """The channel's own sums; checked against the lines, never trusted."""

    goods_minor: Minor
    discount_minor: Minor = 0
    shipping_minor: Minor = 0
    tax_minor: Minor = 0
    grand_total_minor: Minor


class OrderPlaced(Event):
    """A customer placed an order in a channel.

    totals.grand_total = goods − discount + shipping + tax, where goods = Σ qty × unit_price,
    discount = Σ line discounts and tax = Σ line taxes + shipping_tax.
    """

    TYPE: ClassVar[str] = "oms.channel.OrderPlaced.v1"
    TOPIC: ClassVar[str] = "oms.channel.{channel}.v1"

    external_id: ExternalId
    placed_at: Instant
    currency: Currency
    lines: Annotated[tuple[PlacedLine, ...], Field(min_length=1, max_length=ORDER_LINES_MAX)]
    shipping_minor: Minor = 0
    shipping_tax_minor: Minor = 0
    totals: Totals
    payment: Payment
    contact: Annotated[Contact, PERSONAL]
    ship_to: Annotated[Address, PERSONAL]
    bill_to: Annotated[Address | None, PERSONAL] = None
    ship_policy: ShipPolicy = ShipPolicy.SPLIT
    backorder_policy: BackorderPolicy = BackorderPolicy.WAIT
    service_level: ServiceLevel = ServiceLevel.STANDARD
    priority: Annotated[int, Field(strict=True, ge=0, le=9)] = 0
    flags: Annotated[tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=10)] = ()
    note: Annotated[Text, PERSONAL] = ""


class CancelledLine(Value):
    """So many units of a line that the customer no longer wants."""

    line_id: LineId
    qty: Qty


class CancellationRequested(Event):
    """The customer wants the order, or the named units of it, cancelled; no lines means all."""

    TYPE: ClassVar[str] = "oms.channel.CancellationRequested.v1"
    TOPIC: ClassVar[str] = "oms.channel.{channel}.v1"

    external_id: ExternalId
    lines: Annotated[tuple[CancelledLine, ...], Field(max_length=ORDER_LINES_MAX)] = ()
    reason: Text = ""
