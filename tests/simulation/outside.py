"""The world outside: a payment provider, a carrier and a mail server, with books of their own.

Their books are the truth that the services' beliefs are held against. What may go wrong on the
way to them and back is decided by whoever performs a call (`Manner`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from oms_billing.sandbox import Provider
from oms_chassis.decision import Done, Refused, Unknown
from oms_chassis.fold import Called

Outcome = Done | Refused | Unknown


class Manner(Enum):
    """What happens to a call on its way."""

    HONEST = auto()
    REPEATED = auto()
    """It reaches the other side twice."""
    ANSWER_LOST = auto()
    """It is carried out, and nobody hears of it."""
    LOST = auto()
    LATE = auto()
    """Nobody hears of it, and it is carried out later."""
    ANSWERED_TWICE = auto()
    """The answer comes once more."""


class Party(Protocol):
    """One outside party: answers a call, or says why not, or (None) says nothing."""

    def call(
        self, method: str, key: str, body: Mapping[str, Any], at: datetime
    ) -> Mapping[str, Any] | tuple[str, str] | None: ...


class Payments:
    """The sandbox of the billing service, whose books are pure."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.accounts_are_good = False
        """Transfers to accounts that were closed go to another one."""

    def call(
        self, method: str, key: str, body: Mapping[str, Any], at: datetime
    ) -> Mapping[str, Any] | tuple[str, str] | None:
        if method == "transfer" and self.accounts_are_good:
            body = {**body, "reference": "another account"}
        reply = self.provider.handle(method, body.get("key") or key, body, at)
        return (reply.code, "") if reply.code else reply.answer


ROUTES = {
    "deliver": ("InTransit", "OutForDelivery", "Delivered"),
    "attempt": ("InTransit", "AttemptFail", "Delivered"),
    "damaged": ("InTransit", "Damaged", "Delivered"),
    "return": ("InTransit", "AttemptFail", "Returning"),
    "lost": ("InTransit", "Lost"),
}
"""Scans of a parcel, by the word that its sealed address ends in."""
REFUSALS = {"refuse": "address", "unserved": "not_served"}
ENDED_FOR_GOOD = ("Returning", "Lost")
"""Last scans after which a parcel will never arrive."""


@dataclass(slots=True)
class Purchase:
    """Labels that were bought together."""

    labels: dict[str, str]
    """Tracking number by parcel."""
    fate: str
    voided: bool = False
    taken: bool = False
    """The carrier has the parcels."""


@dataclass(frozen=True, slots=True)
class CarrierScan:
    """A parcel was scanned."""

    tracking_no: str
    event_id: str
    code: str
    at: datetime


