"""Reading from Kafka: one FastStream batch subscriber, and every option that could lose an order.

FastStream polls and hands over; offsets, pausing and rewinding are ours. The handler never
raises: FastStream would log it and go on, and the next commit would skip the batch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from oms_chassis.crashpoints import reach
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.reader import Reader
from oms_chassis.settings import Settings
from oms_chassis.topics import missing
from oms_chassis.work import Batch

PROBE_SECONDS = 0.5
"""Pause between looks at a broker that is not there, or lacks a topic."""
COMMIT_TIMEOUT_SECONDS = 5.0
"""A commit blocks while the broker is away; giving up is safe, the inbox absorbs repeats."""
LAG_PAUSES_STRANGERS = 4
"""So many full batches of unread answers, and no new orders are read until they are worked off."""
IDLE_SECONDS = 1.0
"""So long after the last batch, whatever was fetched has been handed over."""

log = logging.getLogger(__name__)


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """This process' membership in its service's consumer group.

    `deliver` takes a decoded batch and returns once there is room for another; `gained` and
    `lost` are told the partitions owned from now on, and those to be given up at once.
    """

    def __init__(
        self, settings: Settings, intake: Intake, metrics: Metrics,
        deliver: Callable[[Batch], Awaitable[None]],
        gained: Callable[[frozenset[int]], Awaitable[None]],
        lost: Callable[[frozenset[int]], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._intake = intake
        self._metrics = metrics
        self._deliver = deliver
        self._gained = gained
        self._lost = lost
        self._paused = False
        self._strangers_paused = False
        self._reading = False
        self._committed: dict[TopicPartition, int] = {}
        self._delivered_at = time.monotonic()
        self.done: dict[TopicPartition, int] = {}
        self.owned: frozenset[int] = frozenset()
        self.problem = "not connected to the broker yet"
        self._broker = KafkaBroker(
            settings.kafka_bootstrap.split(","), client_id=f"{settings.service}-{settings.slot}",
            graceful_timeout=None, logger=None, allow_auto_create_topics=False,
        )  # fmt: skip
        self._subscriber = self._broker.subscriber(
            pattern=intake.pattern,
            batch=True,
            max_records=settings.max_records,
            batch_timeout_ms=settings.poll_ms,
            group_id=f"oms-{settings.service}",
            group_instance_id=f"{settings.service}-{settings.slot}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            partition_assignment_strategy=(RangePartitionAssignor,),
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            fetch_min_bytes=settings.fetch_min_bytes,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 4,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            listener=self,
            parser=_unread,
            decoder=_raw,
        )
        self._subscriber(self._take)

    @property
    def _kafka(self) -> AIOKafkaConsumer:
        return self._subscriber.consumer

    async def probe(self, topics: Sequence[str], partitions: int) -> None:
        """Return once the broker is there with every one of `topics`. Never gives up."""
        while self.problem:
            self.problem = await missing(self._settings.kafka_bootstrap, topics, partitions)
            if self.problem:
                await asyncio.sleep(PROBE_SECONDS)

    async def join(self) -> None:
        """Join the service's group and start reading."""
        self.problem = "joining the consumer group"
        builder = await self._broker.connect()
        assert isinstance(builder, partial)
        self._broker.config.broker_config.builder = partial(Reader, **builder.keywords)
        await self._broker.start()
        self._reading = True

    async def _take(self, records: Any, message: KafkaMessage) -> None:
        try:
            self._delivered_at = time.monotonic()
            wanted = [r for r in records if r.partition in self.owned and not self._paused]
            if wanted:
                await self._deliver(self._intake.batch(wanted))
        except Exception:  # nothing may leave the handler: see above
            log.exception("batch not taken; reading it again")
            self.rewind({TopicPartition(r.topic, r.partition): r.offset for r in reversed(records)})
            self.resume()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start where this group left off."""
        self._paused = self._strangers_paused = False
        self.done = {tp: await self._kafka.position(tp) for tp in assigned}
        self._committed = dict(self.done)
        owner = self._intake.topics[0]
        self.owned = frozenset(tp.partition for tp in assigned if tp.topic == owner)
        await self._gained(self.owned)
        self.problem = ""

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish what is under way, say how far we came, let go."""
        owned, self.owned = self.owned, frozenset()
        try:
            async with asyncio.timeout(self._settings.revoke_timeout_seconds):
                await self._lost(owned)
                reach("in_revoke")
        except TimeoutError:
            log.error("partitions given up with work in flight; it will be repeated")
        await self.commit()

    def pause(self) -> None:
        """Read nothing more, but stay in the group; what was handed over meanwhile is dropped."""
        self._paused = True
        self._kafka.pause(*self._kafka.assignment())

    def rewind(self, first: Mapping[TopicPartition, int]) -> None:
        """Read again from the first offset that was not processed."""
        self.pause()
        for place in self._kafka.assignment():
            if place in first or place in self.done:
                self._kafka.seek(
                    place,
                    min(first.get(place, self.done.get(place, 0)), self.done.get(place, 2**62)),
                )

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        self._kafka.resume(*self._kafka.assignment())

    async def commit(self) -> None:
        """Tell the broker how far we are; never raises."""
        news = {tp: n for tp, n in self.done.items() if self._committed.get(tp) != n}
        if not news:
            return
        reach("before_offsets")
        try:
            await asyncio.wait_for(self._kafka.commit(news), COMMIT_TIMEOUT_SECONDS)
            reach("after_offsets")
            self._committed.update(news)
        except Exception as error:  # a rebalance, an outage: the inbox makes repeats harmless
            self._metrics.commit_failures.inc()
            log.warning(
                "offsets not committed", extra={"error": f"{type(error).__name__}: {error}"}
            )

    async def commit_regularly(self) -> None:
        """Commit at most every `offset_commit_ms`, and hold back strangers while we lag."""
        while True:
            await asyncio.sleep(self._settings.offset_commit_ms / 1000)
            if self.owned:
                await self.commit()
                self._finish_before_accepting()

    def lag(self) -> dict[TopicPartition, int]:
        """Records that lie in the log and are not processed, per partition."""
        if not self._reading:
            return {}
        return {tp: max((self._kafka.highwater(tp) or 0) - n, 0) for tp, n in self.done.items()}

    @property
    def quiet_seconds(self) -> float:
        """How long ago the last batch was handed over."""
        return time.monotonic() - self._delivered_at

    def _finish_before_accepting(self) -> None:
        lag = self.lag()
        self._metrics.lag(lag)
        strangers = [tp for tp in lag if self._intake.is_stranger(tp.topic)]
        ours = sum(n for tp, n in lag.items() if not self._intake.is_stranger(tp.topic))
        behind = ours > LAG_PAUSES_STRANGERS * self._settings.max_records
        if strangers and behind != self._strangers_paused and not self._paused:
            self._strangers_paused = behind
            (self._kafka.pause if behind else self._kafka.resume)(*strangers)

    async def ends(self, partitions: Collection[int]) -> dict[TopicPartition, int]:
        """Where the log of `partitions` ends at this moment, on every topic we read."""
        places = [tp for tp in self.done if tp.partition in partitions]
        return dict(await self._kafka.end_offsets(places))

    async def behind(self, ends: Mapping[TopicPartition, int]) -> frozenset[int]:
        """Partitions on which something said before `ends` is not processed yet.

        Until then silence proves nothing: the answer may be waiting in the log. (What retention
        has removed is never processed; an idle reader that stands at the end has passed it.)
        """
        idle = self.quiet_seconds > IDLE_SECONDS
        return frozenset(
            [
                tp.partition for tp, end in ends.items()
                if self.done.get(tp, 0) < end
                and not (idle and tp in self.done and await self._kafka.position(tp) >= end)
            ]
        )  # fmt: skip

    def stop_reading(self) -> None:
        """Take nothing more from Kafka."""
        if self._reading:
            self.pause()

    async def stop(self) -> None:
        """Leave. (A static member keeps its partitions until its session runs out.)"""
        await self._broker.stop()


async def _unread(records: Any) -> KafkaMessage:
    """A batch of which nothing was read yet.

    FastStream itself would decode every header, lose the batch over one that is no text, and
    publish a reply to whatever topic a stranger names in `reply_to`.
    """
    return KafkaMessage(records, body=None, consumer=FAKE_CONSUMER)


async def _raw(message: KafkaMessage) -> Any:
    """The records as they came: they are decoded by `Intake`, one by one."""
    return message.raw_message
