"""The pure half of a cycle: inputs are folded over the locked world, in order.

The same fold runs in a service (between load and save) and in the simulator, so what is
proved of one is true of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from oms_chassis.decision import (
    CHOSEN_IDS_MAX,
    Deadline,
    Decision,
    Effect,
    Fact,
    Input,
    Invalid,
    Ref,
    Value,
)


class Kind(Value, frozen=True):
    """A kind of root and the topics whose facts it numbers (each topic a sequence of its own).

    `hears` are topics keyed by this kind's keys; every other topic belongs to the last kind.
    """

    name: str
    topics: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()


class Core(Value, frozen=True):
    """A service's pure part. With one kind of root `decide` gets that root's state, else a `World`.

    `roots_of` names the rows that an input touches besides its own (naming that as well is fine).
    """

    kinds: tuple[Kind, ...]
    roots_of: Callable[[Input], Sequence[Ref]]
    decide: Callable[[Any, Input, datetime], Decision]
    deadline: Callable[[Any], Deadline | None]

    def home(self, item: Input) -> Ref:
        """The root that a fact heard is about."""
        heard = (kind.name for kind in self.kinds if item.topic in kind.hears)
        return next(heard, self.kinds[-1].name), item.key

    def numbering(self) -> Mapping[str, tuple[str, int]]:
        """Topic → kind of the root that numbers it, and which of that root's sequences."""
        return _numbering(self.kinds)


@cache
def _numbering(kinds: tuple[Kind, ...]) -> Mapping[str, tuple[str, int]]:
    return {topic: (kind.name, i) for kind in kinds for i, topic in enumerate(kind.topics)}


@dataclass(slots=True)
class Held:
    """A root that this transaction holds locked (or will give birth to)."""

    state: Any
    partition: int
    seqs: list[int]
    changed_at: datetime | None = None
    born: bool = False
    changed: bool = False


class World:
    """The locked roots as a core of several kinds sees them: `world["sku", "A-1"]`, or None."""

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[Ref, Held]) -> None:
        self._held = held

    def __getitem__(self, ref: Ref) -> Any:
        return self._held[ref].state

    def __contains__(self, ref: Ref) -> bool:
        return ref in self._held


class Emitted(Value, frozen=True):
    """A fact as it will be published; `partition` is None where it depends on a foreign key."""

    id: UUID
    body: Any
    topic: str
    key: str
    partition: int | None
    sequence: int
    cause: Input
    at: datetime


class Called(Value, frozen=True):
    """An effect as it will be performed, for the root `ref`."""

    id: UUID
    effect: Effect
    ref: Ref
    partition: int
    cause: Input
    at: datetime


class Failed(Value, frozen=True):
    """An input that `decide` could not take, or one that waits behind such an input."""

    input: Input
    ref: Ref
    error: Exception | None


@dataclass(slots=True)
class Outcome:
    """All that one fold produced."""

    decisions: list[tuple[Input, Decision]] = field(default_factory=list)
    facts: list[Emitted] = field(default_factory=list)
    effects: list[Called] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    def add(self, later: Outcome) -> None:
        """Append what a later fold over the same world produced."""
        self.decisions += later.decisions
        self.facts += later.facts
        self.effects += later.effects
        self.rows += later.rows
        self.failed += later.failed


class InvalidInput(Exception):
    """A fact that breaks its contract."""


class UnlockedRoot(Exception):
    """A core spoke about a root that its `roots` did not name: a bug in the service."""


def fold(
    core: Core,
    held: dict[Ref, Held],
    inputs: Iterable[tuple[Ref, Input]],
    now: datetime,
    parked: set[Ref],
) -> Outcome:
    """Run `inputs`, each with its own root, in order over `held`, which is changed in place.

    An input whose decision raises leaves no trace and parks its key: everything later for the
    same root is held back with it, in order. Refs in `parked` are parked already.
    """
    out = Outcome()
    numbering = core.numbering()
    for own, item in inputs:
        if own in parked:
            out.failed.append(Failed(item, own, None))
            continue
        try:
            if isinstance(item.body, Invalid):
                raise InvalidInput(item.body.reason)
            at = _moment(now, held[own])
            decision = core.decide(
                held[own].state if len(core.kinds) == 1 else World(held), item, at
            )
            _take(core, numbering, held, own, item, decision, at, out)
        except Exception as error:  # any fault of a decision parks its input, whatever it is
            parked.add(own)
            out.failed.append(Failed(item, own, error))
    return out


def _moment(now: datetime, root: Held) -> datetime:
    """Time never runs backwards for a root, whatever the database's clock does."""
    return now if root.changed_at is None or root.changed_at < now else root.changed_at


def _take(
    core: Core, numbering: Mapping[str, tuple[str, int]], held: dict[Ref, Held], own: Ref,
    item: Input, decision: Decision, at: datetime, out: Outcome,
) -> None:  # fmt: skip
    """Number what was decided, then apply it; nothing is applied if any of it is wrong."""
    states = dict(decision.states)
    if len(core.kinds) == 1:
        states[own] = decision.state
    for ref in states:
        if ref not in held:
            raise UnlockedRoot(
                f"{item.topic} {type(item.body).__name__} changed {ref}, which is not locked"
            )
    facts, counts = _number(numbering, held, item, decision.facts, states, at)
    calls = [
        Called(
            e.id or item.new_id(CHOSEN_IDS_MAX + len(facts) + n),
            e,
            own,
            held[own].partition,
            item,
            at,
        )
        for n, e in enumerate(decision.effects)
    ]
    for ref, state in states.items():
        root = held[ref]
        if state is not root.state:
            root.state, root.changed, root.changed_at = state, True, at
    for (ref, sequence), count in counts.items():
        held[ref].seqs[sequence] = count
        held[ref].changed = True
    out.decisions.append((item, decision))
    out.facts += facts
    out.effects += calls
    out.rows += decision.rows


def _number(
    numbering: Mapping[str, tuple[str, int]], held: Mapping[Ref, Held], item: Input,
    facts: Sequence[Any], states: Mapping[Ref, Any], at: datetime,
) -> tuple[list[Emitted], dict[tuple[Ref, int], int]]:  # fmt: skip
    numbered: list[Emitted] = []
    counts: dict[tuple[Ref, int], int] = {}
    for n, said in enumerate(facts):
        fact = said if isinstance(said, Fact) else Fact(said)
        kind, sequence = numbering[type(fact.body).TOPIC]
        key = fact.key or item.key
        ref = (kind, fact.root or key)
        root = held.get(ref)
        if root is None or (root.state is None and states.get(ref) is None):
            raise UnlockedRoot(
                f"{type(fact.body).__name__} about {ref}, which is not locked or not there"
            )
        number = counts[ref, sequence] = counts.get((ref, sequence), root.seqs[sequence]) + 1
        id_ = fact.id or item.new_id(CHOSEN_IDS_MAX + n)
        partition = root.partition if key == ref[1] else None
        numbered.append(
            Emitted(id_, fact.body, fact.body.topic(), key, partition, number, item, at)
        )
    return numbered, counts
