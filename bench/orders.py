"""Orders as channels write them, made at little cost: the generator shares the machine."""

from __future__ import annotations

import json
import random
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

from bench.plan import Spread, Work

CHANNELS = ("web", "marketplace", "store", "wholesale")
EMPTY_SKU = "SKU-NONE"
"""Nothing of it ever comes."""
UNIT_MINOR, TAX_MINOR = 1000, 200
DECLINED, APPROVED = "tok_decline", "tok_approve"


class Made(NamedTuple):
    """An order ready to be sent."""

    number: str
    channel: str
    value: bytes
    cancelled: bool


def sku(rank: int) -> str:
    """The SKU with this rank in demand, from 1."""
    return f"SKU-{rank:06}"


def all_skus(work: Work) -> list[str]:
    """Every SKU of which there is stock."""
    return [sku(rank) for rank in range(1, work.skus + 1)]


class Orders:
    """The orders of one stage; the same `seed` and `stage` give the same orders."""

    def __init__(self, work: Work, stage: int) -> None:
        self._chance = random.Random(f"{work.seed}/{stage}").random
        self._run = f"B{work.seed}-{stage}"
        self._work = work
        self._draw = self._drawing()
        self._made = 0

    def next(self, placed_at: str) -> Made:
        """The next order, placed at that moment (RFC 3339)."""
        self._made += 1
        number = f"{self._run}-{self._made:07}"
        work, fate = self._work, self._chance()
        short = fate < work.out_of_stock
        declined = not short and fate < work.out_of_stock + work.declined
        cancelled = fate >= 1 - work.cancelled
        skus = self._draw()
        if short:
            skus[-1] = EMPTY_SKU
        value = _render(number, placed_at, DECLINED if declined else APPROVED, skus)
        return Made(number, CHANNELS[self._made % len(CHANNELS)], value, cancelled)

    def _drawing(self) -> Callable[[], list[str]]:
        work, chance = self._work, self._chance
        skus = all_skus(work)
        flat = work.spread is not Spread.ZIPF
        exponent = 0.0 if flat else work.zipf_exponent
        weights = list(accumulate(rank**-exponent for rank in range(1, work.skus + 1)))
        total = weights[-1]

        def draw() -> list[str]:
            chosen: set[int] = set()
            while len(chosen) < work.lines:
                chosen.add(bisect(weights, chance() * total))
            return [skus[n] for n in chosen]

        return draw


def _render(number: str, placed_at: str, token: str, skus: list[str]) -> bytes:
    lines = ",".join(_LINE % (n, sku) for n, sku in enumerate(skus))
    goods, tax = UNIT_MINOR * len(skus), TAX_MINOR * len(skus)
    return (_ORDER % (number, placed_at, lines, goods, tax, goods + tax, token)).encode()


_LINE = (
    f'{{"line_id":"%d","sku":"%s","qty":1,"unit_price_minor":{UNIT_MINOR},"tax_minor":{TAX_MINOR}}}'
)
_ADDRESS = {
    "name": "Load Test", "line1": "1 Street", "city": "Berlin", "postal_code": "10115",
    "country": "DE",
}  # fmt: skip
_ORDER = (
    '{"external_id":"%s","placed_at":"%s","currency":"EUR","lines":[%s],'
    '"totals":{"goods_minor":%d,"tax_minor":%d,"grand_total_minor":%d},'
    '"payment":{"method":"token","reference":"%s"},"backorder_policy":"deny",'
    '"contact":{"name":"Load Test","email":"load@customers.example"},'
    f'"ship_to":{json.dumps(_ADDRESS)}}}'
)
