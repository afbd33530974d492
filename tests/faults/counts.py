"""What the services count, added up over all their processes, those that died included."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import httpx
from rig import Rig

LOOK_SECONDS = 0.5
_LINE = re.compile(r"^(oms_\w+?)(?:\{(.*)\})? (\S+)$", re.M)
_Process = tuple[str, int]


class Counts:
    """Reads the metrics of every service again and again while it is open.

    A process that is killed takes with it what it counted since the last look.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._first: dict[_Process, dict[str, float]] = {}
        self._last: dict[_Process, dict[str, float]] = {}
        self._born_here: set[_Process] = set()

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(timeout=2.0, trust_env=False)
        await self.look()
        self._born_here.clear()
        self._task = asyncio.create_task(self._run(), name="counts")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if kind is None:
            await self.look()
        await self._client.aclose()

    def of(self, metric: str, service: str = "", labels: str = "") -> float:
        """How much a counter grew; of one service, and of labels that contain `labels`."""
        return sum(
            value - before.get(name, 0.0)
            for process, values in self._last.items()
            if service in ("", process[0])
            for before in ({} if process in self._born_here else self._first[process],)
            for name, value in values.items()
            if name.partition("{")[0] == metric and labels in name
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Read everything once."""
        await asyncio.gather(*(self._read(*place) for place in self._places()))

    def _places(self) -> Iterable[tuple[_Process, str]]:
        for name, process, url in self._rig.processes():
            if (pid := process.pid) is not None:
                yield (name, pid), url

    async def _read(self, process: _Process, url: str) -> None:
        try:
            text = (await self._client.get(f"{url}/metrics")).text
        except httpx.TransportError:
            return
        values = {
            f"{m[1]}{{{m[2] or ''}}}": float(m[3]) for m in _LINE.finditer(text) if m[3] != "NaN"
        }
        if process not in self._first:
            self._first[process] = values
            self._born_here.add(process)
        self._last[process] = values
