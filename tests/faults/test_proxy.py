"""The proxy itself does to connections what it says, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from proxy import COMMIT, HOST, Proxy

pytestmark = pytest.mark.smoke
PATIENCE_SECONDS = 5.0
SHORT_SECONDS = 0.15


class Echo:
    """A server that answers what it is told, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(1000):
                self.heard += piece
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        self.ended.set()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def echo() -> Echo:
    return Echo()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with Proxy((HOST, port)) as proxy:
        yield proxy
    server.close()


class Client:
    """Somebody who speaks through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def say(self, words: bytes) -> None:
        self._writer.write(words)

    async def hear(self, size: int = 1000, seconds: float = PATIENCE_SECONDS) -> bytes:
        return await asyncio.wait_for(self._reader.read(size), seconds)

    async def hears_nothing(self) -> bool:
        try:
            await self.hear(seconds=SHORT_SECONDS)
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        self._writer.close()


async def connect(proxy: Proxy) -> Client:
    return Client(*await asyncio.open_connection(HOST, proxy.port))


async def test_what_is_said_comes_through_both_ways_and_the_end_as_well(
    proxy: Proxy, echo: Echo
) -> None:
    client = await connect(proxy)
    client.say(b"hello")
    assert await client.hear() == b"hello"
    client.close()
    await asyncio.wait_for(echo.ended.wait(), PATIENCE_SECONDS)
    assert (proxy.up.passed_bytes, proxy.down.passed_bytes, proxy.connections) == (5, 5, 1)


async def test_a_delay_and_a_throttle_hold_up(proxy: Proxy) -> None:
    client = await connect(proxy)
    proxy.up.delay_seconds = SHORT_SECONDS
    proxy.down.bytes_a_second = 100 / SHORT_SECONDS
    began = time.monotonic()
    client.say(b"x" * 100)
    assert len(await client.hear()) == 100
    assert time.monotonic() - began >= 2 * SHORT_SECONDS


async def test_a_partition_swallows_nothing_for_ever(proxy: Proxy, echo: Echo) -> None:
    client = await connect(proxy)
    proxy.freeze()
    client.say(b"late")
    assert await client.hears_nothing() and echo.heard == b""
    proxy.heal()
    assert await client.hear() == b"late"


async def test_half_open_the_server_hears_and_the_client_does_not(proxy: Proxy, echo: Echo) -> None:
    client = await connect(proxy)
    proxy.down.frozen = True
    client.say(b"one way")
    assert await client.hears_nothing() and echo.heard == b"one way"


async def test_cut_connections_end_in_order_and_reset_ones_do_not(proxy: Proxy) -> None:
    client = await connect(proxy)
    client.say(b"a")
    await client.hear()
    proxy.cut()
    assert await client.hear() == b""
    client = await connect(proxy)
    client.say(b"b")
    await client.hear()
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await client.hear()
    assert proxy.resets == 1


async def test_who_is_refused_comes_through_later_on_the_same_port(proxy: Proxy) -> None:
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    await proxy.accept()
    client = await connect(proxy)
    client.say(b"again")
    assert await client.hear() == b"again"


async def test_the_server_gets_the_fatal_words_and_the_client_is_reset(
    proxy: Proxy, echo: Echo
) -> None:
    proxy.reset_after(COMMIT)
    client = await connect(proxy)
    client.say(b"BEGIN;\0")
    assert await client.hear() == b"BEGIN;\0"
    client.say(COMMIT)
    with pytest.raises(ConnectionResetError):
        await client.hear()
    await asyncio.wait_for(echo.ended.wait(), PATIENCE_SECONDS)
    assert echo.heard.endswith(COMMIT)
    client = await connect(proxy)
    client.say(COMMIT)
    assert await client.hear() == COMMIT  # once was asked for


async def test_a_server_that_is_away_is_seen_as_an_end(proxy: Proxy) -> None:
    proxy.upstream = (HOST, 1)
    client = await connect(proxy)
    assert await client.hear() == b""
