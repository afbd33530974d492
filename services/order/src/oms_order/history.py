"""An order as it was at any moment: today's rules, folded over everything that it was ever told.

What is recorded of an input is all that a decision depends on (`oms_chassis.history`): what was
said, when and in which turn it was decided, and under which policy. So the fold of a whole history
is the stored row, to the byte, unless the code has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from typing import Any, get_args
from uuid import UUID

import msgspec

from oms_chassis.decision import Input, Malformed, Ref, Woke
from oms_chassis.fold import Core, Held, Outcome, fold
from oms_contracts import wire
from oms_contracts.catalogue import EVENTS
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_order.codecs import DOCUMENTS, FIXED, MOVING, SEQUENCES, fixed_values, moving_values, read
from oms_order.decisions import deadline, decide
from oms_order.domain import CancellationWish, Command, NoOrder, Order, Policy, Submission
from oms_order.inputs import KIND, KINDS, roots

COLUMNS = "id, key, type, topic, actor, happened_at, at, decided_at, place, policy, body"
"""The columns of `inbox` that a `Heard` is made of."""
POLICIES = "number, version, rules"
"""The columns of `policy` that `Rules.kept` reads."""
VERSION = version("oms-order")
WAKE = "Woke"
_STRANGERS = {OrderPlaced.TYPE: Submission, CancellationRequested.TYPE: CancellationWish}
_COMMANDS = {command.__name__: command for command in (Submission, *get_args(Command))}


@dataclass(frozen=True, slots=True)
class Heard:
    """An input as the history keeps it."""

    id: UUID
    key: str
    type: str
    topic: str
    actor: str
    happened_at: datetime
    at: datetime
    """When it was heard."""
    decided_at: datetime | None
    """When it was decided, if not when it was heard."""
    place: int | None
    """Its turn among those decided in the same transaction; None: it never was decided."""
    policy: int | None
    """The number of the policy in force; None: heard before this was recorded."""
    body: bytes | None
    """None: it never was decided, and nobody knows what is in it."""

    @property
    def moment(self) -> datetime:
        """When it was decided, or was to be."""
        return self.decided_at or self.at

    def said(self) -> Any:
        """What the core was told; None for a deadline of which no reason was recorded."""
        assert self.body is not None, "never decided"
        if self.type == WAKE:
            return msgspec.json.decode(self.body, type=Woke | None)
        if self.type in _STRANGERS:
            return _from_stranger(_STRANGERS[self.type], self.body)
        if self.type in _COMMANDS:
            return msgspec.json.decode(self.body, type=_COMMANDS[self.type])
        return wire.decode(EVENTS[self.type], self.body).upcast()


def _from_stranger(expected: type[Any], body: bytes) -> Any:
    """A stranger's message, or what was wrong with it: no field of theirs is common to both."""
    try:
        return msgspec.json.decode(body, type=Malformed)
    except msgspec.ValidationError:
        return msgspec.json.decode(body, type=expected)


def core_of(policy: Policy) -> Core:
    """The rules of today under a policy of some day."""
    return Core(KINDS, roots, partial(decide, policy), partial(deadline, policy))


def policy_of(rules: bytes) -> Policy:
    """A policy as it was kept, without those of its rules that nobody reads any more."""
    told: dict[str, Any] = msgspec.json.decode(rules)
    known = {name: rule for name, rule in told.items() if name in Policy.__struct_fields__}
    return msgspec.convert(known, Policy)


@dataclass(frozen=True, slots=True)
class Rules:
    """By which policies a history is folded: those recorded by number, `today` where none is."""

    today: Policy
    recorded: Mapping[int, Policy] = field(default_factory=dict)
    versions: Mapping[int, str] = field(default_factory=dict)
    """Of the code that decided under each."""
    core_of: Callable[[Policy], Core] = core_of

    @classmethod
    def kept(cls, today: Policy, rows: Iterable[tuple[int, str, bytes]]) -> Rules:
        """From the table of policies: number, version and rules."""
        recorded = {number: (version, policy_of(rules)) for number, version, rules in rows}
        policies = {number: policy for number, (_, policy) in recorded.items()}
        return cls(today, policies, {number: version for number, (version, _) in recorded.items()})

    def of(self, heard: Heard) -> Policy:
        """The policy that an input was decided under."""
        return self.today if heard.policy is None else self.recorded[heard.policy]

    def version_of(self, heard: Heard) -> str:
        """The version of the code that decided an input; empty where nobody wrote it down."""
        return "" if heard.policy is None else self.versions.get(heard.policy, "")


