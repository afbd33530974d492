"""Golden histories: what payments of every kind were told under a released version, and what came
of it. `python services/billing/tests/golden.py record VERSION [KIND...]` writes them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from builders import Story
from kinds import KINDS
from msgspec import Raw, Struct

from oms_billing import domain, inputs
from oms_billing.decisions import deadline, decide
from oms_billing.domain import Policy
from oms_chassis.decision import Done, Input, Ref, Refused, Unknown, Woke
from oms_chassis.fold import Core, Held, fold
from oms_contracts import wire
from oms_contracts.catalogue import EVENTS
from oms_contracts.event import Event

FOLDER = Path(__file__).parent / "golden"
_OUTCOMES = {kind.__name__: kind for kind in (Done, Refused, Unknown, Woke)}


class Told(Struct):
    """An input, decided as soon as it was heard."""

    id: UUID
    type: str
    at: datetime
    body: Raw


class Came(Struct):
    """Something that came of it: a fact, a call, a row, or what a root is in the end."""

    what: str
    type: str
    body: Raw


class Golden(Struct):
    """One life."""

    order_id: str
    policy: Raw
    inputs: list[Told]
    outcome: list[Came]


def core_of(policy: Policy) -> Core:
    """The rules of today under a policy of some day."""
    return Core(inputs.KINDS, inputs.roots, partial(decide, policy), partial(deadline, policy))


def differences(golden: Golden, core_of: Callable[[Policy], Core] = core_of) -> str:
    """What folding the inputs by other rules than then makes different; empty if nothing."""
    policy = msgspec.json.decode(golden.policy, type=Policy)
    items = [Input(t.id, golden.order_id, _said(t.type, t.body), t.at) for t in golden.inputs]
    came = outcome(core_of(policy), items)
    lines = unified_diff(
        _lines(golden.outcome), _lines(came), "recorded", "today", n=1, lineterm=""
    )
    return "\n".join(lines)


def outcome(core: Core, items: Iterable[Input]) -> list[Came]:
    """Everything that comes of inputs, in order, and every root in the end."""
    held: dict[Ref, Held] = {}
    came: list[Came] = []
    for item in items:
        refs = core.roots_of(item)
        for ref in refs:
            held.setdefault(ref, Held(None, 0, [0] if ref[0] == "payment" else [], born=True))
        out = fold(core, held, [(refs[0], item)], item.at, set())
        came += [_came("fact", fact.body) for fact in out.facts]
        came += [_came("call", call.effect.method, call.effect.body) for call in out.effects]
        came += [_came("row", row) for row in out.rows]
        came += [_came("failed", type(item.body).__name__, str(f.error)) for f in out.failed]
    return came + [_came("root", root.state) for root in held.values() if root.state is not None]


def _came(what: str, said: Any, body: Any = None) -> Came:
    if isinstance(said, Event):
        return Came(what, said.TYPE, Raw(wire.encode(said)))
    name = said if isinstance(said, str) else type(said).__name__
    return Came(what, name, Raw(msgspec.json.encode(said if body is None else body)))


def _said(name: str, body: Raw) -> Any:
    if name in EVENTS:
        return wire.decode(EVENTS[name], bytes(body)).upcast()
    return msgspec.json.decode(body, type=_OUTCOMES.get(name) or getattr(domain, name))


def _lines(came: Iterable[Came]) -> list[str]:
    return [line for one in came for line in _read_again(one)]


def _read_again(came: Came) -> Iterator[str]:
    """As today's types read it: a field that is new, and has its default, changes nothing."""
    yield f"{came.what} {came.type}"
    body: Any = came.body
    if came.what in ("row", "root"):
        body = _plain(msgspec.json.decode(body, type=getattr(domain, came.type)))
    elif came.what == "fact":
        body = Raw(wire.encode(wire.decode(EVENTS[came.type], bytes(body))))
    yield from msgspec.json.format(msgspec.json.encode(body), indent=1).decode().splitlines()


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def golden_of(story: Story) -> Golden:
    """A story as it is kept."""
    told = []
    for item in story.inputs:
        kept = _came("told", item.body)
        told.append(Told(item.id, kept.type, item.at, kept.body))
    policy = Raw(msgspec.json.encode(story.policy))
    return Golden(story.order_id, policy, told, outcome(core_of(story.policy), story.inputs))


def written(golden: Golden) -> str:
    """An input and an outcome a line, so that a change is seen where it is."""
    parts = []
    for name in Golden.__struct_fields__:
        value = getattr(golden, name)
        listed = isinstance(value, list)
        text = "[\n" + ",\n".join(map(_json, value)) + "\n]" if listed else _json(value)
        parts.append(f'"{name}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def recorded(path: Path) -> Golden:
    """A golden history from its file."""
    return msgspec.json.decode(path.read_bytes(), type=Golden)


def record(version: str, *kinds: str) -> None:
    """Write the histories of a version that is being released, of some kinds or of all."""
    folder = FOLDER / version
    folder.mkdir(parents=True, exist_ok=True)
    for kind in kinds or KINDS:
        (folder / f"{kind}.json").write_text(written(golden_of(KINDS[kind]())))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", version, *kinds]:
            record(version, *kinds)
        case _:
            sys.exit("usage: python services/billing/tests/golden.py record VERSION [KIND...]")
