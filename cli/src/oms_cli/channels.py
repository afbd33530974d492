"""Speaking as a sales channel does: records on the channel's own topic."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import TracebackType
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from oms_cli.stack import System
from oms_contracts import wire
from oms_contracts.event import Event


class Channels:
    """A producer for all channels; an async context manager that leaves nothing unsent."""

    def __init__(self, system: System) -> None:
        self._tenant = system.tenant
        self._producer = AIOKafkaProducer(
            bootstrap_servers=system.bootstrap, acks="all", enable_idempotence=True
        )
        self._sent: list[asyncio.Future[object]] = []

    async def __aenter__(self) -> Channels:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self._producer.stop()

    async def tell(self, channel: str, event: Event, key: str) -> None:
        """Send an event."""
        await self.send(channel, event.TYPE, key, wire.encode(event))

    async def send(self, channel: str, type_: str, key: str, value: bytes) -> None:
        """Send a body, whatever it is. Records of one key arrive in the order they were sent."""
        headers = wire.headers_of(
            uuid4(), type_, f"/shops/{channel}", datetime.now(UTC), 1, None, self._tenant, None
        )
        topic = f"oms.channel.{channel}.v1"
        sent = await self._producer.send(topic, value, key.encode(), headers=headers)
        self._sent.append(sent)

    async def flush(self) -> None:
        """Return once the broker has everything; raises KafkaError if it refused something."""
        sent, self._sent = self._sent, []
        await asyncio.gather(*sent)
