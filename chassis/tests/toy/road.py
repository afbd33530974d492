"""A road to the database that can be cut at the worst moment."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65_536


class Road:
    """Forwards connections to the server of `dsn`; `dsn` is the same by this road."""

    def __init__(self, dsn: str) -> None:
        self._there = urlsplit(dsn)
        self._armed = False
        self._travelling: list[asyncio.StreamWriter] = []
        self.cut = asyncio.Event()
        self.dsn = ""

    async def __aenter__(self) -> "Road":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        login = self._there.netloc.rpartition("@")[0]
        self.dsn = urlunsplit(self._there._replace(netloc=f"{login}@127.0.0.1:{port}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def block(self) -> None:
        """Nobody gets through any more."""
        self._server.close()
        for writer in self._travelling:
            writer.close()

    def swallow_answer_to_commit(self) -> None:
        """The next commit is carried out; whoever asked for it never hears of it."""
        self._armed = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._there.hostname, self._there.port)
        self._travelling.append(writer)
        committing = asyncio.Event()
        back = asyncio.create_task(self._back(there[0], writer, committing))
        try:
            while data := await reader.read(CHUNK_BYTES):
                if self._armed and b"COMMIT" in data:
                    self._armed = False
                    committing.set()
                there[1].write(data)
        except ConnectionError:
            pass
        finally:
            there[1].close()
            await back

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                if committing.is_set():
                    self.cut.set()
                    break
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()
