"""The system under load: brought up in a folder of its own, filled with stock, loaded."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec

from bench.orders import all_skus
from bench.plan import FLASH_UNITS, Plan, Spread, Stage, Work
from oms_cli.reconcile.quiet import until_quiet
from oms_cli.stack import Stack
from oms_platform import load_topics
from oms_platform.topics import TopicSpec

CHECKOUT = Path(__file__).resolve().parents[1]
UNITS_PER_SKU = 1_000_000
RECEIPT_LINES = 500
SETTLE_SECONDS = 300.0
"""How long what was left behind may take to come to its end."""

Say = Callable[[str], None]


class Unsettled(RuntimeError):
    """Not everything came to its end."""


@asynccontextmanager
async def bring_up(plan: Plan, say: Say) -> AsyncIterator[Stack]:
    """The six services on a platform of their own, with stock of every SKU."""
    with tempfile.TemporaryDirectory(prefix="oms-bench-") as folder:
        os.chmod(folder, 0o755)  # the database server may be another account
        run_dir = Path(folder)
        topics = run_dir / "topics.toml"
        declared = (CHECKOUT / "deploy/topics.toml").read_text()
        topics.write_text(
            re.sub(r"(?m)^partitions = \d+$", f"partitions = {plan.partitions}", declared)
        )
        async with Stack(
            CHECKOUT, run_dir=run_dir, settings=plan.settings, progress=say,
            policies=CHECKOUT / "deploy/policies.toml", topics=topics,
        ) as stack:  # fmt: skip
            say(f"receiving {plan.work.skus} SKUs")
            await receive(stack, plan.work)
            await settle(stack)
            yield stack


def topics_of(stack: Stack) -> list[TopicSpec]:
    """The topics as this run has them."""
    return load_topics(stack.run_dir / "topics.toml")


async def receive(stack: Stack, work: Work) -> None:
    """Put stock of every SKU into the location that fulfils by itself."""
    system, skus = stack.system, all_skus(work)
    units = FLASH_UNITS if work.spread is Spread.FLASH else UNITS_PER_SKU
    async with httpx.AsyncClient(
        base_url=system.urls["warehouse"], headers=system.headers("operator"), timeout=120
    ) as client:
        for start in range(0, len(skus), RECEIPT_LINES):
            lines = [
                {"sku": sku, "location": "HUB", "qty": units, "cause_id": f"OPEN-{sku}"}
                for sku in skus[start : start + RECEIPT_LINES]
            ]
            answer = await client.post("/receipts/batch", json={"lines": lines})
            answer.raise_for_status()
    db = await asyncpg.connect(system.check_dsns["inventory"])
    try:
        while await db.fetchval("SELECT count(*) FROM stock") < len(skus):
            await asyncio.sleep(0.2)
    finally:
        await db.close()


async def settle(stack: Stack) -> None:
    """Return once nothing is on its way; raises Unsettled with what still is, at the deadline."""
    system = stack.system
    busy = await until_quiet(system.check_dsns, system.bootstrap, topics_of(stack), SETTLE_SECONDS)
    if busy:
        raise Unsettled("; ".join(busy))


class Generator:
    """The load generator as a process."""

    def __init__(self, stack: Stack, work: Work, stage: Stage, number: int) -> None:
        self._argv = [
            sys.executable, "-m", "bench.load", "--bootstrap", stack.system.bootstrap,
            "--tenant", stack.system.tenant, "--stage", str(number),
        ]  # fmt: skip
        self._told = msgspec.json.encode((work, stage))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pids(self) -> Sequence[int]:
        """Its process, once started."""
        return [self._process.pid] if self._process else []

    async def start(self) -> float:
        """Start it; returns the moment (seconds since the epoch) its first order was due."""
        self._process = await asyncio.create_subprocess_exec(
            *self._argv, cwd=CHECKOUT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(self._told)
        self._process.stdin.write_eof()
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator did not start")
        return float(msgspec.json.decode(line)["began"])

    async def finish(self) -> dict[str, float]:
        """Wait for its end; what it says of itself. Raises RuntimeError if it failed."""
        assert self._process and self._process.stdout
        out = await self._process.stdout.read()
        if await self._process.wait() != 0:
            raise RuntimeError("the load generator failed")
        told: dict[str, float] = msgspec.json.decode(out)
        return told
