"""The system under load: brought up in a folder of its own, filled with stock, loaded."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bench import stub
from bench.orders import all_skus
from bench.places import CHECKOUT, policies
from bench.plan import FLASH_UNITS, Plan, Spread, Work
from bench.worker import worker
from oms_cli.reconcile.quiet import until_quiet
from oms_cli.stack import Stack
from oms_platform import free_port, load_topics
from oms_platform.topics import TopicSpec

TOPICS = "topics.toml"
FLUSH_EACH = {"flush.messages": "1"}
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
    async with AsyncExitStack() as after:
        run_dir = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="oms-bench-")))
        run_dir.chmod(0o755)  # the database server may be another account
        declared = (CHECKOUT / "deploy/topics.toml").read_text()
        wanted = f"partitions = {plan.partitions}"
        topics = run_dir / TOPICS
        topics.write_text(re.sub(r"(?m)^partitions = \d+$", wanted, declared))
        settings = dict(plan.settings)
        if plan.service_ms is not None:
            settings |= await _outside(after, run_dir, plan.service_ms / 1000)
        stack = await after.enter_async_context(
            Stack(
                CHECKOUT, run_dir=run_dir, settings=settings, progress=say, topics=topics,
                policies=policies(run_dir),
            )
        )  # fmt: skip
        if plan.flush_each:
            await flush_each(stack)
        await add_replicas(stack, plan.replicas)
        say(f"receiving {plan.work.skus} SKUs")
        await receive(stack, plan.work)
        await settle(stack)
        yield stack


async def _outside(after: AsyncExitStack, run_dir: Path, seconds: float) -> dict[str, str]:
    """Start provider and carrier; what services must be told to find them."""
    job = stub.Job(str(run_dir / "data"), str(run_dir / "key-ring.json"), seconds)
    started = await after.enter_async_context(worker("bench.stub", job))
    at = f"http://127.0.0.1:{(await started.hear())['port']}"
    urls = {name: f"{at}/{name}" for name in stub.GATEWAYS}
    return {"OMS_GATEWAY_URLS": msgspec.json.encode(urls).decode()}


async def add_replicas(stack: Stack, replicas: Mapping[str, int]) -> None:
    """Start more processes of a service; each takes its share of the partitions."""
    for service, count in replicas.items():
        for slot in range(1, count):
            name, port = f"{service}-{slot}", free_port()
            stack.system.urls[name] = f"http://127.0.0.1:{port}"
            stack.services[name] = stack.start(service, port, str(slot))
            await stack.wait_ready(name)


async def flush_each(stack: Stack) -> None:
    """Let the broker sync every record batch to the disk before it acknowledges."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.system.bootstrap)
    await admin.start()
    try:
        await admin.alter_configs(
            [
                ConfigResource(
                    ConfigResourceType.TOPIC, t.name, t.config() | {"flush.messages": "1"}
                )
                for t in topics_of(stack)
            ]
        )
    finally:
        await admin.close()


def topics_of(stack: Stack) -> list[TopicSpec]:
    """The topics as this run has them."""
    return load_topics(stack.run_dir / TOPICS)


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
