"""A TCP proxy that misbehaves on demand: between a service and its database, or a broker.

    async with Proxy(("127.0.0.1", 5432)) as proxy:
        ...                         # speak with proxy.port
        proxy.up.delay_seconds = 0.2   # every piece on its way to the server is late
        proxy.freeze()              # a partition: nothing comes through, nothing is closed
        proxy.down.frozen = False   # one way only: half open
        proxy.heal()
        proxy.reset()               # RST to everybody
        proxy.reset_after(COMMIT)   # the server gets it, the client never hears

`up` leads from the client to the server, `down` back. What is frozen is not lost: it comes through
once healed, as TCP sends again what a partition swallowed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
PIECE_BYTES = 64 * 1024
LOOK_SECONDS = 0.01
"""How soon a change is noticed by what waits."""
COMMIT = b"COMMIT;\0"
"""The end of a transaction as PostgreSQL's clients send it."""


@dataclass
class Way:
    """One direction, and what is wrong with it."""

    delay_seconds: float = 0.0
    """Each piece waits so long."""
    bytes_a_second: float = 0.0
    """No more than so much comes through; 0 is no limit."""
    frozen: bool = False
    passed_bytes: int = 0

    def heal(self) -> None:
        """As good as new."""
        self.delay_seconds = self.bytes_a_second = 0.0
        self.frozen = False

    async def hold_up(self, size: int) -> None:
        """Return when a piece may pass."""
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.bytes_a_second:
            await asyncio.sleep(size / self.bytes_a_second)
        while self.frozen:
            await asyncio.sleep(LOOK_SECONDS)
        self.passed_bytes += size


@dataclass(eq=False)
class _Link:
    """One connection: both its ends."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter

    def close(self) -> None:
        for end in (self.client, self.server):
            end.close()

    def reset(self) -> None:
        """The client gets RST. The server sees an ordinary end, after all it was sent."""
        linger = struct.pack("ii", 1, 0)  # on, 0 s: what is not sent is dropped, and RST is sent
        self.client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.client.transport.abort()
        self.server.close()


@dataclass
class Proxy:
    """Listens on a port of its own; may be opened before it is known where the server is."""

    upstream: tuple[str, int] = (HOST, 0)
    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)
    port: int = 0
    connections: int = 0
    """Ever accepted."""
    resets: int = 0
    """Connections ended by RST."""

    def __post_init__(self) -> None:
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._fatal = b""
        self._fatal_times = 0

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.close()

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"{HOST}:{self.port}"

    async def accept(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take no new connections: who tries is refused. Those open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.sleep(0)

    async def close(self) -> None:
        """End everything."""
        await self.refuse()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Nothing comes through in either direction, and nobody is told."""
        self.up.frozen = self.down.frozen = True

    def heal(self) -> None:
        """Both ways are as good as new, and nothing is fatal any more."""
        self.up.heal()
        self.down.heal()
        self._fatal_times = 0

    def cut(self) -> None:
        """Close every connection in order (FIN)."""
        for link in list(self._links):
            link.close()

    def reset(self) -> None:
        """Break every connection (RST)."""
        for link in list(self._links):
            self._reset(link)

    def reset_after(self, words: bytes, times: int = 1) -> None:
        """The next `times` that a client says `words`, the server gets them and the client RST."""
        self._fatal, self._fatal_times = words, times

    def _reset(self, link: _Link) -> None:
        self.resets += 1
        link.reset()

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._tasks.add(task := asyncio.current_task())
        task.add_done_callback(self._tasks.discard)
        try:
            answers, server = await asyncio.open_connection(*self.upstream)
        except OSError:
            client.close()  # as refused as it can be by somebody who has accepted
            return
        self._links.add(link := _Link(client, server))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(link, self.up, reader, server))
                both.create_task(self._pump(link, self.down, answers, client))
        except* OSError:
            pass
        finally:
            self._links.discard(link)
            link.close()

    async def _pump(
        self, link: _Link, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(PIECE_BYTES):
            await way.hold_up(len(piece))
            writer.write(piece)
            await writer.drain()
            if way is self.up and self._fatal_times and self._fatal in piece:
                self._fatal_times -= 1
                self._reset(link)
                return
        if not writer.is_closing() and writer.can_write_eof():
            writer.write_eof()
