"""A day at the merchant's: goods come in, orders go out, people do their part."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from oms_cli.channels import Channels
from oms_cli.demo.people import People
from oms_cli.demo.watch import Stages, Watch
from oms_cli.doors import Doors, Refused
from oms_cli.generator import Planned, opening_stock
from oms_cli.receiving import receive
from oms_cli.reconcile.outside import SentLine, remember_sent
from oms_cli.stack import System
from oms_contracts.channel import OrderPlaced

HTTP_CHANNEL = "store"
"""This channel places its orders over HTTP, the others write to Kafka."""
ORDERS_A_SECOND = 40.0
CLOCKS_APART = timedelta(seconds=60)
"""The database's clock may be so far behind ours."""

Say = Callable[[str], None]


async def play(
    system: System, run_dir: Path, plan: Sequence[Planned], began: datetime,
    say: Say, told: Callable[[Stages], None],
) -> Watch:  # fmt: skip
    """Play a plan to its end; `told` gets the stages as they change.

    Raises NotReceived, and errors of the broker or the doors where one of them is away.
    """
    async with Doors(system) as doors, Channels(system) as channels, _floor(run_dir, say):
        say(f"receiving stock for {len(plan)} orders")
        await receive(doors, opening_stock(plan), f"open-{began:%Y%m%d%H%M%S%f}")
        watch = Watch(doors, plan, began - CLOCKS_APART)
        people = People(doors, channels, plan)
        say("placing orders: three channels by Kafka, one over HTTP")
        async with asyncio.TaskGroup() as day:
            working = day.create_task(people.work())
            placing = day.create_task(_place_all(doors, channels, plan, say))
            await watch.until_rest(told)
            await placing
            working.cancel()
    return watch


@asynccontextmanager
async def _floor(run_dir: Path, say: Say) -> AsyncIterator[None]:
    """Pickers at work, in a process of its own with a key of its own."""
    with tempfile.TemporaryFile() as log:
        floor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "oms_cli.floor", "--run-dir", str(run_dir), stdout=log, stderr=log
        )
        try:
            yield
        finally:
            if floor.returncode is None:
                floor.terminate()
            if await floor.wait():
                log.seek(0)
                say(f"the pickers went home early:\n{log.read().decode()}")


async def _place_all(doors: Doors, channels: Channels, plan: Sequence[Planned], say: Say) -> None:
    """Place the orders as fast as customers would on a good day."""
    for order in plan:
        for value in order.values:
            if order.channel == HTTP_CHANNEL:
                await _post(doors, order, value, say)
            else:
                await channels.send(order.channel, OrderPlaced.TYPE, order.external_id, value)
        await asyncio.sleep(1 / ORDERS_A_SECOND)
    await channels.flush()


async def _post(doors: Doors, order: Planned, value: bytes, say: Say) -> None:
    key = f"{order.external_id}-{sha256(value).hexdigest()[:16]}"
    try:
        taken = await doors.post("order", "/orders", value, order.channel, key)
    except Refused as no:
        say(f"{order}: {no}")
        return
    sent = SentLine(order.channel, order.external_id, taken["order_id"])
    remember_sent(Path(doors.system.data_dir), sent)
