"""A payment provider that moves no real money: it behaves as the token says.

| token, or reference of a transfer | what happens |
|---|---|
| `tok_decline` | declined for good |
| `tok_decline_then_pay` | first try: insufficient funds; later tries and other tokens: approved |
| `tok_slow` | approved, after half a second |
| `tok_silent` | an authorisation is neither made nor refused: no answer, ever |
| `tok_late_success` | authorised at once, but nobody is told for a minute |
| `tok_wrong_amount` | authorised for one minor unit less than was asked |
| `tok_expires_soon` | authorised for an hour at a time |
| `tok_capture_fails_once` | the first try of every capture is refused |
| `tok_capture_fails` | every capture is refused |
| `tok_refund_fails` | every refund and every transfer is refused |
| anything else, such as `tok_approve` | approved |

An authorisation that a payer made on the provider's own page is named
`page-<amount in minor units>-<anything>`: report it to billing's callback and it can be used.

What happens is a pure function of the calls so far and of when they were made, so the list of
calls is all there is to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

AUTHORISATION_LASTS = timedelta(days=7)
SHORT_AUTHORISATION_LASTS = timedelta(hours=1)
LATE_BY = timedelta(seconds=60)
SLOW_SECONDS = 0.5
PAGE = "page-"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider says: an answer, a refusal with its code, or (neither) nothing."""

    answer: Mapping[str, Any] | None = None
    code: str = ""
    repeat: bool = False
    """The same key was handled before; nothing moved this time."""
    moved_minor: int = 0
    """What was set aside, captured, freed or given back, also where nobody was told."""
    delay_seconds: float = 0.0


@dataclass(slots=True)
class Promise:
    """An authorisation: money set aside on a payer's account, and what became of it."""

    key: str
    order_id: str
    token: str
    amount_minor: int
    currency: str
    at: datetime
    until: datetime
    captured_minor: int = 0
    refunded_minor: int = 0
    voided: bool = False

    @property
    def open_minor(self) -> int:
        """What can still be captured."""
        return 0 if self.voided else self.amount_minor - self.captured_minor


