"""Inputs of notify with honest defaults, and a short way to tell a root's story."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from oms_chassis.decision import Decision, Done, Effect, Input, Refused, Unknown, Woke, mint_id
from oms_contracts.channel import BackorderPolicy, ShipPolicy
from oms_contracts.event import LineQty, Tracked
from oms_contracts.order import (
    CancellationRefused,
    Gate,
    HoldType,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderDelayed,
    OrderHeld,
    OrderInvoiced,
    OrderShipped,
    VerdictInput,
)
from oms_contracts.stock import BackorderRaised
from oms_notify.decisions import deadline, decide
from oms_notify.domain import Alerts, Message, Messages, Policy

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ORDER_ID = "0199d3c0-0000-7000-8000-000000000001"
REQUEST_ID = "0199d3c0-0000-7000-8000-0000000000a1"
SKU = "MUG-1"
LINES = (LineQty(line_id="1", sku=SKU, qty=2),)


def accepted() -> OrderAccepted:
    """The order is ours."""
    return OrderAccepted(
        request_id=REQUEST_ID, order_no="1001", channel="web", external_id="W-1", lines=LINES,
        ship_policy=ShipPolicy.SPLIT, backorder_policy=BackorderPolicy.WAIT, accepted_at=NOW,
        currency="EUR", total_minor=2_990, ship_country="DE", contact="sealed contact",
    )  # fmt: skip


def shipped(*, last: bool = True) -> OrderShipped:
    """A parcel left."""
    url = "https://track.example/T-1"
    parcel = Tracked(parcel_id="P-1", carrier="parcelpost", tracking_no="T-1", url=url)
    return OrderShipped(
        order_no="1001", shipment_id="S-1", fulfilment_id="F-1", alloc=(), last=last,
        parcels=(parcel,), eta=NOW + timedelta(days=2), shipped_at=NOW,
    )  # fmt: skip


def invoiced(*, paid: bool = True) -> OrderInvoiced:
    """The shipment was invoiced."""
    return OrderInvoiced(
        order_no="1001", shipment_id="S-1", invoice_no="2026-7", amount_minor=2_990,
        tax_minor=477, currency="EUR", paid=paid,
    )  # fmt: skip


def delayed() -> OrderDelayed:
    """Units come later than promised."""
    return OrderDelayed(order_no="1001", lines=LINES, promise=NOW + timedelta(days=9))


def cancelled() -> OrderCancelled:
    """The order was cancelled."""
    undone = ("reservation of 2 x MUG-1", "authorisation A-7")
    return OrderCancelled(
        order_no="1001", code="customer", reason="changed my mind", lines=LINES, undone=undone
    )


def cancellation_refused() -> CancellationRefused:
    """Too late to cancel."""
    return CancellationRefused(
        order_no="1001", reason="the parcels have left", instead="send them back", lines=LINES
    )


def held() -> OrderHeld:
    """A person must look."""
    figures = (VerdictInput(name="total_minor", value="999900"),)
    return OrderHeld(
        hold_id="H-1", type=HoldType.COSTS, gate=Gate.RELEASE, reason="above the limit",
        inputs=figures,
    )  # fmt: skip


def completed(*, delivered: bool = True) -> OrderCompleted:
    """Nothing is left to do."""
    return OrderCompleted(order_no="1001", at=NOW, delivered=delivered)


def shortage(total: int = 3, location: str = "MAIN") -> BackorderRaised:
    """Customers wait for a SKU."""
    return BackorderRaised(
        sku=SKU, location=location, backordered_total=total, oldest_accepted_at=NOW, reorder_qty=50
    )


@dataclass
class Story:
    """One root and everything that was said and sent since; tells inputs one after another."""

    kind: str = "messages"
    policy: Policy = field(default_factory=Policy)
    now: datetime = NOW
    state: Messages | Alerts | None = None
    facts: list[Any] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    told: int = 0

    def tell(
        self, body: Any, *, after_seconds: float = 0.0, actor: str = "", id: UUID | None = None
    ) -> Decision:
        """Decide about one input and keep what follows."""
        self.now += timedelta(seconds=after_seconds)
        self.told += 1
        ref = (self.kind, ORDER_ID if self.kind == "messages" else SKU)
        input_id = id or mint_id(self.now, f"input {self.told}")
        item = Input(input_id, ref[1], body, self.now, actor=actor)
        decision = decide(self.policy, {ref: self.state}, item, self.now)
        self.state = decision.states.get(ref, self.state)
        self.facts += decision.facts
        self.effects += decision.effects
        return decision

    def sent(self) -> Decision:
        """The mail server takes the open mail."""
        return self.tell(Done(*self._call(), {}))

    def refuse(self, text: str = "no such mailbox") -> Decision:
        """The mail server turns the open mail down."""
        return self.tell(Refused(*self._call(), "550", text))

    def lose(self) -> Decision:
        """Nobody can find out what became of the open mail."""
        return self.tell(Unknown(*self._call(), "timed out"))

    def wake(self) -> Decision:
        """Time passes until the next deadline."""
        assert self.state is not None
        due = deadline(self.policy, self.state)
        assert due is not None, "nothing is awaited"
        waited_seconds = max((due.at - self.now).total_seconds(), 0.0)
        return self.tell(Woke(due.reason, due.owner), after_seconds=waited_seconds)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What waits, what is open and what was sent, in order."""
        return self.state.bag.messages if self.state else ()

    @property
    def mails(self) -> list[str]:
        """Templates of the mails begun, in order."""
        return [str(effect.body["template"]) for effect in self.effects]

    def send_all(self) -> None:
        """The mail server takes everything that waits."""
        while self.state is not None and self.state.bag.open_call:
            self.sent()

    def _call(self) -> tuple[UUID, str, str]:
        assert self.state is not None and self.state.bag.open_call, "no mail is open"
        effect = self.effects[-1]
        assert effect.id is not None and str(effect.id) == self.state.bag.open_call
        return effect.id, effect.gateway, effect.method


def known() -> Story:
    """An order whose confirmation was sent."""
    story = Story()
    story.tell(accepted())
    story.sent()
    return story
