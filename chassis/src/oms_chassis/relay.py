"""Publishing what the outbox holds: per topic partition in order, one record batch in flight.

Takeover may repeat records and never reorders first occurrences; inboxes absorb the copies.
Never one `send` per record: a failed batch at the head would be overtaken by its successor.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from oms_chassis.crashpoints import reach
from oms_chassis.metrics import Metrics
from oms_chassis.work import OutRow
from oms_contracts import wire

SEND_AGAIN_SECONDS = 0.5
"""Pause before a batch that failed is sent again; polling and cycles go on meanwhile."""
BATCH_MAX_BYTES = 512 * 1024
"""Half of Kafka's default limit for a record batch, twice the largest legal record."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Shard:
    topic: str
    partition: int
    rows: deque[OutRow] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Relay:
    """Sends facts in the order of their outbox rows; tells `sent` which rows are acknowledged."""

    def __init__(
        self, producer: AIOKafkaProducer, source: str, tenant: str, rows_max: int,
        sent: Callable[[list[int]], None], metrics: Metrics,
    ) -> None:  # fmt: skip
        self._producer = producer
        self._source = source
        self._tenant = tenant
        self._rows_max = rows_max
        self._sent = sent
        self._metrics = metrics
        self._shards: dict[tuple[str, int], _Shard] = {}

    def feed(self, rows: Iterable[OutRow]) -> None:
        """Queue rows, in order."""
        for row in rows:
            place = (row.destination, row.partition)
            shard = self._shards.get(place)
            if shard is None:
                shard = self._shards[place] = _Shard(*place)
            shard.rows.append(row)
            if shard.task is None or shard.task.done():
                shard.task = asyncio.create_task(self._drain(shard), name=f"relay {place}")

    async def give_up(self, partitions: Collection[int]) -> list[int]:
        """Let the batches in flight for `partitions` land; returns the ids of what is unsent."""
        mine = [s for s in self._shards.values() if s.partition in partitions]
        unsent = [row.id for s in mine for row in s.rows]
        for shard in mine:
            shard.rows.clear()
        waiting = [s.task for s in mine if s.task is not None and not s.task.done()]
        if waiting:
            await asyncio.wait(waiting)
        return unsent + [row.id for s in mine for row in s.rows]

    async def _drain(self, shard: _Shard) -> None:
        while shard.rows:
            taken, batch = self._pack(shard)
            sent_at = time.monotonic()
            try:
                ack = await self._producer.send_batch(batch, shard.topic, partition=shard.partition)
                await ack
            except Exception as error:  # whatever it is, the rows are still in the table
                log.warning("publish failed", extra={"topic": shard.topic, "error": str(error)})
                shard.rows.extendleft(reversed(taken))
                await asyncio.sleep(SEND_AGAIN_SECONDS)
                continue
            reach("after_send")
            self._metrics.relay_ack_seconds.observe(time.monotonic() - sent_at)
            self._metrics.published.inc(len(taken))
            self._sent([row.id for row in taken])

    def _pack(self, shard: _Shard) -> tuple[list[OutRow], object]:
        batch = self._producer.create_batch()
        taken: list[OutRow] = []
        while shard.rows and len(taken) < self._rows_max:
            row = shard.rows[0]
            headers = wire.headers_of(
                row.fact_id, row.type, self._source, row.at, row.sequence, row.cause,
                self._tenant, row.traceparent or None,
            )  # fmt: skip
            if (
                batch.append(key=row.key.encode(), value=row.body, timestamp=None, headers=headers)
                is None
            ):
                break
            taken.append(shard.rows.popleft())
        batch.close()
        return taken, batch
