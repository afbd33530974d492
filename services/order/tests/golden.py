"""Golden histories: what orders of every kind were told under a released version, and what came
of it. `python services/order/tests/golden.py record VERSION [KIND...]` writes them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from difflib import unified_diff
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from kinds import KINDS
from msgspec import Raw, Struct
from recorded import heard_of
from story import Story

from oms_chassis.fold import Core, Emitted
from oms_contracts import wire
from oms_contracts.catalogue import EVENTS
from oms_order.codecs import read
from oms_order.domain import NoOrder, Order, Policy
from oms_order.history import Heard, Rebuilt, Rules, core_of, policy_of, rebuild

FOLDER = Path(__file__).parent / "golden"
NULL = b"null"


class Told(Struct, omit_defaults=True):
    """An input: heard and decided at once."""

    id: UUID
    type: str
    at: datetime
    body: Raw
    topic: str = ""
    actor: str = ""


class Said(Struct):
    """A fact that followed."""

    type: str
    key: str
    sequence: int
    body: Raw


class Row(Struct):
    """The order in the end, as it was stored."""

    status: str
    waiting_for: str
    seq: int
    answer_seq: int
    changed_at: datetime
    received_at: datetime
    head: Raw
    """Null for what was born as no order."""
    doc: Raw


class Golden(Struct):
    """One life."""

    order_id: str
    policy: Raw
    inputs: list[Told]
    row: Row
    facts: list[Said]


def differences(golden: Golden, core_of: Callable[[Policy], Core] = core_of) -> str:
    """What folding the inputs by other rules than then makes different; empty if nothing."""
    policy = policy_of(bytes(golden.policy))
    built = rebuild(Rules(policy, core_of=core_of), _heard(golden))
    lines = unified_diff(
        list(_recorded_lines(golden)), list(_lines(built)), "recorded", "today", n=1, lineterm=""
    )
    return "\n".join(lines)


def _heard(golden: Golden) -> Iterator[Heard]:
    for place, t in enumerate(golden.inputs):
        yield Heard(
            t.id, golden.order_id, t.type, t.topic, t.actor, t.at, t.at, None, place, None,
            bytes(t.body),
        )  # fmt: skip


def _recorded_lines(golden: Golden) -> Iterator[str]:
    """Read as today's types and written again: an optional field that is new changes nothing."""
    row = golden.row
    head = b"" if bytes(row.head) == NULL else bytes(row.head)
    state = read({"status": row.status, "head": head, "doc": bytes(row.doc)})
    seqs = (row.seq, row.answer_seq)
    yield from _state_lines(state, row.status, row.waiting_for, seqs, row.changed_at)
    for said in golden.facts:
        fact = wire.decode(EVENTS[said.type], bytes(said.body))
        yield from _fact_lines(said.type, said.key, said.sequence, wire.encode(fact))


def _lines(built: Rebuilt) -> Iterator[str]:
    row = built.row()
    if row is None or built.state is None:
        yield "there is no order"
        return
    seqs = tuple(built.held.seqs)
    yield from _state_lines(
        built.state, row["status"], row["waiting_for"], seqs, row["changed_at"]
    )  # fmt: skip
    for fact in built.outcome.facts:
        body = wire.encode(fact.body)
        yield from _fact_lines(fact.body.TYPE, fact.key, fact.sequence, body)
    for failed in built.outcome.failed:
        yield f"cannot decide {type(failed.input.body).__name__}: {failed.error}"


def _state_lines(
    state: Order | NoOrder, status: str, waiting_for: str, seqs: Sequence[int], changed_at: datetime
) -> Iterator[str]:
    yield f"status {status}, waiting for {waiting_for or 'nothing'}"
    yield f"{seqs[0]} facts and {seqs[1]} answers, changed at {changed_at.isoformat()}"
    told = msgspec.json.encode(_plain(state))
    yield from msgspec.json.format(told, indent=1).decode().splitlines()


def _plain(value: Any) -> Any:
    """With every field: what is left out where it is written says nothing of the order."""
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _fact_lines(type_name: str, key: str, sequence: int, body: bytes) -> Iterator[str]:
    yield f"{type_name} about {key} #{sequence}"
    yield from msgspec.json.format(body, indent=1).decode().splitlines()


def golden_of(story: Story) -> Golden:
    """A story as it is kept."""
    heard = list(heard_of(story.inputs))
    built = rebuild(Rules(story.policy, {1: story.policy}), heard)
    row = built.row()
    assert row is not None and built.state == story.state
    kept = {name: row[name] for name in Row.__struct_fields__}
    kept |= {"head": Raw(row["head"] or NULL), "doc": Raw(row["doc"])}
    return Golden(
        heard[0].key, Raw(msgspec.json.encode(story.policy)),
        [Told(h.id, h.type, h.at, Raw(h.body), h.topic, h.actor) for h in heard],
        Row(**kept), [_said(fact) for fact in built.outcome.facts],
    )  # fmt: skip


def _said(fact: Emitted) -> Said:
    return Said(fact.body.TYPE, fact.key, fact.sequence, Raw(wire.encode(fact.body)))


def written(golden: Golden) -> str:
    """An input and a fact a line, so that a change is seen where it is."""
    parts = []
    for name in Golden.__struct_fields__:
        value = getattr(golden, name)
        text = _listed(value) if isinstance(value, list) else _json(value)
        parts.append(f'"{name}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _listed(values: Iterable[object]) -> str:
    return "[\n" + ",\n".join(map(_json, values)) + "\n]"


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
            sys.exit("usage: python services/order/tests/golden.py record VERSION [KIND...]")
