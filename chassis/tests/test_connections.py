"""Raw sockets against the HTTP door: whoever asks slowly is told so, and holds nobody up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI, Request

from oms_chassis.connections import Connection
from oms_chassis.guards import BodyLimit
from oms_chassis.http import serve

SOON_SECONDS = 0.3
PATIENCE_SECONDS = 10.0


class Impatient(Connection):
    """Waits for a moment only."""

    request_seconds = SOON_SECONDS


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server that reads whole bodies and says how long they are."""
    app = FastAPI()
    app.add_middleware(BodyLimit)

    @app.post("/")
    async def length(request: Request) -> int:
        return len(await request.body())

    async with serve(app, "127.0.0.1", 0, Impatient) as port:
        yield port


class Caller:
    """A client that says what it wants, when it wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def says(self, *pieces: bytes, pause_seconds: float = 0.0) -> None:
        """Send some bytes, one piece after the other."""
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(pause_seconds)

    async def hears(self) -> bytes:
        """All that comes until the other side hangs up."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.read()

    async def hears_answer(self) -> tuple[bytes, bytes]:
        """Status line and body of one answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            [length] = [int(x[15:]) for x in head.lower().split(b"\r\n") if b"content-length" in x]
            return head.partition(b"\r\n")[0], await self._reader.readexactly(length)

    def hangs_up(self) -> None:
        """No more of this."""
        self._writer.close()


async def call(port: int) -> Caller:
    """Connect."""
    return Caller(*await asyncio.open_connection("127.0.0.1", port))


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"POST / HT", HEAD[:-2], HEAD, HEAD + b"ab"])
async def test_a_request_that_does_not_end_is_answered_and_cut_off(
    port: int, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caller = await call(port)
    await caller.says(said)
    assert (await caller.hears()).startswith(b"HTTP/1.1 408 ")
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_a_byte_now_and_then_is_no_excuse(port: int) -> None:
    caller = await call(port)
    slowly = asyncio.create_task(caller.says(*(HEAD[:40][i : i + 1] for i in range(40)),
                                             pause_seconds=SOON_SECONDS / 10))  # fmt: skip
    assert (await caller.hears()).startswith(b"HTTP/1.1 408 ")
    slowly.cancel()


async def test_others_are_served_meanwhile_and_a_connection_may_be_used_for_long(port: int) -> None:
    slow = [await call(port) for _ in range(100)]
    for caller in slow:
        await caller.says(b"POST / HTTP/1.1\r\nHost:")
    quick = await call(port)
    for _ in range(3):  # longer than one request may take
        await quick.says(HEAD, b"abcd", pause_seconds=SOON_SECONDS / 2)
        assert await quick.hears_answer() == (b"HTTP/1.1 200 OK", b"4")
    assert {(await caller.hears())[:12] for caller in slow} == {b"HTTP/1.1 408"}
    quick.hangs_up()


async def test_who_answers_slowly_is_not_cut_off(port: int) -> None:
    caller = await call(port)
    await caller.says(HEAD + b"abcd", pause_seconds=2 * SOON_SECONDS)
    assert await caller.hears_answer() == (b"HTTP/1.1 200 OK", b"4")
    caller.hangs_up()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    ],
    ids=["a long header", "a long path", "many headers", "TLS"],
)
async def test_a_head_that_is_too_large_or_none_is_refused_at_once(port: int, said: bytes) -> None:
    caller = await call(port)
    try:
        await caller.says(said)
        answer = await caller.hears()
    except ConnectionError:  # cut off while it was still talking
        return
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431")
