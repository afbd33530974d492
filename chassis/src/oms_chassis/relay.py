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
from oms_chassis.work import Bundle, FactRow
from oms_contracts import wire

SEND_AGAIN_SECONDS = 0.5
"""Pause before a batch that failed is sent again; polling and cycles go on meanwhile."""
BATCH_MAX_BYTES = 512 * 1024
"""Half of Kafka's default limit for a record batch, twice the largest legal record."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Sending:
    """A bundle on its way: how many of its facts are not acknowledged, and whether one is sent."""

    id: int
    left: int
    begun: bool = False


@dataclass(slots=True)
class _Shard:
    topic: str
    partition: int
    rows: deque[tuple[_Sending, FactRow]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Relay:
    """Sends facts in the order of the outbox; tells `sent` which of its rows are acknowledged."""

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

    def feed(self, bundles: Iterable[Bundle]) -> None:
        """Queue what they hold, in order."""
        for bundle in bundles:
            sending = _Sending(bundle.id, len(bundle.facts))
            for fact in bundle.facts:
                self._queue((fact.topic, bundle.partition), sending, fact)

    def _queue(self, place: tuple[str, int], sending: _Sending, fact: FactRow) -> None:
        shard = self._shards.get(place)
        if shard is None:
            shard = self._shards[place] = _Shard(*place)
        shard.rows.append((sending, fact))
        if shard.task is None or shard.task.done():
            shard.task = asyncio.create_task(self._drain(shard), name=f"relay {place}")

    async def give_up(self, partitions: Collection[int]) -> list[int]:
        """Stop sending for `partitions`; returns the ids of bundles of which nothing is sent.

        Bundles of which a part is sent are sent to their end, so that nothing is repeated, and
        those before them as well, so that nothing is overtaken.
        """
        mine = [s for s in self._shards.values() if s.partition in partitions]
        last = max((row.id for s in mine for row, _ in s.rows if row.begun), default=0)
        unsent = {row.id for s in mine for row, _ in s.rows if row.id > last}
        for shard in mine:
            shard.rows = deque(row for row in shard.rows if row[0].id <= last)
        waiting = [s.task for s in mine if s.task is not None and not s.task.done()]
        if waiting:
            await asyncio.wait(waiting)
        return [*unsent, *{row.id for s in mine for row, _ in s.rows}]

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
            for sending, _ in taken:
                sending.left -= 1
            if through := [s.id for s in dict.fromkeys(s for s, _ in taken) if not s.left]:
                self._sent(through)

    def _pack(self, shard: _Shard) -> tuple[list[tuple[_Sending, FactRow]], object]:
        batch = self._producer.create_batch()
        taken: list[tuple[_Sending, FactRow]] = []
        while shard.rows and len(taken) < self._rows_max:
            sending, fact = shard.rows[0]
            headers = wire.headers_of(
                fact.id, fact.type, self._source, fact.at, fact.sequence, fact.cause,
                self._tenant, fact.traceparent or None,
            )  # fmt: skip
            key, value = fact.key.encode(), bytes(fact.body)
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                break
            sending.begun = True
            taken.append(shard.rows.popleft())
        batch.close()
        return taken, batch
