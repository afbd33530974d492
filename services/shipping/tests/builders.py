"""Inputs of shipping with honest defaults, and a short way to tell a shipment's story."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from oms_chassis.decision import Decision, Done, Effect, Input, Refused, Unknown, Woke, mint_id
from oms_contracts.channel import ServiceLevel
from oms_contracts.event import LineQty
from oms_contracts.order import Parcel, ShipmentRequested, ShipmentStopRequested
from oms_shipping.decisions import deadline, decide
from oms_shipping.domain import Handover, Policy, ScanReported, Shipment, Shipments

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday morning, before the pickup."""
ORDER_ID = "0199d3c0-0000-7000-8000-000000000001"
SHIPMENT_ID = "S-1"
ASKED = "0199d3c0-0000-7000-8000-0000000000a1"
ASKED_AGAIN = "0199d3c0-0000-7000-8000-0000000000a2"
STOP = "0199d3c0-0000-7000-8000-0000000000b1"
OTHER_STOP = "0199d3c0-0000-7000-8000-0000000000b2"
BY_HAND = Policy(handover=Handover.MANUAL)


def parcel(parcel_id: str = "P-1", weight_grams: int = 1_200) -> Parcel:
    """A packed parcel with two units of one line."""
    line = LineQty(line_id="1", sku="MUG-1", qty=2)
    return Parcel(parcel_id=parcel_id, weight_grams=weight_grams, lines=(line,))


def asked(
    request_id: str = ASKED, shipment_id: str = SHIPMENT_ID, parcels: tuple[Parcel, ...] = (),
    country: str = "DE", level: ServiceLevel = ServiceLevel.STANDARD, location: str = "MAIN",
) -> ShipmentRequested:  # fmt: skip
    """The order asks to hand parcels to a carrier."""
    return ShipmentRequested(
        request_id=request_id, order_no="1001", shipment_id=shipment_id, fulfilment_id="F-1",
        location=location, parcels=parcels or (parcel(),), service_level=level,
        ship_country=country, address="sealed",
    )  # fmt: skip


def stop(request_id: str = STOP, shipment_id: str = SHIPMENT_ID) -> ShipmentStopRequested:
    """The order asks to keep the parcels."""
    return ShipmentStopRequested(request_id=request_id, shipment_id=shipment_id)


def scan(code: str, at: datetime, tracking_no: str = "T-P-1", event_id: str = "") -> ScanReported:
    """A carrier's word about a parcel."""
    return ScanReported(tracking_no, event_id or f"{code}-{at:%H%M%S}", code, at)


def labels(*parcel_ids: str) -> dict[str, Any]:
    """The carrier's answer to a purchase."""
    return {"labels": [{"parcel_id": p, "tracking_no": f"T-{p}"} for p in parcel_ids or ("P-1",)]}


@dataclass
class Story:
    """A root and everything that was said and asked since; tells inputs one after another."""

    policy: Policy = field(default_factory=Policy)
    now: datetime = NOW
    state: Shipments | None = None
    facts: list[Any] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    told: int = 0

    def tell(self, body: Any, *, after_seconds: float = 0.0) -> Decision:
        """Decide about one input and keep what follows."""
        self.now += timedelta(seconds=after_seconds)
        self.told += 1
        item = Input(mint_id(self.now, f"input {self.told}"), ORDER_ID, body, self.now)
        decision = decide(self.policy, self.state, item, self.now)
        self.state = decision.state
        self.facts += decision.facts
        self.effects += decision.effects
        self.rows += decision.rows
        return decision

    def answer(self, **answer: Any) -> Decision:
        """The carrier does what it was asked to last."""
        return self.tell(Done(*self._call(), answer))

    def refuse(self, code: str, text: str = "") -> Decision:
        """The carrier turns the last call down."""
        return self.tell(Refused(*self._call(), code, text))

    def lose(self) -> Decision:
        """Nobody can find out what became of the last call."""
        return self.tell(Unknown(*self._call(), "timed out"))

    def wake(self) -> Decision:
        """Time passes until the next deadline."""
        assert self.state is not None
        due = deadline(self.policy, self.state)
        assert due is not None, "nothing is awaited"
        return self.tell(
            Woke(due.reason, due.owner), after_seconds=(due.at - self.now).total_seconds()
        )

    @property
    def shipment(self) -> Shipment:
        """The shipment that the story is about."""
        assert self.state is not None
        found = self.state.find(SHIPMENT_ID)
        assert found is not None
        return found

    @property
    def said(self) -> list[str]:
        """Names of the facts so far, in order."""
        return [type(fact).__name__ for fact in self.facts]

    @property
    def calls(self) -> list[str]:
        """Methods of the calls so far, in order."""
        return [effect.method for effect in self.effects]

    def _call(self) -> tuple[UUID, str, str]:
        assert self.state is not None and self.state.open_call is not None, "no call is open"
        effect = self.effects[-1]
        assert str(effect.id) == self.state.open_call.effect_id
        assert effect.id is not None
        return effect.id, effect.gateway, effect.method


def shipped(policy: Policy | None = None) -> Story:
    """A shipment of one parcel that the carrier has."""
    story = Story(policy or Policy())
    story.tell(asked())
    story.answer(**labels())
    return story


def labelled() -> Story:
    """A shipment of one parcel that waits for the driver."""
    story = Story(BY_HAND)
    story.tell(asked())
    story.answer(**labels())
    return story
