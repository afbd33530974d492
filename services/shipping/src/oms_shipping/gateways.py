"""The carrier as shipping sees it, and a carrier in a sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

from oms_chassis.gateway import Gateway, GatewayRefused, Repeat
from oms_chassis.http_gateway import HttpGateway
from oms_chassis.sealing import KeyRing, SealError
from oms_chassis.settings import Settings
from oms_contracts.channel import Address

TRACKING_DIGITS = 18


class Carrier(Gateway):
    """What shipping asks of carriers. A purchase is known by its `purchase_id`, however often
    and under whichever key it is called, so every method may be repeated.

    `buy_labels` → `{"labels": [{"parcel_id", "tracking_no"}]}`, one for each parcel; refusals
    have the code `address` where the customer must mend something, any other where nobody can.
    `void` → `{}`, also for a purchase never made, which then is refused for ever; refused with
    `in_transit` if the carrier has the parcels, with any other code if it is too late or not free.
    `track` → `{"scans": [{"tracking_no", "event_id", "code", "at"}]}`, all there are so far.
    Texts of refusals are passed on to people and must hold nothing personal.
    """

    repeat: ClassVar[Mapping[str, Repeat]] = {
        "buy_labels": Repeat.BY_KEY,
        "void": Repeat.BY_KEY,
        "track": Repeat.BY_KEY,
    }
    timeout_seconds = 5.0
    in_flight_max = 64
    attempts_max = 4


class Behaviour(StrEnum):
    """What the sandbox does with a shipment: the word after `#` in the address' first line or
    postal code (`Main St 1 #lost`), or deliver."""

    DELIVER = "deliver"
    ATTEMPT = "attempt"
    """Delivered after one attempt in vain."""
    DAMAGED = "damaged"
    RETURN = "return"
    LOST = "lost"
    REFUSE = "refuse"
    """No such address."""
    UNSERVED = "unserved"
    """The carrier does not want the parcels, for no fault of the address."""
    SLOW = "slow"
    SILENT = "silent"
    """Labels are bought, but the first call is never answered; a repeated one is."""
    UNVOIDABLE = "unvoidable"
    """Voids are refused."""


_REFUSALS = {
    Behaviour.REFUSE: ("address", "the carrier does not know this address"),
    Behaviour.UNSERVED: ("not_served", "the carrier does not take these parcels"),
}
USUAL_ROUTE = ((0.0, "InTransit"), (0.5, "OutForDelivery"), (1.0, "Delivered"))
ROUTES = {
    Behaviour.ATTEMPT: ((0.0, "InTransit"), (0.5, "AttemptFail"), (1.0, "Delivered")),
    Behaviour.DAMAGED: ((0.0, "InTransit"), (0.5, "Damaged"), (1.0, "Delivered")),
    Behaviour.RETURN: ((0.0, "InTransit"), (0.5, "AttemptFail"), (1.0, "Returning")),
    Behaviour.LOST: ((0.0, "InTransit"), (1.0, "Lost")),
}
"""Scans of a parcel, each at a share of the time that a delivery takes."""


@dataclass(slots=True)
class _Purchase:
    labels: list[dict[str, str]] = field(default_factory=list)
    voided: bool = False


class SandboxCarrier(Carrier):
    """A carrier in this process that behaves as the address says.

    Its log holds one JSON line per call and is the ground truth: purchases and voids are read
    back from it at the start. Tracking numbers tell the parcel's fate, so scans are a pure
    function of the question.
    """

    def __init__(
        self, log_file: Path, ring: KeyRing,
        slow_seconds: float = 2.0, deliver_after_seconds: float = 2.0,
    ) -> None:  # fmt: skip
        self._ring = ring
        self._slow_seconds = slow_seconds
        self._deliver_after_seconds = deliver_after_seconds
        self._purchases: dict[str, _Purchase] = {}
        log_file.parent.mkdir(parents=True, exist_ok=True)
        self._log = log_file.open("a+b", buffering=0)
        self._log.seek(0)
        for line in self._log:
            self._remember(json.loads(line))

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        match method:
            case "buy_labels":
                return await self._buy(key, body)
            case "void":
                return self._void(key, body)
            case "track":
                return self._track(key, body)
        raise ValueError(f"carriers are not asked to {method}")

    async def close(self) -> None:
        self._log.close()

    async def _buy(self, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        purchase_id = body["purchase_id"]
        known = self._purchases.get(purchase_id)
        if known is not None:
            self._write("buy_labels", key, purchase_id, "voided" if known.voided else "repeated")
            if known.voided:
                raise GatewayRefused("voided", "this purchase was voided")
            return {"labels": known.labels}
        behaviour = self._behaviour(body["address"])
        if behaviour in _REFUSALS:
            self._write("buy_labels", key, purchase_id, "refused")
            raise GatewayRefused(*_REFUSALS[behaviour])
        labels = [
            {"parcel_id": parcel_id, "tracking_no": _number(purchase_id, parcel_id, behaviour)}
            for parcel_id in (parcel["parcel_id"] for parcel in body["parcels"])
        ]
        self._write("buy_labels", key, purchase_id, "bought", labels=labels, behaviour=behaviour)
        if behaviour is Behaviour.SLOW:
            await asyncio.sleep(self._slow_seconds)
        if behaviour is Behaviour.SILENT:
            await asyncio.Event().wait()
        return {"labels": labels}

    def _void(self, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        purchase_id = body["purchase_id"]
        known = self._purchases.get(purchase_id, _Purchase())
        if any(_fate(label["tracking_no"]) is Behaviour.UNVOIDABLE for label in known.labels):
            self._write("void", key, purchase_id, "refused")
            raise GatewayRefused("too_late", "the labels can no longer be voided")
        self._write("void", key, purchase_id, "repeated" if known.voided else "voided")
        return {}

    def _track(self, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        left_at = datetime.fromisoformat(body["shipped_at"])
        asked_at = datetime.fromisoformat(body["asked_at"])
        self._write("track", key, body["purchase_id"], "told")
        delivery = timedelta(seconds=self._deliver_after_seconds)
        scans = [
            {
                "tracking_no": tracking_no,
                "event_id": f"{tracking_no}-{n}",
                "code": code,
                "at": (left_at + share * delivery).isoformat(),
            }
            for tracking_no in body["tracking_nos"]
            for n, (share, code) in enumerate(ROUTES.get(_fate(tracking_no), USUAL_ROUTE))
            if left_at + share * delivery <= asked_at
        ]
        return {"scans": scans}

    def address_of(self, told: Any) -> Address:
        """The address that a purchase names; raises GatewayRefused if it was erased."""
        return open_address(self._ring, told)

    def _behaviour(self, told: Any) -> Behaviour:
        address = self.address_of(told)
        for text in (address.line1, address.postal_code):
            _, mark, word = text.rpartition("#")
            if mark and word.strip().lower() in set(Behaviour):
                return Behaviour(word.strip().lower())
        return Behaviour.DELIVER

    def _write(self, method: str, key: str, purchase_id: str, outcome: str, **more: Any) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(), "method": method, "key": key,
            "purchase_id": purchase_id, "outcome": outcome, **more,
        }  # fmt: skip
        self._log.write(json.dumps(line).encode() + b"\n")
        self._remember(line)

    def _remember(self, line: Mapping[str, Any]) -> None:
        match line["outcome"]:
            case "bought":
                self._purchases[line["purchase_id"]] = _Purchase(line["labels"])
            case "voided" if line["method"] == "void":
                self._purchases.setdefault(line["purchase_id"], _Purchase()).voided = True


def open_address(ring: KeyRing, sealed: str) -> Address:
    """A sealed address in clear; raises GatewayRefused if it was erased."""
    try:
        return Address.model_validate_json(ring.open(sealed))
    except SealError:
        raise GatewayRefused("address", "the address was erased") from None


def _number(purchase_id: str, parcel_id: str, behaviour: Behaviour) -> str:
    """A tracking number that is the same for the same purchase; its first digit is the fate."""
    hashed = blake2b(f"{purchase_id}|{parcel_id}".encode(), digest_size=8).digest()
    serial = int.from_bytes(hashed, "big") % 10 ** (TRACKING_DIGITS - 1)
    return f"{list(Behaviour).index(behaviour)}{serial:0{TRACKING_DIGITS - 1}}"


def _fate(tracking_no: str) -> Behaviour:
    return list(Behaviour)[int(tracking_no[0])]


class HttpCarrier(HttpGateway, Carrier):
    """A carrier behind HTTP: it is told the address in clear, as labels need it."""

    def __init__(self, url: str, ring: KeyRing) -> None:
        super().__init__(url)
        self._ring = ring

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Carrier`."""
        if "address" in body:
            body = {**body, "address": open_address(self._ring, body["address"]).model_dump()}
        return await super().call(method, key, body)


def from_settings(settings: Settings, ring: KeyRing) -> dict[str, Gateway]:
    """The gateways that the core's effects name."""
    if url := settings.gateway_urls.get("carrier"):
        return {"carrier": HttpCarrier(url, ring)}
    return {"carrier": SandboxCarrier(settings.data_dir / "carrier.jsonl", ring)}