class Carrier:
    """Sells labels, takes parcels along, and scans them on their way."""

    def __init__(self) -> None:
        self.purchases: dict[str, Purchase] = {}
        self.scans: dict[str, list[CarrierScan]] = {}
        self.purchase_of: dict[str, str] = {}
        self._blocked: set[str] = set()
        self._labelled: dict[str, set[str]] = {}
        """Purchases with a label for a parcel."""

    def call(
        self, method: str, key: str, body: Mapping[str, Any], at: datetime
    ) -> Mapping[str, Any] | tuple[str, str] | None:
        match method:
            case "buy_labels":
                return self._buy(body)
            case "void":
                return self._void(body["purchase_id"])
            case "track":
                return self._track(body["tracking_nos"])
        raise ValueError(f"carriers are not asked to {method}")

    def scan(self, tracking_no: str, at: datetime) -> CarrierScan | None:
        """The parcel's next scan; None at the end of its way."""
        purchase = self.purchases[self.purchase_of[tracking_no]]
        so_far = self.scans.setdefault(tracking_no, [])
        route = ROUTES[purchase.fate]
        if len(so_far) == len(route):
            return None
        n = len(so_far)
        so_far.append(CarrierScan(tracking_no, f"{tracking_no}-{n}", route[n], at))
        return so_far[-1]

    def labelled_twice(self, purchase_id: str) -> str:
        """Which parcel of a purchase has another label that is good; empty where none has."""
        bought = self.purchases.get(purchase_id)
        for parcel_id in bought.labels if bought is not None else ():
            others = self._labelled.setdefault(parcel_id, set())
            others.add(purchase_id)
            if sum(not self.purchases[name].voided for name in others) > 1:
                return f"{parcel_id} has two labels"
        return ""

    def never_arrives(self, tracking_no: str) -> bool:
        """Whether the parcel was lost or sent back."""
        scans = self.scans.get(tracking_no, [])
        return any(scan.code in ENDED_FOR_GOOD for scan in scans)

    def _buy(self, body: Mapping[str, Any]) -> Mapping[str, Any] | tuple[str, str]:
        purchase_id = body["purchase_id"]
        known = self.purchases.get(purchase_id)
        if purchase_id in self._blocked or (known is not None and known.voided):
            return "voided", "this purchase was voided"
        fate = body["address"].rpartition("#")[2]
        if known is None and fate in REFUSALS:
            return REFUSALS[fate], "the carrier does not take these parcels"
        if known is None:
            parcel_ids = [parcel["parcel_id"] for parcel in body["parcels"]]
            labels = {p: f"T{len(self.purchase_of) + n:05}" for n, p in enumerate(parcel_ids)}
            self.purchase_of |= {number: purchase_id for number in labels.values()}
            known = self.purchases[purchase_id] = Purchase(labels, fate)
        return {"labels": [{"parcel_id": p, "tracking_no": t} for p, t in known.labels.items()]}

    def _void(self, purchase_id: str) -> Mapping[str, Any] | tuple[str, str]:
        known = self.purchases.get(purchase_id)
        if known is None:
            self._blocked.add(purchase_id)
        elif known.taken:
            return "in_transit", "the parcels are on their way"
        else:
            known.voided = True
        return {}

    def _track(self, tracking_nos: list[str]) -> Mapping[str, Any]:
        return {
            "scans": [
                {"tracking_no": s.tracking_no, "event_id": s.event_id, "code": s.code,
                 "at": s.at.isoformat()}
                for number in tracking_nos
                for s in self.scans.get(number, ())
            ]
        }  # fmt: skip


@dataclass(slots=True)
class Mail:
    """A mail server that keeps a mail once, however often it is handed over."""

    delivered: set[str] = field(default_factory=set)
    """By message id."""

    def call(
        self, method: str, key: str, body: Mapping[str, Any], at: datetime
    ) -> Mapping[str, Any] | tuple[str, str] | None:
        if body.get("contact", "").endswith("#bounce"):
            return "550", "the mail server refused the message"
        self.delivered.add(body["message_id"])
        return {}


class Outside:
    """All three, and calls that are still on their way to them."""

    def __init__(self) -> None:
        self.payments, self.carrier, self.mail = Payments(), Carrier(), Mail()
        self._parties: dict[str, Party] = {
            "payments": self.payments, "carrier": self.carrier, "mail": self.mail,
        }  # fmt: skip
        self.under_way: list[Called] = []
        self._captures: dict[tuple[str, str], set[str]] = {}
        """Keys under which money was taken, by order and invoice."""

    def done_twice(self, called: Called) -> str:
        """What this call made happen a second time; empty where all is well."""
        effect = called.effect
        if effect.method == "capture":
            about = (effect.body["order_id"], effect.body["invoice_no"])
            key = effect.body["key"]
            keys = self._captures.setdefault(about, set())
            if isinstance(self.payments.provider.said.get(key), dict):
                keys.add(key)
            return f"money for {about[1]} was taken twice" if len(keys) > 1 else ""
        if effect.method == "buy_labels":
            return self.carrier.labelled_twice(effect.body["purchase_id"])
        return ""

    def perform(self, called: Called, manner: Manner, at: datetime) -> Outcome:
        """Make a call; what the service gets to hear of it."""
        effect = called.effect
        about = (called.id, effect.gateway, effect.method)
        if manner is Manner.LATE:
            self.under_way.append(called)
        if manner in (Manner.LOST, Manner.LATE):
            return Unknown(*about, "nobody answered")
        said = self._reach(called, at)
        if manner is Manner.REPEATED:
            said = self._reach(called, at)
        if said is None or manner is Manner.ANSWER_LOST:
            return Unknown(*about, "nobody answered")
        return Refused(*about, *said) if isinstance(said, tuple) else Done(*about, said)

    def arrive(self, n: int, at: datetime) -> None:
        """A call that everybody had given up is carried out after all."""
        self._reach(self.under_way.pop(n), at)

    def _reach(self, called: Called, at: datetime) -> Mapping[str, Any] | tuple[str, str] | None:
        effect = called.effect
        return self._parties[effect.gateway].call(effect.method, str(called.id), effect.body, at)
