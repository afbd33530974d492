"""Said by channels (shops, marketplaces) on `oms.channel.<name>.v1`: the world outside, untrusted.

Channel topics carry contact and address in clear: they are short-lived, one per channel, and
readable by the order service alone. The key is the channel's own order number.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from oms_contracts.countries import COUNTRIES
from oms_contracts.event import (
    AMOUNT_MAX_MINOR,
    ORDER_LINES_MAX,
    PERSONAL,
    Country,
    Currency,
    Event,
    ExternalId,
    FlagCode,
    Instant,
    Minor,
    OpenEnum,
    Priority,
    Qty,
    Sku,
    TermsDays,
    Value,
)

# Control characters and line separators have no business in a name: they forge lines in logs,
# mails and labels, and PostgreSQL refuses NUL. A note may have several lines.
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_MAILBOX = r"[^@\s\x00-\x1f\x7f-\x9f<>,;]+"

FLAGS_MAX = 10

LineId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,31}$")]
"""An order line's number, unique within the order."""
Phrase = Annotated[str, Field(max_length=200, pattern=_ONE_LINE)]
"""Text of a stranger, on one line."""
PersonalPhrase = Annotated[str, Field(max_length=200, pattern=_ONE_LINE), PERSONAL]
PersonalName = Annotated[str, Field(min_length=1, max_length=200, pattern=_ONE_LINE), PERSONAL]
Email = Annotated[str, Field(max_length=254, pattern=f"^{_MAILBOX}@{_MAILBOX}$"), PERSONAL]
Token = Annotated[str, Field(max_length=200, pattern=_ONE_LINE), PERSONAL]


def _known_country(code: str) -> str:
    if code not in COUNTRIES:
        raise PydanticCustomError("country_unknown", "No country of ISO 3166-1 has this code")
    return code


KnownCountry = Annotated[
    Country,
    AfterValidator(_known_country),
    Field(json_schema_extra={"format": "iso-3166-1-alpha-2"}),
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
    """How the order is paid: by a provider's token, already (to the channel), or on account."""

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
    reference: Token = ""
    terms_days: TermsDays = 30


class Contact(Value):
    """Who ordered and how to reach them. Personal."""

    name: PersonalName
    email: Email
    phone: PersonalPhrase = ""
    customer_ref: PersonalPhrase = ""


class Address(Value):
    """A postal address; `country` is ISO 3166-1 alpha-2. Personal."""

    name: PersonalName
    line1: PersonalName
    line2: PersonalPhrase = ""
    city: PersonalName
    region: PersonalPhrase = ""
    postal_code: Annotated[str, Field(max_length=20, pattern=_ONE_LINE), PERSONAL] = ""
    country: KnownCountry


class PlacedLine(Value):
    """One order line. Its total is qty * unit_price - discount + tax; prices are net of tax.

    The discount is at most qty * unit_price.
    """

    line_id: LineId
    sku: Sku
    qty: Qty
    unit_price_minor: Minor
    discount_minor: Minor = 0
    tax_minor: Minor = 0
    title: Phrase = ""

    @property
    def total_minor(self) -> int:
        """What the line costs."""
        return self.qty * self.unit_price_minor - self.discount_minor + self.tax_minor

    @model_validator(mode="after")
    def _pays_nobody(self) -> Self:
        if self.discount_minor > self.qty * self.unit_price_minor:
            raise PydanticCustomError("discount_too_large", "The discount exceeds the price")
        return self


class Totals(Value):
    """The channel's own sums; checked against the lines, never trusted."""

    goods_minor: Minor
    discount_minor: Minor = 0
    shipping_minor: Minor = 0
    tax_minor: Minor = 0
    grand_total_minor: Minor


class OrderPlaced(Event):
    """A customer placed an order in a channel.

    totals.grand_total = goods - discount + shipping + tax, where goods = Σ qty * unit_price,
    discount = Σ line discounts and tax = Σ line taxes + shipping_tax. That sum is at most
    AMOUNT_MAX_MINOR, and no two lines have the same line_id.
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
    priority: Priority = 0
    flags: Annotated[tuple[FlagCode, ...], Field(max_length=FLAGS_MAX)] = ()
    note: Annotated[str, Field(max_length=500, pattern=_LINES), PERSONAL] = ""

    @model_validator(mode="after")
    def _can_be_booked(self) -> Self:
        if len({line.line_id for line in self.lines}) < len(self.lines):
            raise PydanticCustomError("line_id_repeated", "Two lines have the same line_id")
        goods_minor = sum(line.total_minor for line in self.lines)
        if goods_minor + self.shipping_minor + self.shipping_tax_minor > AMOUNT_MAX_MINOR:
            raise PydanticCustomError("amount_too_large", "The lines cost more than can be booked")
        return self


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
    reason: Annotated[str, Field(max_length=500, pattern=_ONE_LINE)] = ""