@dataclass(slots=True)
class Rebuilt:
    """An order that was folded from its history, and what it said on the way."""

    policy: Policy
    """The last in force."""
    held: Held
    fixed: tuple[Any, ...] = ()
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def state(self) -> Order | NoOrder | None:
        """The order; None where nothing was known of it yet."""
        state: Order | NoOrder | None = self.held.state
        return state

    def row(self) -> dict[str, Any] | None:
        """The columns of its row, but for those that name it."""
        if self.state is None:
            return None
        seqs = dict(zip(SEQUENCES, self.held.seqs, strict=True))
        fixed = dict(zip(FIXED, self.fixed, strict=True))
        moving = dict(zip(MOVING, moving_values(self.state), strict=True))
        return fixed | moving | seqs | {"changed_at": self.held.changed_at}

    def differs_from(self, stored: Mapping[str, Any] | None) -> list[str]:
        """Columns in which a stored row is another; empty where they agree.

        Documents are compared by what they say: another release may have written it otherwise.
        """
        row = self.row()
        if row is None or stored is None:
            return [] if row is None and stored is None else ["order_id"]
        same_order = read(stored) == self.state
        return [
            name
            for name, value in row.items()
            if stored[name] != value and not (same_order and name in DOCUMENTS)
        ]


def rebuild(
    rules: Rules, heard: Iterable[Heard], until: datetime | None = None, partition: int = 0
) -> Rebuilt:
    """Fold what was decided `until` some moment, or ever. `heard` may come in any order."""
    decided = [h for h in heard if h.place is not None and (until is None or h.moment <= until)]
    decided.sort(key=lambda h: (h.moment, h.place, h.id))
    built = Rebuilt(rules.today, Held(None, partition, [0, 0], born=True))
    for moment, together in groupby(decided, attrgetter("moment")):
        for one in together:
            built.policy = rules.of(one)
            _tell(rules.core_of(built.policy), built, one, moment)
        _save(built)
    return built


def _save(built: Rebuilt) -> None:
    """A transaction ends: the next one reads what this one wrote."""
    if built.state is None:
        return
    built.fixed = built.fixed or fixed_values(built.state)
    row = built.row()
    assert row is not None
    built.held.state = read(row)


def _tell(core: Core, built: Rebuilt, heard: Heard, moment: datetime) -> None:
    """One input, as the cycle tells it."""
    ref: Ref = (KIND, heard.key)
    body = heard.said()
    if body is None:
        due = core.deadline(built.state) if built.state is not None else None
        if due is None or due.at > moment:
            return
        body = Woke(due.reason, due.owner)
    at = moment if heard.type == WAKE else heard.happened_at
    item = Input(heard.id, heard.key, body, at, built.held.partition, heard.topic, heard.actor)
    built.outcome.add(fold(core, {ref: built.held}, [(ref, item)], moment, set()))


def unsure(rules: Rules, heard: Iterable[Heard], rebuilt: Rebuilt) -> list[str]:
    """What may be otherwise in a rebuilt order than it was, in sentences."""
    decided = [h for h in heard if h.place is not None]
    notes = [
        f"today's rules cannot decide {type(failed.input.body).__name__}, which was decided then"
        for failed in rebuilt.outcome.failed
    ]
    if old := sum(h.policy is None for h in decided):
        notes.append(f"{old} inputs tell no policy: they were folded under today's")
    if len({h.policy for h in decided}) > 1:
        notes.append("the policy changed meanwhile: each input was folded under its own")
    if others := sorted({rules.version_of(h) for h in decided} - {VERSION, ""}):
        notes.append(f"decided by {', '.join(others)} and folded by {VERSION}")
    return notes
