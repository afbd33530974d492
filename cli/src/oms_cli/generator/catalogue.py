"""The goods of the generator's shop: what they are called, what they cost, where they lie.

A SKU's price and home depend on its number alone, so that several runs share one catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate
from random import Random

HUB = "HUB"
"""A location that picks and packs by itself (`auto_fulfil`)."""
FLOOR = "FLOOR"
"""A location where people scan."""

ZIPF_EXPONENT = 1.07
"""How steeply demand falls with rank: the first of 500 SKUs has every eighth unit or so."""

_MATERIALS = ("oak", "linen", "copper", "felt", "glass", "slate", "wool", "birch", "steel", "clay")
_THINGS = (
    "lamp", "mug", "throw", "vase", "tray", "stool", "clock", "bowl", "frame", "basket", "candle",
    "apron", "kettle", "mirror", "rack", "planter",
)  # fmt: skip


class Home(StrEnum):
    """Where a SKU lies."""

    HUB = "hub"
    FLOOR = "floor"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Article:
    """Something to be sold."""

    sku: str
    title: str
    price_minor: int
    home: Home


def article(number: int) -> Article:
    """The article with this rank in demand, from 0."""
    bits = int.from_bytes(blake2b(b"article %d" % number, digest_size=8).digest(), "big")
    material, thing = _MATERIALS[bits % 10], _THINGS[(bits >> 8) % len(_THINGS)]
    sku = f"{thing[:3].upper()}-{material[:3].upper()}-{number:05}"
    price_minor = 190 + (bits >> 16) % 8_000 if bits >> 32 & 7 else 9_900 + (bits >> 16) % 10_000
    home = {3: Home.FLOOR, 7: Home.FLOOR, 9: Home.BOTH}.get(number % 10, Home.HUB)
    return Article(sku, f"{material} {thing}", price_minor, home)


class Assortment:
    """Articles with demand falling by rank, as Zipf found it for words and shops find it for goods.

    The rank within an assortment is the rank among all, so a slow seller stays one everywhere.
    """

    def __init__(self, articles: Sequence[Article], ranks: Sequence[int]) -> None:
        if not articles:
            raise ValueError("an assortment needs articles; give the catalogue at least 10 SKUs")
        self._articles = articles
        self._cumulated = tuple(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in ranks))

    def draw(self, chance: Random) -> Article:
        """An article, the popular ones more often."""
        return chance.choices(self._articles, cum_weights=self._cumulated)[0]


class Catalogue:
    """`skus` articles, and the assortments that orders are drawn from."""

    def __init__(self, skus: int) -> None:
        self.articles = tuple(map(article, range(skus)))

    @cached_property
    def everything(self) -> Assortment:
        """All articles, wherever they lie."""
        return self._of(Home.HUB, Home.FLOOR, Home.BOTH)

    @cached_property
    def hub(self) -> Assortment:
        """What lies at the hub and nowhere else."""
        return self._of(Home.HUB)

    @cached_property
    def floor(self) -> Assortment:
        """What lies on the floor and nowhere else."""
        return self._of(Home.FLOOR)

    def _of(self, *homes: Home) -> Assortment:
        ranks = [n for n, a in enumerate(self.articles) if a.home in homes]
        return Assortment([self.articles[n] for n in ranks], ranks)
