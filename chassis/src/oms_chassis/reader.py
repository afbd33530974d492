"""A Kafka consumer that nobody's bytes can stop.

The name of a header may be any bytes to a broker. aiokafka takes it for UTF-8 and fails if it is
not, with the whole fetch: what it held of other partitions is lost, and the next one fails again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError

STEP_MS = 500
"""How long a single record may take to arrive that is known to be there."""

log = logging.getLogger(__name__)


class Reader(AIOKafkaConsumer):  # type: ignore[misc]
    """Gives a record that cannot be read without key, value and headers: its place alone.

    So do those behind it in the same batch of their producer: they are read together.
    """

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """The next records; in the worst case one by one."""
        try:
            before = {place: await self.position(place) for place in self.assignment()}
            try:
                found: dict[TopicPartition, list[ConsumerRecord]] = await super().getmany(
                    *partitions, timeout_ms=timeout_ms, max_records=max_records
                )
            except UnicodeDecodeError:
                found = await self._step_over(before, max_records or 1)
        except IllegalStateError:  # partitions change hands: their next owner reads from the start
            return {}
        return found

    async def _step_over(
        self, before: Mapping[TopicPartition, int], records_max: int
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Read again what the failed fetch held, record by record."""
        for place, offset in before.items():
            self.seek(place, offset)
        found = {
            place: await self._read_singly(place, offset, records_max)
            for place, offset in before.items()
            if (self.highwater(place) or 0) > offset
        }
        return {place: records for place, records in found.items() if records}

    async def _read_singly(
        self, place: TopicPartition, offset: int, records_max: int
    ) -> list[ConsumerRecord]:
        records: list[ConsumerRecord] = []
        while offset < (self.highwater(place) or 0) and len(records) < records_max:
            try:
                got = await super().getmany(place, timeout_ms=STEP_MS, max_records=1)
            except UnicodeDecodeError:
                log.warning("unreadable record", extra={"place": str(place), "offset": offset})
                records.append(_unreadable(place, offset))
                self.seek(place, offset + 1)
            else:
                if not got:  # paused, or the broker is away: there is a next time
                    break
                records += got[place]
            offset = await self.position(place)
        return records


def _unreadable(place: TopicPartition, offset: int) -> ConsumerRecord:
    nothing: dict[str, Any] = {"key": None, "value": None, "headers": (), "checksum": None}
    return ConsumerRecord(
        topic=place.topic, partition=place.partition, offset=offset, timestamp=0,
        timestamp_type=0, serialized_key_size=-1, serialized_value_size=-1, **nothing,
    )  # fmt: skip
