"""Patience with a system that is being broken: doors and channels that try again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from oms_cli.channels import Channels
from oms_cli.doors import Doors, Refused
from oms_cli.stack import System
from oms_contracts import wire
from oms_contracts.event import Event

POLL_SECONDS = 0.05
AGAIN_SECONDS = 0.2
STOP_SECONDS = 2.0
PATIENCE_SECONDS = 120.0
"""After this even a patient client gives up."""

T = TypeVar("T")


async def until(what: Callable[[], Awaitable[T]], seconds: float = 60.0) -> T:
    """Poll until `what` gives something true; fails with its last value after the deadline."""
    give_up = time.monotonic() + seconds
    while not (found := await what()):
        assert time.monotonic() < give_up, f"still {found!r} after {seconds} s"
        await asyncio.sleep(POLL_SECONDS)
    return found


class PatientDoors(Doors):
    """Tries again while a service is away (no connection, 503), as a careful client does."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.later = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}
        """Answers after which the same is asked again."""
        self.tried_again = 0

    async def get(self, service: str, path: str, role: str = "operator", **query: Any) -> Any:
        """What a service shows, sooner or later."""
        return await self._patiently(lambda: super(PatientDoors, self).get(
            service, path, role, **query
        ))  # fmt: skip

    async def post(
        self, service: str, path: str, body: Any, role: str = "operator", key: str = ""
    ) -> Any:
        """Tell a service something until it has answered; always under an idempotency key."""
        key = key or str(uuid4())
        return await self._patiently(lambda: super(PatientDoors, self).post(
            service, path, body, role, key
        ))  # fmt: skip

    async def _patiently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await ask()
            except (httpx.TransportError, Refused) as error:
                if isinstance(error, Refused) and error.status not in self.later:
                    raise
                if time.monotonic() > give_up:
                    raise
                self.tried_again += 1
            await asyncio.sleep(AGAIN_SECONDS)


class PatientChannels(Channels):
    """Sends every message until the broker has it; perhaps twice, if nobody says whether it has."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._making = asyncio.Lock()
        self._client: AIOKafkaProducer | None = None
        self.tried_again = 0

    async def __aenter__(self) -> PatientChannels:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self._drop(self._client)

    async def tell(self, channel: str, event: Event, key: str) -> None:
        """Send an event; returns when the broker has it."""
        await self.send(channel, event.TYPE, key, wire.encode(event))

    async def send(self, channel: str, type_: str, key: str, value: bytes) -> None:
        """Send a body; returns when the broker has it."""
        headers = wire.headers_of(
            uuid4(), type_, f"/shops/{channel}", datetime.now(UTC), 1, None, self._system.tenant,
            None,
        )  # fmt: skip
        topic = f"oms.channel.{channel}.v1"
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            client = self._client
            try:
                client = await self._connected()
                await client.send_and_wait(topic, value, key.encode(), headers=headers)
                return
            except KafkaError:
                if time.monotonic() > give_up:
                    raise
                self.tried_again += 1
                await self._drop(client)
            await asyncio.sleep(AGAIN_SECONDS)

    async def flush(self) -> None:
        """Nothing is ever left unsent."""

    async def _connected(self) -> AIOKafkaProducer:
        async with self._making:
            if self._client is None:
                client = AIOKafkaProducer(
                    bootstrap_servers=self._system.bootstrap, acks="all", request_timeout_ms=5_000
                )
                try:
                    await client.start()
                except KafkaError:
                    await self._stop(client)
                    raise
                self._client = client
            return self._client

    async def _drop(self, client: AIOKafkaProducer | None) -> None:
        if client is not None and client is self._client:
            self._client = None
            await self._stop(client)

    async def _stop(self, client: AIOKafkaProducer) -> None:
        with suppress(TimeoutError, KafkaError):  # without a broker it would wait for ever
            await asyncio.wait_for(client.stop(), STOP_SECONDS)
