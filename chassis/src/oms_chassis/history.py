"""Inputs as they are remembered, so that an aggregate's life can be folded again, exactly.

An inbox row says what was heard, and when (`at`). Its `place` is the turn in which it was decided
among those of the same transaction; without one it was never decided: it is parked or was skipped,
a command was told that its aggregate is parked, a deadline had moved. `decided_at` is when it was
decided where that is not `at`: it had been parked. Its body is what it was decided on: if a person
edited it, that. A record that was never decided has none: nobody has understood it, so it may hold
anything, and it lies sealed among the parked inputs. `policy` is the number of the policy in force
and of the version of the code.

For one key `(decided_at or at, place)` is the order of decisions, since the clock is read under
the root's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from oms_chassis.decision import Decision, Input, Invalid
from oms_chassis.work import Source, Work

INSERT = """
INSERT INTO inbox (id, key, happened_at, type, actor, topic, body, place, policy, at)
SELECT u.*, $11::smallint, statement_timestamp()
FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
            $9::bytea[], $10::integer[]) u
"""
_COLUMNS = 8
_SETTLE = """
UPDATE inbox SET place = u.place, decided_at = nullif($5::timestamptz, inbox.at),
  policy = $6::smallint, body = u.body,
  actor = coalesce(nullif(u.actor, ''), inbox.actor)
FROM unnest($1::uuid[], $2::integer[], $3::bytea[], $4::text[]) AS u(id, place, body, actor)
WHERE inbox.id = u.id
"""
_KNOWN = "SELECT number FROM policy WHERE digest = $1"
_REMEMBER = "INSERT INTO policy (digest, version, rules) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


def columns(works: Sequence[Work], policy: int | None) -> list[Any]:
    """`INSERT`'s values. A deadline has no place yet: it may turn out to have moved."""
    told = [
        (
            w.item.id, w.item.key, w.item.at, w.type, w.item.actor, w.item.topic, body(w),
            None if w.source is Source.WAKE else w.place,
        )
        for w in works
    ]  # fmt: skip
    return [*(zip(*told, strict=True) if told else [()] * _COLUMNS), policy]


def body(work: Work) -> bytes | None:
    """What was said, and for strangers what the core may see; nothing of what breaks a contract."""
    if isinstance(work.item.body, Invalid):
        return None
    if work.raw and not work.stranger:
        return work.raw
    return msgspec.json.encode(work.item.body)


async def settle(
    db: asyncpg.Connection, works: Sequence[Work], decisions: Sequence[tuple[Input, Decision]],
    now: datetime, policy: int | None,
) -> None:  # fmt: skip
    """Note of every input whether it was decided, where that is not what `columns` assumed."""
    decided = {item.id for item, _ in decisions}
    rows: list[tuple[UUID, int | None, bytes | None, str]] = []
    for work in works:
        through = work.item.id in decided
        if through and work.source in (Source.REDRIVE, Source.WAKE):
            rows.append((work.item.id, work.place, body(work), work.item.actor))
        elif not through and work.source is Source.RECORD:
            rows.append((work.item.id, None, None, ""))
        elif not through and work.source is Source.COMMAND:
            rows.append((work.item.id, None, body(work), ""))
    if rows:
        await db.execute(_SETTLE, *zip(*rows, strict=True), now, policy)


async def remember_policy(db: asyncpg.Connection | asyncpg.Pool, version: str, policy: Any) -> int:
    """The number under which a policy, and the version of the code that decides by it, are kept:
    now, or from an earlier start."""
    rules = msgspec.json.encode(policy)
    digest = sha256(version.encode() + b"|" + rules).hexdigest()
    number: int | None = await db.fetchval(_KNOWN, digest)
    if number is None:
        await db.execute(_REMEMBER, digest, version, rules)
        number = await db.fetchval(_KNOWN, digest)
    assert number is not None
    return number
