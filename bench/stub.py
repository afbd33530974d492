"""The outside world as a process: payment provider and carrier behind HTTP, in fixed time.

It is the sandboxes themselves that answer, so it is idempotent by key and its logs, one line per
call, are the same ground truth. It costs little: one protocol, no framework.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec

from oms_billing.gateways import SandboxPayments
from oms_chassis.gateway import Gateway, GatewayRefused
from oms_chassis.sealing import KeyRing
from oms_contracts.channel import Address
from oms_shipping.gateways import SandboxCarrier

GATEWAYS = ("payments", "carrier")
"""What it stands for; mail has a server of its own."""


class Job(msgspec.Struct, frozen=True):
    """Where its logs are, and how long it takes to answer."""

    data_dir: str
    key_ring: str
    service_seconds: float


class Carrier(SandboxCarrier):
    """A carrier is told addresses in clear."""

    def address_of(self, told: Any) -> Address:
        return Address.model_validate(told)


class Door(asyncio.Protocol):
    """One connection of a client, which sends a request at a time."""

    def __init__(
        self, gateways: Callable[[], Mapping[str, Gateway]], service_seconds: float
    ) -> None:
        self._gateways = gateways
        self._service_seconds = service_seconds
        self._buffer = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        request, *lines = head.split(b"\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)
        }
        if len(body) < int(headers[b"content-length"]):
            return
        self._buffer = b""
        path = request.split(b" ")[1].decode()
        key = headers[b"idempotency-key"].decode()
        task = asyncio.create_task(self._answer(path, key, msgspec.json.decode(body)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, path: str, key: str, body: Mapping[str, Any]) -> None:
        _, gateway, method = path.split("/")
        if self._service_seconds:
            await asyncio.sleep(self._service_seconds)
        try:
            self._write(b"200 OK", await self._gateways()[gateway].call(method, key, body))
        except GatewayRefused as no:
            self._write(b"409 Conflict", {"code": no.code, "text": no.text})
        except Exception as error:
            self._write(b"503 Service Unavailable", {"text": str(error)})

    def _write(self, status: bytes, told: Mapping[str, Any]) -> None:
        content = msgspec.json.encode(told)
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(content), content)
        )


async def serve(job: Job) -> None:
    """Serve until standard input ends."""
    data_dir, ring = Path(job.data_dir), Path(job.key_ring)

    @cache
    def gateways() -> Mapping[str, Gateway]:  # at the first call: the system empties the folder
        return {
            "payments": SandboxPayments(data_dir / "payments.jsonl"),
            "carrier": Carrier(data_dir / "carrier.jsonl", KeyRing(ring)),
        }

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Door(gateways, job.service_seconds), "127.0.0.1", 0
    )  # fmt: skip
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


def main() -> None:
    """Take the job from standard input."""
    asyncio.run(serve(msgspec.json.decode(sys.stdin.readline(), type=Job)))


if __name__ == "__main__":
    main()
