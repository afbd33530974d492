"""What a decision is made of: the vocabulary of every pure core. Imports nothing that could block.

A core is two functions, `decide` and `deadline`. `decide` is told what happened and what was
true before; it answers with a `Decision`. It performs no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, get_type_hints
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

Ref = tuple[str, str]
"""A root: its kind and its key."""

CHOSEN_IDS_MAX = 100
"""`Input.new_id(n)` with n below this belongs to the core; the chassis numbers from here on."""


def derive_id(parent: UUID, n: int | str) -> UUID:
    """An id in the shape of UUIDv7 (RFC 9562 §5.7) that depends on `parent` and `n` alone.

    The 48 bits of time are the parent's, so that everything an input causes ages with it.
    """
    hashed = blake2b(b"%s|%s" % (parent.bytes, str(n).encode()), digest_size=10).digest()
    return _shaped(parent.int >> 80, int.from_bytes(hashed, "big"))


def mint_id(at: datetime, origin: str) -> UUID:
    """An id in the shape of UUIDv7 for something that happened at `at` and is named by `origin`."""
    hashed = blake2b(origin.encode(), digest_size=10).digest()
    return _shaped(int(at.timestamp() * 1000) & (2**48 - 1), int.from_bytes(hashed, "big"))


def _shaped(unix_ms: int, bits: int) -> UUID:
    return UUID(
        int=unix_ms << 80 | 0x7 << 76 | (bits >> 64 & 0xFFF) << 64 | 0b10 << 62 | bits & (2**62 - 1)
    )


class Value(Struct, frozen=True, omit_defaults=True):
    """A frozen value. `msgspec.structs.replace` makes a changed copy; JSON leaves defaults out.

    Built, copied and read from JSON by compiled code: a frozen dataclass takes five times as long.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How an HTTP answer shows it: an object with its fields."""
        from pydantic_core import core_schema
        from typing_extensions import TypedDict

        shown = handler(TypedDict(cls.__name__, get_type_hints(cls)))  # type: ignore[operator]
        written = core_schema.wrap_serializer_function_ser_schema(
            lambda value, write: write(_plain(value)), schema=shown
        )
        return core_schema.no_info_before_validator_function(_plain, shown, serialization=written)


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Struct) else value


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of the policies file; a key that is no field of it is refused by its name."""


class Input(Value, frozen=True):
    """Something that happened: a fact heard, a command given, an outcome, a wake-up.

    `body` says what; `key` names the aggregate; `at` is when it happened according to its
    teller; `actor` is the person or program behind a command.
    """

    id: UUID
    key: str
    body: Any
    at: datetime
    partition: int = 0
    topic: str = ""
    actor: str = ""

    def new_id(self, n: int) -> UUID:
        """The n-th id of what this input causes: the same again when the input is run again."""
        return derive_id(self.id, n)


class Woke(Value, frozen=True):
    """A deadline has passed, and everything said before it has been heard."""

    reason: str
    owner: str


class Done(Value, frozen=True):
    """An outside call succeeded; `answer` is what the other side said (JSON values)."""

    effect_id: UUID
    gateway: str
    method: str
    answer: Mapping[str, Any]


class Refused(Value, frozen=True):
    """An outside call was turned down for good."""

    effect_id: UUID
    gateway: str
    method: str
    code: str
    text: str = ""


class Unknown(Value, frozen=True):
    """Nobody could find out what became of an outside call: it may or may not have happened."""

    effect_id: UUID
    gateway: str
    method: str
    text: str = ""


class Malformed(Value, frozen=True):
    """A stranger's message whose key is readable and whose content is not acceptable."""

    type: str
    reasons: Sequence[tuple[str, str, str]]
    """Field, code and sentence of every fault."""
    digest: str = ""
    """Fingerprint of the bytes that were sent."""
    sender: str = ""
    """Who sent it: the channel that owns the topic."""
    reference: str = ""
    """What the sender calls the thing it speaks about."""


class Invalid(Value, frozen=True):
    """A fact of our own that breaks its contract: no core is asked, its key is parked."""

    reason: str


class Fact(Value, frozen=True):
    """An event to publish under another key, from another root, or with an id chosen beforehand.

    An event that speaks about the input's own aggregate needs no such wrapping.
    """

    body: Any
    key: str = ""
    root: str = ""
    """Key of the root that numbers this fact; the fact's own key where empty."""
    id: UUID | None = None


def asks(body: Any, **about: str) -> Fact:
    """A request: its event id is the `request_id` that every answer will repeat."""
    return Fact(body, id=UUID(body.request_id), **about)


class Effect(Value, frozen=True):
    """A call to the outside world. `id` is the idempotency key the other side gets to see."""

    gateway: str
    method: str
    body: Mapping[str, Any]
    id: UUID | None = None


class Deadline(Value, frozen=True):
    """When an aggregate must be looked at again, why, and whose move it is until then."""

    at: datetime
    reason: str
    owner: str


class Refusal(Value, frozen=True):
    """Why a command is turned down: a stable code and a sentence that says what to do."""

    code: str
    text: str


Verdict = Literal["apply", "again", "late", "refuse"]


class Decision(Value, frozen=True):
    """What follows from an input.

    `state` is the new state of the input's own root; `states` those of other roots by `Ref`.
    `facts` are events, plain or wrapped in `Fact`; `rows` are insert-only records that the
    store knows by their class; `answer` goes back to whoever gave a command.
    """

    state: Any = None
    facts: Sequence[Any] = ()
    effects: Sequence[Effect] = ()
    rows: Sequence[Any] = ()
    states: Mapping[Ref, Any] = {}
    answer: Mapping[str, Any] | None = None
    refusal: Refusal | None = None
    verdict: Verdict = "apply"
    note: str = ""


def keep(state: Any, **more: Any) -> Decision:
    """The state moves on and nobody needs to be told."""
    return Decision(state, **more)


def again(state: Any, *facts: Any, **more: Any) -> Decision:
    """Heard before: nothing changes; the earlier answer is given once more."""
    return Decision(state, facts, verdict="again", **more)


def late(state: Any, note: str) -> Decision:
    """True, but it no longer matters; `note` says why."""
    return Decision(state, verdict="late", note=note)


def refuse(state: Any, code: str, text: str) -> Decision:
    """A command that cannot be obeyed in this state."""
    return Decision(state, verdict="refuse", refusal=Refusal(code, text))


def seconds(value: float) -> timedelta:
    """A policy's number of seconds as a duration."""
    return timedelta(seconds=value)
