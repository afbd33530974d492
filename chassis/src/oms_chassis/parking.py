"""Parked inputs: what no decision could be made on, kept with its key until a person has looked.

A parked key holds everything later for the same aggregate, in order. A person asks for a retry
(perhaps of an edited body) or skips; the partition's owner then runs what is parked, first come
first served, until it is through or the next input fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from oms_chassis.crashpoints import reach
from oms_chassis.decision import Done, Input, Ref, Refused, Unknown
from oms_chassis.fold import Failed
from oms_chassis.intake import Intake
from oms_chassis.sealing import KeyRing
from oms_chassis.work import DeadLetter, Source, Work, brief, from_

BEHIND = "waits behind an input that is parked"
REASON_MAX_CHARS = 1_000
REDRIVE_ROWS_MAX = 500
"""Most parked inputs of one pass; the rest follows."""
_OUTCOMES = {c.__name__: c for c in (Done, Refused, Unknown)}
_KEPT = {Source.RECORD: "record", Source.OUTCOME: "outcome", Source.WAKE: "wake"}

_AMONG = """
SELECT DISTINCT p.kind, p.key FROM parked p
JOIN unnest($1::text[], $2::text[]) AS u(kind, key) ON p.kind = u.kind AND p.key = u.key
"""
_LINE = _AMONG.replace("DISTINCT p.kind, p.key", "p.kind, p.key, p.position, p.requested_at")
_LINE += "ORDER BY p.position FOR UPDATE OF p"
_PARK = """
INSERT INTO parked (kind, key, source, id, input_key, partition, topic, type, happened_at,
                    traceparent, body, reason)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::smallint[],
  $7::text[], $8::text[], $9::timestamptz[], $10::text[], $11::bytea[], $12::text[])
ON CONFLICT DO NOTHING
"""
_STILL = """
UPDATE parked SET reason = u.reason, request = NULL
FROM unnest($1::bigint[], $2::text[]) AS u(position, reason) WHERE parked.position = u.position
"""
_THROUGH = "DELETE FROM parked WHERE position = ANY($1::bigint[])"
_BURY = """
INSERT INTO dead_letter (topic, partition, "offset", key, type, reason, sealed)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                     $7::text[]) ON CONFLICT DO NOTHING
"""
_REQUESTED = """
WITH head AS (SELECT DISTINCT ON (kind, key) kind, key, request, reason FROM parked
              WHERE partition = ANY($1::smallint[]) ORDER BY kind, key, position)
SELECT p.* FROM parked p JOIN head h ON p.kind = h.kind AND p.key = h.key
WHERE h.request IS NOT NULL OR h.reason = $2 ORDER BY p.position LIMIT $3
"""
_ASK = """
UPDATE parked SET request = 'retry', requested_by = $2, requested_at = now(),
  body = coalesce($3, body) WHERE position = $1 AND source <> 'wake' RETURNING position
