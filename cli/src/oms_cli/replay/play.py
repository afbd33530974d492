"""Playing a plan into a running system, and how its orders stand afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from oms_cli.channels import Channels
from oms_cli.doors import Doors, Refused
from oms_cli.endings import Named, at_rest, find_orders
from oms_cli.generator.catalogue import HUB
from oms_cli.generator.planned import Stocked
from oms_cli.receiving import receive
from oms_cli.replay.plan import Adjust, Cancel, Place, Plan

LOOK_SECONDS = 2.0
TELL_EVERY_ORDERS = 100

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What was said, and how the orders stood in the end, by channel and number."""

    orders: int
    wishes: int
    adjustments: int
    refused: tuple[str, ...]
    """Adjustments that the warehouse turned down."""
    units_received: int
    stand: Mapping[Named, Mapping[str, Any]]
    seconds: float


async def play(
    plan: Plan, doors: Doors, channels: Channels, rate: float, wait_seconds: float, say: Say
) -> Played:
    """Receive the goods, then say everything, `rate` orders a second (0: as fast as it goes).

    Returns when every order has come to rest, or after `wait_seconds`. Raises NotReceived, and
    errors of the broker or the doors where one of them is away.
    """
    started = time.monotonic()
    stock = [Stocked(sku, HUB, qty) for sku, qty in sorted(plan.stock().items()) if qty]
    say(f"receiving {sum(s.qty for s in stock):,} units of {len(stock):,} SKUs")
    units = await receive(doors, stock, _cause(stock))
    say("placing orders")
    refused = await _say_all(plan, doors, channels, rate, say)
    wanted = {(step.channel, step.order.external_id) for step in plan.orders()}
    say(f"{len(wanted):,} orders placed; waiting until they come to rest")
    stand = await _settle(doors, wanted, time.monotonic() + wait_seconds, say)
    return Played(
        orders=len(wanted),
        wishes=sum(isinstance(step, Cancel) for step in plan.steps),
        adjustments=sum(isinstance(step, Adjust) for step in plan.steps),
        refused=tuple(refused),
        units_received=units,
        stand=stand,
        seconds=time.monotonic() - started,
    )


def _cause(stock: list[Stocked]) -> str:
    """The same goods are the same delivery: a file that is played twice is stocked once."""
    return f"replay-{blake2b(repr(stock).encode(), digest_size=8).hexdigest()}"


async def _say_all(
    plan: Plan, doors: Doors, channels: Channels, rate: float, say: Say
) -> list[str]:
    refused: list[str] = []
    began, placed = time.monotonic(), 0
    for step in plan.steps:
        match step:
            case Place(channel, order):
                await channels.tell(channel, order, order.external_id)
                placed += 1
                if placed % TELL_EVERY_ORDERS == 0:
                    await channels.flush()
                    say(f"{placed:,} orders placed")
                if rate:
                    await asyncio.sleep(max(0.0, began + placed / rate - time.monotonic()))
            case Cancel(channel, wish):
                await channels.tell(channel, wish, wish.external_id)
            case Adjust():
                await channels.flush()
                try:
                    await _adjust(doors, step)
                except Refused as no:
                    refused.append(f"{step.cause_id} of {step.sku}: {no}")
    await channels.flush()
    return refused


async def _adjust(doors: Doors, step: Adjust) -> None:
    about = {"sku": step.sku, "location": HUB, "cause_id": step.cause_id}
    if step.qty > 0:
        await doors.post("warehouse", "/receipts", about | {"qty": step.qty})
    else:
        gone = about | {"qty": -step.qty, "reason": step.reason}
        await doors.post("warehouse", "/damages", gone)


async def _settle(
    doors: Doors, wanted: set[Named], give_up: float, say: Say
) -> Mapping[Named, Mapping[str, Any]]:
    while True:
        stand = await find_orders(doors, wanted)
        moving = len(wanted) - sum(map(at_rest, stand.values()))
        if not moving or time.monotonic() > give_up:
            return stand
        say(f"{moving:,} orders are still moving")
        await asyncio.sleep(LOOK_SECONDS)
