"""Deadlines: one row per aggregate that waits for something, and who wakes it when time is up.

The row's time may be earlier than the aggregate's deadline, never later: a deadline that moves
away is left standing and put right when it fires.

An aggregate whose call is open needs no row: the call's outcome is certain to come and looks at
it again. Its deadline is kept in memory meanwhile, for the rare call that takes longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from oms_chassis.decision import Input, Ref, mint_id
from oms_chassis.fold import Core, Held
from oms_chassis.telemetry import traceparent_of_key
from oms_chassis.work import Source, Work

WAKE_AGAIN_SECONDS = 30.0
"""A deadline that a decision left in the past is looked at again after this long."""
WAKES_MAX = 500
"""Most aggregates woken at once."""

_LOWER = """
INSERT INTO due (kind, key, partition, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::timestamptz[])
ON CONFLICT (kind, key) DO UPDATE SET at = EXCLUDED.at WHERE EXCLUDED.at < due.at
"""
_SET = _LOWER.partition(" WHERE EXCLUDED")[0]
_FORGET = """
DELETE FROM due USING unnest($1::text[], $2::text[]) AS u(kind, key)
WHERE due.kind = u.kind AND due.key = u.key
"""
_FIRED = """
SELECT kind, key, partition, at FROM due
WHERE partition = ANY($1::smallint[]) AND at <= now()
  AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.kind = due.kind AND p.key = due.key)
ORDER BY at LIMIT $2
"""
_NEXT = "SELECT min(at) FROM due WHERE partition = ANY($1::smallint[]) AND at > now()"

Row = tuple[str, str, int, datetime]


@dataclass(frozen=True, slots=True)
class Moves:
    """What changes in `due`: rows that may only become earlier, rows to put, roots to forget.

    `calling` are deadlines of roots with an open call, which get no row.
    """

    lower: list[Row] = field(default_factory=list)
    put: list[Row] = field(default_factory=list)
    forget: list[Ref] = field(default_factory=list)
    calling: list[Row] = field(default_factory=list)


def moves(
    core: Core, before: Mapping[Ref, object], held: Mapping[Ref, Held], woken: Set[Ref],
    now: datetime, calling: Set[Ref] = frozenset(), answered: Set[Ref] = frozenset(),
) -> Moves:  # fmt: skip
    """How `due` comes in line with the states after a fold.

    `calling` are roots that just made a call, `answered` those whose call was answered: they may
    have no row though they had a deadline.

    A deadline that is set in the past is due now: at its own moment the root may have been woken
    before, and the inbox would take this wake-up for that one.
    """
    found = Moves()
    for ref, root in sorted(held.items(), key=lambda item: item[0]):
        if root.state is None or not (root.changed or ref in woken or ref in answered):
            continue
        after = core.deadline(root.state)
        was = before[ref]
        earlier = core.deadline(was) if was is not None else None
        if ref in calling and ref not in woken:
            if after is not None:
                found.calling.append((*ref, root.partition, after.at))
        elif after is None:
            if earlier is not None or ref in woken:
                found.forget.append(ref)
        elif ref in woken:
            again = now + timedelta(seconds=WAKE_AGAIN_SECONDS)
            found.put.append((*ref, root.partition, after.at if after.at > now else again))
        elif earlier is None or after.at < earlier.at or ref in answered:
            found.lower.append((*ref, root.partition, max(after.at, now)))
    return found


async def reschedule(
    db: asyncpg.Connection, core: Core, before: Mapping[Ref, object],
    held: Mapping[Ref, Held], woken: Set[Ref], now: datetime,
    calling: Set[Ref], answered: Set[Ref],
) -> Moves:  # fmt: skip
    """Bring `due` in line with the states after a fold; returns what was done."""
    found = moves(core, before, held, woken, now, calling, answered)
    for statement, rows in ((_LOWER, found.lower), (_SET, found.put)):
        if rows:
            await db.execute(statement, *zip(*rows, strict=True))
    if found.forget:
        await db.execute(_FORGET, *zip(*found.forget, strict=True))
    return found


async def fired(db: asyncpg.Connection, partitions: Sequence[int], ratio: float) -> list[Work]:
    """Wake-ups whose time has come, oldest first; a parked aggregate sleeps on."""
    rows = await db.fetch(_FIRED, partitions, WAKES_MAX)
    return [wake(r["kind"], r["key"], r["partition"], r["at"], ratio) for r in rows]


async def next_at(db: asyncpg.Connection, partitions: Sequence[int]) -> datetime | None:
    """When the next wake-up is due."""
    found: datetime | None = await db.fetchval(_NEXT, partitions)
    return found


def wake_id(ref: Ref, at: datetime) -> UUID:
    """The id of a wake-up: the same however often it is fired until it has been carried out."""
    return mint_id(at, f"wake|{ref[0]}|{ref[1]}|{at.microsecond}")


def wake(kind: str, key: str, partition: int, at: datetime, ratio: float) -> Work:
    """A wake-up that was due at `at`."""
    item = Input(wake_id((kind, key), at), key, None, at, partition)
    trace = traceparent_of_key(key, item.id, ratio)
    return Work(item, Source.WAKE, (kind, key), "Woke", trace)
