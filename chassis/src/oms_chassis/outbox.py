"""The outbox: facts to publish and calls to make, committed with the state they follow from.

Row ids come from one sequence without cache and are drawn while the roots are locked, so for
each key the order of ids is the order of commits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from oms_chassis.decision import Ref
from oms_chassis.fold import Called, Emitted, Held, Outcome
from oms_chassis.store import partition_of
from oms_chassis.telemetry import Tracer
from oms_chassis.work import GATEWAY, OutRow, Work
from oms_contracts import wire

_COLUMNS = (
    "fact_id, destination, partition, kind, key, type, at, sequence, cause, traceparent, body"
)
_WRITE = f"""
WITH new AS (
  INSERT INTO outbox ({_COLUMNS}, writer)
  SELECT u.*, $12 FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::text[],
    $6::text[], $7::timestamptz[], $8::bigint[], $9::uuid[], $10::text[], $11::bytea[]) u
  RETURNING id),
others AS MATERIALIZED (
  SELECT partition FROM outbox WHERE id > $13 AND id < $13 + {10**12} AND writer <> $12
  UNION SELECT partition FROM outbox WHERE id = ANY($14::bigint[]))
SELECT ARRAY(SELECT id FROM new) AS ids, ARRAY(SELECT partition FROM others) AS foreign_partitions,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest_running,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_transaction
"""
_READ = f"""
SELECT id, {_COLUMNS} FROM outbox WHERE partition = ANY($1::smallint[]) ORDER BY id LIMIT $2
"""
READ_ROWS_MAX = 10_000
"""Most rows taken from the table in one look; the rest is seen at the next."""


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
        self, db: asyncpg.Connection, out: Outcome, by_id: Mapping[UUID, Work],
        held: Mapping[Ref, Held], started_ns: int,
    ) -> tuple[list[OutRow], set[int]]:  # fmt: skip
        """Insert facts and calls; returns them with their ids, and where others wrote as well.

        A partition that another process wrote too must be read from the table, not fed from
        memory: its row may be the older one.
        """
        traces = self._trace(out, by_id, started_ns)
        rows = [self._fact(f, traces[f.cause.id]) for f in out.facts]
        rows += [_call(c, traces[c.cause.id]) for c in out.effects]
        if not rows:
            return [], set()
        missing = [i for _, ids in self._missing for i in ids]
        columns = zip(*rows, strict=True)
        written = await db.fetchrow(_WRITE, *columns, self.name, self._last_id, missing)
        self._remember(written)
        return (
            [OutRow(i, *row) for i, row in zip(written["ids"], rows, strict=True)],
            set(written["foreign_partitions"]),
        )

    def _remember(self, written: asyncpg.Record) -> None:
        ended = written["oldest_running"]
        self._missing = [(begun, ids) for begun, ids in self._missing if begun > ended]
        ours = set(written["ids"])
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

    def _fact(self, fact: Emitted, traceparent: str) -> tuple[Any, ...]:
        where = fact.partition
        if where is None:
            where = partition_of(fact.key, self._partitions)
        body = wire.encode(fact.body)
        return (
            fact.id, fact.topic, where, "", fact.key, fact.body.TYPE, fact.at,
            fact.sequence, fact.cause.id, traceparent, body,
        )  # fmt: skip


def _call(call: Called, traceparent: str) -> tuple[Any, ...]:
    kind, key = call.ref
    return (
        call.id, GATEWAY + call.effect.gateway, call.partition, kind, key, call.effect.method,
        call.at, 0, call.cause.id, traceparent, msgspec.json.encode(call.effect.body),
    )  # fmt: skip


async def read(db: asyncpg.Connection, partitions: Sequence[int]) -> list[OutRow]:
    """What is still to be sent or done for `partitions`, oldest first."""
    return [OutRow(**row) for row in await db.fetch(_READ, partitions, READ_ROWS_MAX)]
