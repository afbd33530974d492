"""Messages, and the bag in which they wait to be sent, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Value


class Role(StrEnum):
    """Who is written to. Names and addresses are looked up when the mail is made."""

    CUSTOMER = "customer"
    WAREHOUSE_MANAGER = "warehouse_manager"
    CUSTOMER_SERVICE = "customer_service"


class Template(StrEnum):
    """What is told; each has a file of the same name among the templates."""

    ORDER_CONFIRMATION = "order_confirmation"
    SHIPPED = "shipped"
    RECEIPT = "receipt"
    INVOICE = "invoice"
    DELAY = "delay"
    CANCELLED = "cancelled"
    CANCELLATION_REFUSED = "cancellation_refused"
    FOLLOW_UP = "follow_up"
    DELAY_ALERT = "delay_alert"
    HOLD_ALERT = "hold_alert"
    SHORTAGE_ALERT = "shortage_alert"
    BACKLOG_ALERT = "backlog_alert"


ROLE_OF: Mapping[Template, Role] = {
    Template.ORDER_CONFIRMATION: Role.CUSTOMER,
    Template.SHIPPED: Role.CUSTOMER,
    Template.RECEIPT: Role.CUSTOMER,
    Template.INVOICE: Role.CUSTOMER,
    Template.DELAY: Role.CUSTOMER,
    Template.CANCELLED: Role.CUSTOMER,
    Template.CANCELLATION_REFUSED: Role.CUSTOMER,
    Template.FOLLOW_UP: Role.CUSTOMER,
    Template.DELAY_ALERT: Role.CUSTOMER_SERVICE,
    Template.HOLD_ALERT: Role.CUSTOMER_SERVICE,
    Template.SHORTAGE_ALERT: Role.WAREHOUSE_MANAGER,
    Template.BACKLOG_ALERT: Role.CUSTOMER_SERVICE,
}
"""Every template is written for one kind of reader."""


class Status(StrEnum):
    """What became of a message. Resent: it failed, and a person had it sent once more."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    RESENT = "resent"


UNFINISHED = (Status.WAITING, Status.SENDING)


class Message(Value, frozen=True):
    """One fact told by one template. `message_id` is what the mail server knows it by."""

    message_id: str
    template: Template
    fact_id: str
    data: dict[str, Any]
    """What the template shows besides the order's own: JSON values, nothing personal."""
    at: datetime
    """When it was queued, then when it was sent or given up."""
    status: Status = Status.WAITING
    attempts: int = 0
    reason: str = ""
    """Why it failed."""
    asked_by: str = ""
    """Who had it sent again; empty for the first time."""


class Mailbag(Value, frozen=True):
    """Messages in the order they arose; at most one is with the mail server."""

    messages: tuple[Message, ...] = ()
    open_call: str = ""
    """Id of the call that has not been answered."""
    look_at: datetime | None = None
    """When to look again: at the open call, or to try again after a pause."""
    silent: bool = False
    """Whether the mail server is not answering."""

    def tells(self, template: Template, fact_id: str) -> bool:
        """Whether the fact has its message by that template."""
        return any(m.template is template and m.fact_id == fact_id for m in self.messages)

    def find(self, message_id: str) -> Message | None:
        """The message of that id."""
        return next((m for m in self.messages if m.message_id == message_id), None)

    def first(self, status: Status) -> Message | None:
        """The oldest message that is so far."""
        return next((m for m in self.messages if m.status is status), None)

    def put(self, message: Message) -> Mailbag:
        """With `message` in place of the one of the same id, or behind all others."""
        if self.find(message.message_id) is None:
            return replace(self, messages=(*self.messages, message))
        same = message.message_id
        kept = tuple(message if m.message_id == same else m for m in self.messages)
        return replace(self, messages=kept)

    @property
    def attention(self) -> str:
        """What a person should know; empty when all is well."""
        failed = [m.template for m in self.messages if m.status is Status.FAILED]
        if failed:
            return f"not delivered: {', '.join(failed)}"
        return "the mail server does not answer" if self.silent else ""


class Line(Value, frozen=True):
    """So many units of a SKU, as a customer reads it."""

    sku: str
    qty: int


class OrderHead(Value, frozen=True):
    """What notify keeps of an order's acceptance; it never changes."""

    order_no: str
    contact: str
    """Sealed."""
    currency: str
    total_minor: int
    lines: tuple[Line, ...]


class Messages(Value, frozen=True):
    """The root of an order: whom to write to, and what was written."""

    head: OrderHead
    bag: Mailbag = Mailbag()


class Raised(Value, frozen=True):
    """The shortage at a location that was told last."""

    location: str
    total: int
    at: datetime


class Alerts(Value, frozen=True):
    """The root of a SKU: shortages that the staff was told of."""

    raised: tuple[Raised, ...] = ()
    bag: Mailbag = Mailbag()

    def last(self, location: str) -> Raised | None:
        """What was told last about that location."""
        return next((r for r in self.raised if r.location == location), None)


class Resend(Value, frozen=True):
    """A person has a message sent once more."""

    message_id: str
