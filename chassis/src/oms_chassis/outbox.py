"""The outbox: facts to publish and calls to make, committed with the state they follow from.

What one cycle publishes to one partition number is one row, compressed: the row is deleted once
all of it is acknowledged, and until then whoever takes over publishes all of it again. Row ids
come from one sequence without cache and are drawn while the roots are locked, so for each key
the order of ids is the order of commits.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from oms_chassis.fold import Called, Emitted, Outcome
from oms_chassis.store import partition_of
from oms_chassis.telemetry import Tracer
from oms_chassis.work import Bundle, CallRow, FactRow, Work
from oms_contracts import wire

_CALL = "call_id, gateway, partition, kind, key, method, cause, traceparent, body"
_WRITE = f"""
WITH bundles AS (
  INSERT INTO outbox (partition, facts, body, writer)
  SELECT u.*, $4 FROM unnest($1::smallint[], $2::integer[], $3::bytea[]) u RETURNING id),
calls AS (
  INSERT INTO open_call ({_CALL}, writer)
  SELECT u.*, $4 FROM unnest($5::uuid[], $6::text[], $7::smallint[], $8::text[], $9::text[],
    $10::text[], $11::uuid[], $12::text[], $13::bytea[]) u RETURNING id),
others AS MATERIALIZED (
  SELECT partition FROM outbox WHERE id > $14 AND id < $14 + {10**12} AND writer <> $4
  UNION SELECT partition FROM outbox WHERE id = ANY($15::bigint[]))
SELECT ARRAY(SELECT id FROM bundles) AS bundles, ARRAY(SELECT id FROM calls) AS calls,
       ARRAY(SELECT partition FROM others) AS foreign_partitions,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest_running,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_transaction
"""
_READ = """
WITH first AS (SELECT id, partition, facts, sum(facts) OVER (ORDER BY id) - facts AS before
  FROM outbox WHERE partition = ANY($1::smallint[]) ORDER BY id LIMIT $2)
