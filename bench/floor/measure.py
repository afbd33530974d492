"""Running the floor: six processes and the outside world, on the broker and tables at hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from bench import counts, meter
from bench.floor.shape import shares
from bench.floor.writer import Job
from bench.growth import admin_dsns
from bench.result import Cost, Floor
from bench.running import Say
from bench.worker import worker
from oms_cli.stack import Stack
from oms_platform import create_topics
from oms_platform.topics import TopicSpec

ORDERS = {10: 1_000, 50: 4_000, 500: 8_000}
"""So many orders at so many inputs in a transaction take some seconds each."""
BATCHES = tuple(ORDERS)
PARTITIONS = (6, 12)


async def floors(
    stack: Stack, cost: Cost, topics: list[TopicSpec], cells: Sequence[tuple[int, int]], say: Say
) -> tuple[Floor, ...]:
    """Each cell: inputs in a transaction, and partitions of the topics."""
    await asyncio.gather(*(service.stop() for service in stack.services.values()))
    found = []
    for cell in cells:
        found.append(await floor(stack, cost, topics, *cell, say))
        say(f"  {found[-1].orders_per_s:,.0f} orders/s; {found[-1].cpu_s_per_1000}")
    return tuple(found)


async def floor(
    stack: Stack, cost: Cost, topics: list[TopicSpec], batch: int, partitions: int, say: Say
) -> Floor:  # fmt: skip
    """One cell."""
    say(f"floor: {batch} inputs in a transaction, {partitions} partitions")
    prefix, orders = f"floor-{batch}-{partitions}.", ORDERS[batch]
    await create_topics(
        stack.system.bootstrap,
        [replace(t, name=prefix + t.name, partitions=partitions) for t in topics],
    )
    dsns = admin_dsns(stack.platform.state)
    jobs = [
        Job(name, share, dsns.get(name, ""), stack.system.bootstrap,
            prefix, partitions, orders, batch)
        for name, share in shares(cost, topics).items()
    ]  # fmt: skip
    async with AsyncExitStack() as running:
        writers = [
            await running.enter_async_context(worker("bench.floor.writer", job)) for job in jobs
        ]
        await asyncio.gather(*(writer.hear() for writer in writers))
        pids = meter.groups(stack)
        used, database, began = meter.cpu(pids), await counts.database(stack), time.monotonic()
        await asyncio.gather(*(writer.tell("go") for writer in writers))
        told = await asyncio.gather(*(writer.hear() for writer in writers))
    seconds = time.monotonic() - began
    used = {name: value - used[name] for name, value in meter.cpu(pids).items()}
    wal = (await counts.database(stack))["wal_bytes"] - database["wal_bytes"]
    cpu = {
        "writers": sum(one["cpu_seconds"] for one in told),
        "postgres": used["postgres"], "broker": used["broker"],
    }  # fmt: skip
    per_1000 = {name: round(value / orders * 1000, 3) for name, value in cpu.items()}
    return Floor(
        batch=batch, partitions=partitions, orders=orders, orders_per_s=round(orders / seconds, 1),
        cpu_s_per_1000=per_1000 | {"total": round(sum(cpu.values()) / orders * 1000, 3)},
        rows_per_order=round(sum(one["rows"] for one in told) / orders, 1),
        records_per_order=round(sum(one["records"] for one in told) / orders, 2),
        transactions_per_order=round(sum(one["transactions"] for one in told) / orders, 3),
        wal_bytes_per_order=round(wal / orders), busy_cores=round(used["machine"] / seconds, 2),
    )  # fmt: skip
