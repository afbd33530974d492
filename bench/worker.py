"""A process of the bench's own: told what to do, tells when it begins and what it did."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from bench.places import CHECKOUT


class WorkerFailed(RuntimeError):
    """A process of the bench ended without a result; why is on standard error."""


class Worker:
    """Talks by lines of JSON: a job goes in, a greeting and a result come out."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self._module = module
        self._process = process

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def tell(self, what: Any) -> None:
        """Send one line."""
        assert self._process.stdin
        self._process.stdin.write(msgspec.json.encode(what) + b"\n")
        await self._process.stdin.drain()

    async def hear(self) -> Any:
        """Wait for one line; raises WorkerFailed if none comes."""
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            raise WorkerFailed(f"{self._module} ended without a word")
        return msgspec.json.decode(line)

    async def end(self) -> None:
        """End it if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def worker(module: str, job: Any) -> AsyncIterator[Worker]:
    """Start `python -m module` with a job on its standard input; it never outlives the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    started = Worker(module, process)
    try:
        await started.tell(job)
        yield started
    finally:
        await started.end()
