"""One process of the floor: writes what its service would write, and reads what it would read.

It tells `ready` when all is prepared, waits for the word, works, and tells what it did.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from bench.floor.rows import Table, table
from bench.floor.shape import Share
from oms_chassis.outbox import pack
from oms_chassis.work import FactRow

SAMPLE_RECORDS = 300
PAUSE_SECONDS = 0.005
FETCH_MIN_BYTES, FETCH_MAX_WAIT_MS = 100_000, 200
BATCH_BYTES = 512 * 1024


class Job(msgspec.Struct, frozen=True):
    """What a process has to do."""

    name: str
    share: Share
    dsn: str
    bootstrap: str
    prefix: str
    """Topics of the floor are named like the real ones behind it."""
    partitions: int
    orders: int
    batch: int
    """Inputs in a transaction."""


@dataclass
class Writer:
    """A job under way."""

    job: Job
    db: asyncpg.Connection | None
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer | None
    tables: list[Table] = field(default_factory=list)
    samples: dict[str, list[ConsumerRecord]] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    transactions: int = 0
    rows: int = 0

    async def prepare(self) -> None:
        """Take samples and make all rows."""
        for topic in self.job.share.publishes:
            self.samples[topic] = await sample(self.job.bootstrap, topic)
        if self.db is None:
            return
        outbox = self._bundles()
        for name, per_order in self.job.share.tables.items():
            made = await table(self.db, name, per_order, outbox if name == "outbox" else ())
            made.make(self.job.orders)
            self.tables.append(made)

    async def run(self) -> None:
        """All transactions, each followed by its records."""
        reading = asyncio.create_task(self._read())
        sending: asyncio.Task[None] | None = None
        steps = max(round(self.job.orders * self.job.share.inputs / self.job.batch), 1)
        for step in range(1, steps + 1):
            orders = self.job.orders * step / steps
            await self._wait_for(orders)
            if self.db is not None:
                async with self.db.transaction():
                    for one in self.tables:
                        self.rows += await one.write(self.db, orders)
                self.transactions += 1
            if sending is not None:
                await sending  # one round in flight, while the next transaction is written
            sending = asyncio.create_task(self._send(orders))
        if sending is not None:
            await sending
        reading.cancel()

    def _bundles(self) -> list[dict[str, Any]]:
        """Rows of the outbox: as many facts in each as they held in the run, on average."""
        share = self.job.share
        rows = share.tables["outbox"].insert if "outbox" in share.tables else 0.0
        size = max(round(sum(share.publishes.values()) / rows), 1) if rows else 1
        records = [r for some in self.samples.values() for r in some]
        mixed = sorted(records, key=lambda r: (r.offset, r.topic, r.partition))
        return [_bundle(mixed[n : n + size]) for n in range(0, len(mixed), size)]

    async def _wait_for(self, orders: float) -> None:
        """Until what this service would hear has been said."""
        for topic, per_order in self.job.share.paced_by.items():
            wanted = int((orders - self.job.batch) * per_order) - 1
            while self.heard.get(topic, 0) < wanted:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self, orders: float) -> None:
        acks = []
        for topic, per_order in self.job.share.publishes.items():
            upto, begin = int(orders * per_order), self.sent.get(topic, 0)
            self.sent[topic] = upto
            records = self.samples[topic]
            for partition in range(self.job.partitions):
                chosen = range(begin + partition, upto, self.job.partitions)
                some = [records[n % len(records)] for n in chosen]
                acks += await self._batches(topic, partition, some)
        await asyncio.gather(*acks)

    async def _batches(
        self, topic: str, partition: int, records: Sequence[ConsumerRecord]
    ) -> list[asyncio.Future[Any]]:
        acks, left = [], list(records)
        while left:
            batch = self.producer.create_batch()
            taken = 0
            for r in left:
                placed = batch.append(
                    key=r.key, value=r.value, timestamp=None, headers=[*r.headers]
                )
                if placed is None:
                    break
                taken += 1
            batch.close()
            left = left[taken:]
            name = self.job.prefix + topic
            acks.append(await self.producer.send_batch(batch, name, partition=partition))
        return acks

    async def _read(self) -> None:
        if self.consumer is None:
            return
        while True:
            for place, records in (await self.consumer.getmany(timeout_ms=200)).items():
                topic = place.topic.removeprefix(self.job.prefix)
                self.heard[topic] = self.heard.get(topic, 0) + len(records)


async def sample(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Some real records of a topic."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[ConsumerRecord] = []
        while len(found) < SAMPLE_RECORDS:
            got = await consumer.getmany(timeout_ms=500, max_records=SAMPLE_RECORDS)
            if not got:
                break
            found += [r for records in got.values() for r in records]
        return found
    finally:
        await consumer.stop()


def _bundle(records: Sequence[ConsumerRecord]) -> dict[str, Any]:
    """Published records as the row they were; by name, since columns come and go."""
    facts = [_fact(r) for r in records]
    return {
        "partition": records[0].partition, "facts": len(facts), "body": pack(facts),
        "at": facts[0].at, "writer": "service-0-0000",
    }  # fmt: skip


def _fact(r: ConsumerRecord) -> FactRow:
    headers = {name: value.decode() for name, value in r.headers}
    return FactRow(
        UUID(headers["ce_id"]), r.topic, r.key.decode(), headers["ce_type"],
        datetime.fromisoformat(headers["ce_time"]), int(headers["ce_sequence"]),
        UUID(headers["ce_causationid"]), "", msgspec.Raw(r.value),
    )  # fmt: skip


async def work(job: Job) -> dict[str, float]:
    """Prepare, wait for the word, run."""
    db = await asyncpg.connect(job.dsn) if job.dsn else None
    if db is not None:
        await db.execute("SET session_replication_role = replica")  # no triggers
    producer = AIOKafkaProducer(
        bootstrap_servers=job.bootstrap, acks="all", enable_idempotence=True,
        max_batch_size=BATCH_BYTES, compression_type="lz4",
    )  # fmt: skip
    consumer = None
    if job.share.reads:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=job.bootstrap, enable_auto_commit=False,
            fetch_min_bytes=FETCH_MIN_BYTES, fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
        )  # fmt: skip
        await consumer.start()
        places = [
            TopicPartition(job.prefix + topic, n)
            for topic in job.share.reads for n in range(job.partitions)
        ]  # fmt: skip
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
    await producer.start()
    writer = Writer(job, db, producer, consumer)
    try:
        await writer.prepare()
        print(json.dumps("ready"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began, used = time.monotonic(), time.process_time()
        await writer.run()
        return {
            "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - used,
            "transactions": writer.transactions, "rows": writer.rows,
            "records": sum(writer.sent.values()), "heard": sum(writer.heard.values()),
        }  # fmt: skip
    finally:
        await producer.stop()
        if consumer is not None:
            await consumer.stop()
        if db is not None:
            await db.close()


def main() -> None:
    """Take the job from the first line of standard input."""
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    print(json.dumps(asyncio.run(work(job))), flush=True)


if __name__ == "__main__":
    main()