"""
_LET_GO = "DELETE FROM parked WHERE position = $1 AND source = 'wake' RETURNING position"
_FORGET = "DELETE FROM parked WHERE position = $1 RETURNING *"


async def parked_among(db: asyncpg.Connection, refs: set[Ref]) -> set[Ref]:
    """Which of `refs` are parked; asked while their roots are locked."""
    kinds, keys = zip(*refs, strict=True)
    return {(r["kind"], r["key"]) for r in await db.fetch(_AMONG, kinds, keys)}


async def redrivable(db: asyncpg.Connection, works: Sequence[Work]) -> tuple[list[Work], set[Ref]]:
    """Those of `works` that may run again, each once, and the aggregates they leave nothing of.

    Of each aggregate, works run from the front of its line as it stands now, up to the first that
    is not among them or was edited since they were read: so nothing is overtaken. Whoever asks for
    one of these rows meanwhile waits until this transaction has an end, and sees it.
    """
    if not works:
        return [], set()
    kinds, keys = zip(*{w.ref for w in works}, strict=True)
    given = {(w.row, w.asked_at): w for w in works}
    running: list[Work] = []
    held_up: set[Ref] = set()
    for row in await db.fetch(_LINE, kinds, keys):
        work = given.get((row["position"], row["requested_at"]))
        if work is None or work.ref in held_up:
            held_up.add((row["kind"], row["key"]))
        else:
            running.append(work)
    return running, {w.ref for w in running} - held_up


async def settle(
    db: asyncpg.Connection, ring: KeyRing, works: Sequence[Work],
    by_id: Mapping[UUID, Work], failed: Sequence[Failed],
) -> int:  # fmt: skip
    """Park what failed, let go what came through; returns how many keys were parked anew."""
    lost = {f.input.id for f in failed}
    through = [w.row for w in from_(works, Source.REDRIVE) if w.item.id not in lost]
    if through:
        await db.execute(_THROUGH, through)
        reach("in_redrive")
    again = [(by_id[f.input.id], f) for f in failed if by_id[f.input.id].source is Source.REDRIVE]
    if again:
        await db.execute(_STILL, [w.row for w, _ in again], [_reason(f) for _, f in again])
    # A wake-up that finds its aggregate parked is let go: its row in `due` fires again.
    new = [
        (w, f) for f in failed
        if (w := by_id[f.input.id]).source in (Source.RECORD, Source.OUTCOME)
        or (w.source is Source.WAKE and f.error is not None)
    ]  # fmt: skip
    if new:
        rows = [_row(ring, work, f) for work, f in new]
        await db.execute(_PARK, *zip(*rows, strict=True))
    return len({f.ref for _, f in new if f.error is not None})


def _row(ring: KeyRing, work: Work, failed: Failed) -> tuple[Any, ...]:
    item = work.item
    told = work.raw if work.source is Source.RECORD else msgspec.json.encode(item.body)
    return (
        *failed.ref, _KEPT[work.source], item.id, item.key, item.partition, item.topic, work.type,
        item.at, work.traceparent, ring.seal(told, item.id.bytes).encode(), _reason(failed),
    )  # fmt: skip


def _reason(failed: Failed) -> str:
    if failed.error is None:
        return BEHIND
    return brief(failed.error)[:REASON_MAX_CHARS]


async def bury(db: asyncpg.Connection, ring: KeyRing, dead: Sequence[DeadLetter]) -> None:
    """Keep what is nobody's input; its body sealed, since nobody knows what is in it."""
    rows = [
        (d.topic, d.partition, d.offset, d.key.replace("\0", "�"), d.type, d.reason,
         ring.seal(d.value, f"{d.topic}|{d.partition}|{d.offset}".encode()))
        for d in dead
    ]  # fmt: skip
    await db.execute(_BURY, *zip(*rows, strict=True))


async def requested(
    db: asyncpg.Connection, ring: KeyRing, intake: Intake, partitions: Sequence[int]
) -> list[Work]:
    """Everything parked for the aggregates that a person wants to go on, in order."""
    rows = await db.fetch(_REQUESTED, partitions, BEHIND, REDRIVE_ROWS_MAX)
    return [_work(row, ring.open(row["body"].decode()), intake) for row in rows]


def _work(row: asyncpg.Record, told: bytes, intake: Intake) -> Work:
    name, stranger = row["type"], intake.is_stranger(row["topic"])
    body: Any
    if row["source"] == "outcome":
        body = msgspec.json.decode(told, type=_OUTCOMES[name])
    elif row["source"] == "wake":
        body = None
    elif stranger:
        body = intake.prepared(name, told, row["topic"], row["id"])
    else:
        body = intake.body(name, told)
    item = Input(
        row["id"], row["input_key"], body, row["happened_at"], row["partition"], row["topic"],
        row["requested_by"] or "",
    )  # fmt: skip
    ref = (row["kind"], row["key"])
    return Work(
        item, Source.REDRIVE, ref, name, row["traceparent"], told, stranger, row["position"],
        asked_at=row["requested_at"],
    )  # fmt: skip


async def ask_retry(
    db: asyncpg.Connection, position: int, actor: str, sealed: bytes | None = None
) -> bool:
    """Have a parked input run again, with another body if one is given.

    A parked wake-up is simply let go: it fires again by itself. False if nothing is parked there.
    """
    if await db.fetchval(_ASK, position, actor, sealed) is not None:
        return True
    return await db.fetchval(_LET_GO, position) is not None


async def skip(db: asyncpg.Connection, position: int, actor: str, at: datetime) -> bool:
    """Take a parked input out of the way; it is kept as a dead letter that names who did it."""
    async with db.transaction():
        row = await db.fetchrow(_FORGET, position)
        if row is None:
            return False
        reason = f"skipped by {actor} at {at.isoformat()}; was parked: {row['reason']}"
        await db.execute(
            _BURY, ["parked"], [row["partition"]], [position], [row["input_key"]], [row["type"]],
            [reason[:REASON_MAX_CHARS]], [row["body"].decode()],
        )  # fmt: skip
    return True
