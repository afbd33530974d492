"""A gateway whose other side speaks JSON over HTTP.

    POST <url>/<method>     Idempotency-Key: <key>     the body as JSON
    200 → the answer    409 → {"code", "text"}: refused, for good    anything else → unknown

The client is no more than that takes, because every call of a busy service passes through it:
kept connections, one request at a time on each, answers with a Content-Length.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from oms_chassis.gateway import Gateway, GatewayRefused, GatewayUnknown

HEAD_MAX_BYTES = 16 * 1024
ANSWER_MAX_BYTES = 1024 * 1024
IDLE_CONNECTIONS_MAX = 64
_OK, _REFUSED = 200, 409


class _Refusal(msgspec.Struct):
    code: str
    text: str = ""


class _Connection(asyncio.Protocol):
    """One kept connection; `answer` is set while a request is in flight."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = cast(asyncio.Transport, transport), True

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; raises GatewayUnknown if none comes."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            found = _parse(self._buffer)
        except ValueError as error:
            self._fail(str(error))
            return
        if found is not None:
            status, body, used = found
            self._buffer = self._buffer[used:]
            if self._answer is not None and not self._answer.done():
                self._answer.set_result((status, body))
            else:
                self._fail("an answer that nobody asked for")

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        self._fail(f"connection lost: {error}")

    def close(self) -> None:
        """Give it up; whoever still waits is told so."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(GatewayUnknown(why))
        self.close()


def _parse(buffer: bytes) -> tuple[int, bytes, int] | None:
    """Status, body and bytes used of a whole answer; None while it is not whole.

    Raises ValueError for what is not an answer we understand.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_MAX_BYTES:
            raise ValueError("the head of the answer is too long")
        return None
    status, *lines = buffer[:end].split(b"\r\n")
    length = -1
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not 0 <= length <= ANSWER_MAX_BYTES:
        raise ValueError("an answer needs a Content-Length, and not too large a one")
    used = end + 4 + length
    if len(buffer) < used:
        return None
    return int(status.split(b" ", 2)[1]), buffer[end + 4 : used], used


class HttpGateway(Gateway):
    """Performs a gateway's calls at `url`; mixed into the class that says what may be called."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._path = parts.hostname or "", parts.path.rstrip("/")
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl else 80)
        self._idle: list[_Connection] = []

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See the module; raises GatewayRefused, GatewayUnknown, or OSError if nobody is there."""
        connection = await self._connection()
        try:
            status, told = await connection.ask(self._request(method, key, body))
        except BaseException:  # timed out or torn: what comes on it later belongs to nobody
            connection.close()
            raise
        if connection.open and len(self._idle) < IDLE_CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            connection.close()
        if status == _OK:
            return msgspec.json.decode(told, type=dict[str, Any])
        if status == _REFUSED:
            refusal = msgspec.json.decode(told, type=_Refusal)
            raise GatewayRefused(refusal.code, refusal.text)
        raise GatewayUnknown(f"answered with status {status}")

    async def lookup(
        self, method: str, key: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """The same as asking again: the other side knows the key."""
        return await self.call(method, key, body)

    async def close(self) -> None:
        """Give all connections back."""
        for connection in self._idle:
            connection.close()

    async def _connection(self) -> _Connection:
        while self._idle:
            if (kept := self._idle.pop()).open:
                return kept
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(
            _Connection, self._host, self._port, ssl=self._ssl
        )  # fmt: skip
        return made

    def _request(self, method: str, key: str, body: Mapping[str, Any]) -> bytes:
        content = msgspec.json.encode(body)
        head = (
            f"POST {self._path}/{method} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode("ascii") + content
