"""Goods in: receipts by the warehouse's door, and waiting until the stock books know of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from oms_cli.doors import Doors
from oms_cli.generator.planned import Stocked

BATCH_LINES = 500
"""Lines of one delivery, the most that the warehouse takes at once."""
LOOKS_AT_ONCE = 8
LOOK_SECONDS = 0.2
BOOKED_SECONDS = 120.0
"""How long the stock books may take to hear of a delivery."""
_BOOK_ROWS = 500

T = TypeVar("T")


class NotReceived(RuntimeError):
    """The warehouse did not take a delivery, or inventory never heard of it."""


async def receive(doors: Doors, delivered: Iterable[Stocked], cause: str) -> int:
    """Receive goods and return once they are in the stock books; how many units there were.

    Receipts are numbered by `cause` and location: the same again is received once.
    """
    goods = list(delivered)
    for lines in chunks(goods, BATCH_LINES):
        body = [
            {"sku": sku, "location": location, "qty": qty, "cause_id": _number(cause, location)}
            for sku, location, qty in lines
        ]
        for result in await doors.post("warehouse", "/receipts/batch", {"lines": body}):
            if not result["ok"]:
                raise NotReceived(f"{result['sku']}: {result['code']}: {result['text']}")
    give_up = time.monotonic() + BOOKED_SECONDS
    for some in chunks(goods, LOOKS_AT_ONCE):
        await asyncio.gather(*(_until_booked(doors, g, cause, give_up) for g in some))
    return sum(g.qty for g in goods)


def chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    """The items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _number(cause: str, location: str) -> str:
    return f"{cause}-{location}"


async def _until_booked(doors: Doors, goods: Stocked, cause: str, give_up: float) -> None:
    while not await _booked(doors, goods, f"receipt:{_number(cause, goods.location)}"):
        if time.monotonic() > give_up:
            raise NotReceived(f"inventory has not heard of {goods.sku} at {goods.location}")
        await asyncio.sleep(LOOK_SECONDS)


async def _booked(doors: Doors, goods: Stocked, cause: str) -> bool:
    """Whether the shelf's book has the receipt, among its newest lines or further back."""
    before: dict[str, Any] = {}
    while True:
        page = await doors.get(
            "inventory", f"/stock/{goods.sku}/movements", location=goods.location,
            limit=_BOOK_ROWS, **before,
        )  # fmt: skip
        if any(movement["cause"] == cause for movement in page["movements"]):
            return True
        if page["next"] is None:
            return False
        before = {"before": page["next"]}
