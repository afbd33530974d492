"""A seed's story in readable lines: when, who, what was heard and what was said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from world import World

from oms_chassis.decision import Decision, Done, Fact, Refused, Unknown, Woke
from oms_contracts.event import Event, Value

WIDTH = 260
_DULL = frozenset(
    {"order_no", "channel", "external_id", "contact", "digest", "placed_at", "totals", "address",
     "bill_to", "choices", "location_policy", "url"}
)  # fmt: skip
"""Fields that tell nothing about what went wrong."""
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def told(world: World) -> list[str]:
    """The whole story, a line for every input and one for everything said because of it."""
    names = {order_id: f"S-{n}" for n, order_id in enumerate(world.orders, start=1)}
    return [_short(_ID.sub(lambda id_: _name(names, id_[0]), line)) for line in _lines(world)]


def in_short(world: World, text: str) -> str:
    """A sentence with its ids as the story shows them."""
    names = {order_id: f"S-{n}" for n, order_id in enumerate(world.orders, start=1)}
    return _ID.sub(lambda id_: _name(names, id_[0]), text)


def _name(names: Mapping[str, str], id_: str) -> str:
    """Orders by their number; of all other ids the end, which is where they differ."""
    return names.get(id_, f"#{id_[-5:]}")


def _lines(world: World) -> Iterator[str]:
    begin = world.story[0].at if world.story else world.now
    for happening in world.story:
        at = _clock(happening.at, begin)
        if happening.cycle is None:
            taken = " ".join(_said(work.item.body) for work in happening.works)
            yield f"{at} -- {happening.text} {taken}"
            continue
        cycle = happening.cycle
        facts = list(cycle.out.facts)
        calls = list(cycle.out.effects)
        for item, decision in cycle.out.decisions:
            verdict = "" if decision.verdict == "apply" else f" [{_verdict(decision)}]"
            yield f"{at} {cycle.node.name:9} <- {item.key} {_said(item.body)}{verdict}"
            for fact in (f for f in facts if f.cause is item):
                yield f"{'':14} {'':9} -> {fact.key} {_said(fact.body)}"
            for call in (c for c in calls if c.cause is item):
                effect = call.effect
                yield f"{'':14} {'':9} => {effect.gateway}.{effect.method} {dict(effect.body)}"
        for failed in cycle.out.failed:
            why = failed.error or "waits behind another"
            said = _said(failed.input.body)
            yield f"{at} {cycle.node.name:9} <- {failed.ref[1]} {said} [parked: {why}]"


def _clock(at: datetime, begin: datetime) -> str:
    passed = at - begin
    seconds = passed.seconds + passed.microseconds / 1e6
    hours, rest = divmod(seconds, 3600)
    return f"{passed.days:3}d{int(hours):02}:{int(rest // 60):02}:{rest % 60:04.1f}"


def _verdict(decision: Decision) -> str:
    refusal = decision.refusal
    more = f"{refusal.code}: {refusal.text}" if refusal else decision.note
    return f"{decision.verdict} {more}".strip()


def _said(body: Any) -> str:
    body = body.body if isinstance(body, Fact) else body
    if isinstance(body, Event):
        name = type(body).__name__
        return f"{name} " + _fields(
            (k, v) for k, v in body if v not in ((), "", None) and k not in _DULL
        )
    if isinstance(body, Done | Refused | Unknown):
        more = body.answer if isinstance(body, Done) else body.text
        return f"{type(body).__name__} {body.gateway}.{body.method} {more}"
    if isinstance(body, Woke):
        return f"deadline: {body.reason} ({body.owner})"
    return _plain(body)


def _plain(value: Any) -> str:
    """A command, or a part of one: what was said, without what was left as it is."""
    if not isinstance(value, Struct):
        return _value(value)
    told = ((name, getattr(value, name)) for name in value.__struct_fields__)
    told = ((k, v) for k, v in told if v not in ((), "", None, 0) and k not in _DULL)
    return f"{type(value).__name__}(" + " ".join(f"{k}={_value(v)}" for k, v in told) + ")"


def _fields(fields: Iterable[tuple[str, Any]]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in fields)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, Struct):
        return _plain(value)
    if isinstance(value, datetime):
        return f"{value:%d.%m. %H:%M}"
    if isinstance(value, Value):
        return "(" + " ".join(_value(v) for _, v in value) + ")"
    return str(value)


def _short(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