class _Refusal(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Provider:
    """The provider's books: promises by authorisation id, and what was said to every key."""

    promises: dict[str, Promise] = field(default_factory=dict)
    said: dict[str, Mapping[str, Any] | str] = field(default_factory=dict)
    """Key → answer, or code of the refusal. Authorisations are known by their promise."""
    blocked: set[str] = field(default_factory=set)
    """Keys that were voided before they were ever seen."""

    def handle(self, method: str, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        """Do what `method` says, once per key, and answer."""
        if method == "authorise" and (known := self.promises.get(authorisation_of(key))):
            late = known.token == "tok_late_success" and at < known.at + LATE_BY
            return Reply(repeat=True) if late else Reply(_promised(known), repeat=True)
        if (said := self.said.get(key)) is not None:
            if isinstance(said, str):
                return Reply(code=said, repeat=True)
            return Reply(said, repeat=True)
        try:
            return _DEEDS[method](self, key, body, at)
        except _Refusal as refusal:
            self.said[key] = refusal.code
            return Reply(code=refusal.code)

    def _done(self, key: str, kind: str, amount_minor: int, currency: str) -> Reply:
        answer = {
            f"{kind}_id": f"{kind}-{_short(key)}",
            "amount_minor": amount_minor,
            "currency": currency,
        }
        self.said[key] = answer
        return Reply(answer, moved_minor=amount_minor)

    def _authorise(self, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        token, amount_minor = body["token"], body["amount_minor"]
        if key in self.blocked:
            raise _Refusal("already_voided")
        match token:
            case "tok_decline":
                raise _Refusal("do_not_honour")
            case "tok_decline_then_pay" if body["try"] == 1:
                raise _Refusal("insufficient_funds")
            case "tok_silent":
                return Reply()
            case "tok_wrong_amount":
                amount_minor -= 1
        lasts = SHORT_AUTHORISATION_LASTS if token == "tok_expires_soon" else AUTHORISATION_LASTS
        promise = Promise(
            key, body["order_id"], token, amount_minor, body["currency"], at, at + lasts
        )
        self.promises[authorisation_of(key)] = promise
        if token == "tok_late_success":
            return Reply(moved_minor=amount_minor)
        delay_seconds = SLOW_SECONDS if token == "tok_slow" else 0.0
        return Reply(_promised(promise), moved_minor=amount_minor, delay_seconds=delay_seconds)

    def _reauthorise(self, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        promise = self._usable(body, at)
        short = promise.token == "tok_expires_soon"
        promise.until = at + (SHORT_AUTHORISATION_LASTS if short else AUTHORISATION_LASTS)
        answer = _promised(promise) | {"authorisation_id": body["authorisation_id"]}
        self.said[key] = answer
        return Reply(answer)

    def _capture(self, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        promise, amount_minor = self._usable(body, at), body["amount_minor"]
        if amount_minor > promise.open_minor:
            raise _Refusal("exceeds_authorisation")
        once = promise.token == "tok_capture_fails_once" and body["try"] == 1
        if once or promise.token == "tok_capture_fails":
            raise _Refusal("processor_declined")
        promise.captured_minor += amount_minor
        return self._done(key, "capture", amount_minor, promise.currency)

    def _void(self, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        """Also of a key that was never seen: then it never will be authorised."""
        asked_by = body["authorise_key"]
        named = body["authorisation_id"] or authorisation_of(asked_by)
        promise = self._promise(named, body, at)
        if promise is None:
            self.blocked.add(asked_by)
            return self._done(key, "void", 0, body["currency"])
        if not promise.open_minor:
            raise _Refusal("already_voided" if promise.voided else "already_captured")
        freed_minor, promise.voided = promise.open_minor, True
        return self._done(key, "void", freed_minor, promise.currency)

    def _refund(self, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        promise = self._promise(body["authorisation_id"], body, at)
        if promise is None:
            raise _Refusal("unknown_authorisation")
        if body["amount_minor"] > promise.captured_minor - promise.refunded_minor:
            raise _Refusal("exceeds_captured")
        if promise.token == "tok_refund_fails":
            raise _Refusal("refund_declined")
        promise.refunded_minor += body["amount_minor"]
        return self._done(key, "refund", body["amount_minor"], promise.currency)

    def _transfer(self, key: str, body: Mapping[str, Any], at: datetime) -> Reply:
        if body["reference"] == "tok_refund_fails":
            raise _Refusal("account_closed")
        return self._done(key, "refund", body["amount_minor"], body["currency"])

    def _usable(self, body: Mapping[str, Any], at: datetime) -> Promise:
        promise = self._promise(body["authorisation_id"], body, at)
        if promise is None:
            raise _Refusal("unknown_authorisation")
        if promise.voided:
            raise _Refusal("already_voided")
        if at >= promise.until:
            raise _Refusal("authorisation_expired")
        return promise

    def _promise(self, name: str, body: Mapping[str, Any], at: datetime) -> Promise | None:
        """By its name; one made on the provider's page comes into being when first named."""
        if name not in self.promises and name.startswith(PAGE):
            amount_minor = int(name.split("-")[1])
            self.promises[name] = Promise(
                name, body["order_id"], "page", amount_minor, body["currency"], at,
                at + AUTHORISATION_LASTS,
            )  # fmt: skip
        return self.promises.get(name)


_DEEDS: dict[str, Callable[[Provider, str, Mapping[str, Any], datetime], Reply]] = {
    "authorise": Provider._authorise,
    "reauthorise": Provider._reauthorise,
    "capture": Provider._capture,
    "void": Provider._void,
    "refund": Provider._refund,
    "transfer": Provider._transfer,
}


def authorisation_of(key: str) -> str:
    """The authorisation that a key makes."""
    return f"auth-{_short(key)}"


def _short(key: str) -> str:
    return key.replace("-", "")


def _promised(promise: Promise) -> dict[str, Any]:
    return {
        "authorisation_id": authorisation_of(promise.key),
        "amount_minor": promise.amount_minor,
        "currency": promise.currency,
        "expires_at": promise.until.isoformat(),
    }