SELECT o.id, o.partition, o.body FROM first JOIN outbox o USING (id)
WHERE before < $2 ORDER BY o.id
"""
_READ_CALLS = f"""
SELECT id, {_CALL} FROM open_call WHERE partition = ANY($1::smallint[]) ORDER BY id LIMIT $2
"""
READ_MAX = 10_000
"""Most facts, and most calls, taken from the tables in one look, up to the end of a bundle; the
rest is seen at the next."""
COMPRESSED_FROM_BYTES = 512
"""Shorter bundles gain little by being compressed."""
_LEVEL = 1
_ZLIB = 0x78
"""What a compressed body begins with; others begin with a bracket."""
_NO_CALLS: tuple[tuple[Any, ...], ...] = ((),) * 9


class Writer:
    """Writes what a fold produced. `name` tells this process from others that share the table.

    Whether others wrote is seen by the numbers: ids are drawn from one sequence, so an id
    between ours that is not ours is somebody else's, or was rolled back. Such ids are looked for
    until every transaction that may have drawn them has ended. The table itself is never
    searched: most of it are rows that were deleted a moment ago.
    """

    def __init__(self, name: str, partitions: int, tracer: Tracer) -> None:
        self.name = name
        self._partitions = partitions
        self._tracer = tracer
        self._last_id = 0
        self._missing: list[tuple[int, list[int]]] = []
        """Ids not seen, with the first transaction that began after they were drawn."""

    async def write(
        self, db: asyncpg.Connection, out: Outcome, by_id: Mapping[UUID, Work], started_ns: int
    ) -> tuple[list[Bundle], list[CallRow], set[int]]:  # fmt: skip
        """Insert facts and calls; returns them with their ids, and where others wrote as well.

        A partition that another process wrote too must be read from the table, not fed from
        memory: its row may be the older one.
        """
        traces = self._trace(out, by_id, started_ns)
        facts = self._by_partition(out.facts, traces)
        calls = [_call(c, traces[c.cause.id]) for c in out.effects]
        if not facts and not calls:
            return [], [], set()
        missing = [i for _, ids in self._missing for i in ids]
        written = await db.fetchrow(
            _WRITE, list(facts), [len(some) for some in facts.values()],
            [pack(some) for some in facts.values()], self.name,
            *(zip(*calls, strict=True) if calls else _NO_CALLS), self._last_id, missing,
        )  # fmt: skip
        self._remember(written)
        return (
            [Bundle(i, *some) for i, some in zip(written["bundles"], facts.items(), strict=True)],
            [CallRow(i, *row) for i, row in zip(written["calls"], calls, strict=True)],
            set(written["foreign_partitions"]),
        )

    def _remember(self, written: asyncpg.Record) -> None:
        ended = written["oldest_running"]
        self._missing = [(begun, ids) for begun, ids in self._missing if begun > ended]
        ours = set(written["bundles"])
        if not ours:
            return
        first = self._last_id + 1 if self._last_id else min(ours)
        self._last_id = max(ours)
        if skipped := [i for i in range(first, self._last_id) if i not in ours]:
            self._missing.append((written["next_transaction"], skipped))

    def _trace(self, out: Outcome, by_id: Mapping[UUID, Work], started_ns: int) -> dict[UUID, str]:
        """One span per input that was decided; what it caused hangs below it."""
        ended_ns = time.time_ns()
        traces: dict[UUID, str] = {}
        for item, decision in out.decisions:
            work = by_id[item.id]
            traces[item.id] = self._tracer.span(
                work.type, work.traceparent, started_ns, ended_ns,
                {"oms.key": item.key, "oms.input": str(item.id), "oms.verdict": decision.verdict},
            )  # fmt: skip
        return traces

    def _by_partition(
        self, facts: Sequence[Emitted], traces: Mapping[UUID, str]
    ) -> dict[int, list[FactRow]]:
        found: dict[int, list[FactRow]] = {}
        for fact in facts:
            where = fact.partition
            if where is None:
                where = partition_of(fact.key, self._partitions)
            row = FactRow(
                fact.id, fact.topic, fact.key, fact.body.TYPE, fact.at, fact.sequence,
                fact.cause.id, traces[fact.cause.id], msgspec.Raw(wire.encode(fact.body)),
            )  # fmt: skip
            found.setdefault(where, []).append(row)
        return found


def _call(call: Called, traceparent: str) -> tuple[Any, ...]:
    kind, key = call.ref
    return (
        call.id, call.effect.gateway, call.partition, kind, key, call.effect.method,
        call.cause.id, traceparent, msgspec.json.encode(call.effect.body),
    )  # fmt: skip


def pack(facts: Sequence[FactRow]) -> bytes:
    """Facts as the body of a row: a JSON array of arrays, deflated where that pays."""
    told = msgspec.json.encode(facts)
    return zlib.compress(told, _LEVEL) if len(told) >= COMPRESSED_FROM_BYTES else told


_decoder = msgspec.json.Decoder(list[FactRow])


def unpack(body: bytes) -> list[FactRow]:
    """The facts of a row, in order."""
    return _decoder.decode(zlib.decompress(body) if body[0] == _ZLIB else body)


async def read(
    db: asyncpg.Connection, partitions: Sequence[int]
) -> tuple[list[Bundle], list[CallRow], bool]:
    """What is still to be sent and to be called for `partitions`, oldest first, and whether that
    is all.
    """
    rows = await db.fetch(_READ, partitions, READ_MAX)
    bundles = [Bundle(row["id"], row["partition"], unpack(row["body"])) for row in rows]
    calls = [CallRow(**row) for row in await db.fetch(_READ_CALLS, partitions, READ_MAX)]
    whole = sum(len(b.facts) for b in bundles) < READ_MAX and len(calls) < READ_MAX
    return bundles, calls, whole
