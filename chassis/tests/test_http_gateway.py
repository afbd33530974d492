"""Calls over HTTP: what comes back is an answer, a refusal, or nothing that anybody can know."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvloop

from oms_chassis.gateway import GatewayRefused, GatewayUnknown
from oms_chassis.http_gateway import HttpGateway


class Other:
    """The other side: says `script`, one entry per request, and remembers what it was told."""

    def __init__(self) -> None:
        self.script: list[list[bytes]] = []
        self.told: list[bytes] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.told.append(head + await reader.readexactly(length))
                for part in self.script.pop(0):
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                    if not part:
                        return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def other() -> AsyncIterator[Other]:
    made = Other()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/payments/"
    yield made
    server.close()


def answer(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


DONE = answer("200 OK", b'{"id":"c-1"}')


async def test_a_call_is_a_post_under_its_key(other: Other) -> None:
    other.script = [[DONE]]
    gateway = HttpGateway(other.url)
    assert await gateway.call("capture", "key-1", {"amount_minor": 5}) == {"id": "c-1"}
    assert other.told[0].startswith(b"POST /payments/capture HTTP/1.1\r\n")
    assert b"Idempotency-Key: key-1\r\n" in other.told[0]
    assert other.told[0].endswith(b'{"amount_minor":5}')
    await gateway.close()


def test_it_works_on_the_loop_that_services_run_on() -> None:
    async def call() -> object:
        made = Other()
        made.script = [[DONE]]
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        gateway = HttpGateway(f"http://127.0.0.1:{port}")
        try:
            return await gateway.call("capture", "key", {})
        finally:
            await gateway.close()
            server.close()

    assert uvloop.run(call()) == {"id": "c-1"}


async def test_calls_one_after_another_share_a_connection(other: Other) -> None:
    other.script = [[DONE], [DONE], [DONE]]
    gateway = HttpGateway(other.url)
    for n in range(3):
        await gateway.call("capture", f"key-{n}", {})
    assert other.connections == 1
    await gateway.close()


async def test_an_answer_may_come_in_pieces(other: Other) -> None:
    other.script = [[DONE[:7], DONE[7:30], DONE[30:]]]
    gateway = HttpGateway(other.url)
    assert await gateway.call("capture", "key", {}) == {"id": "c-1"}
    await gateway.close()


async def test_a_refusal_is_for_good(other: Other) -> None:
    other.script = [[answer("409 Conflict", b'{"code":"do_not_honour","text":"no"}')]]
    gateway = HttpGateway(other.url)
    with pytest.raises(GatewayRefused) as refused:
        await gateway.call("authorise", "key", {})
    assert refused.value.code == "do_not_honour"
    await gateway.close()


@pytest.mark.parametrize(
    "said",
    [
        [answer("500 Oops", b"{}")],
        [answer("429 Slower", b"")],
        [b""],
        [DONE[:20], b""],
        [b"HTTP/1.1 200 OK\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"],
    ],
    ids=["fault", "busy", "closed", "torn", "endless", "too long"],
)
async def test_anything_else_says_nothing_about_what_happened(
    other: Other, said: list[bytes]
) -> None:
    other.script = [said]
    gateway = HttpGateway(other.url)
    with pytest.raises(GatewayUnknown):
        await gateway.call("capture", "key", {})
    await gateway.close()


async def test_a_late_answer_is_not_taken_for_the_next_one(other: Other) -> None:
    other.script = [[b"HTTP/1.1 200 OK\r\n"], [DONE]]
    gateway = HttpGateway(other.url)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await gateway.call("capture", "key-1", {})
    assert await gateway.call("capture", "key-2", {}) == {"id": "c-1"}
    assert other.connections == 2
    await gateway.close()


async def test_nobody_there_is_told_at_once() -> None:
    gateway = HttpGateway("http://127.0.0.1:1")
    with pytest.raises(OSError):
        await gateway.call("capture", "key", {})
