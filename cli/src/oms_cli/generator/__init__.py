"""Realistic orders from a seed, each with the end it will come to.

The same seed, count, catalogue and start give the same bytes. Predictions hold under any
interleaving of the services' work, provided that `opening_stock` of all orders was received
before the first is placed and that people do the deeds planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random

from oms_cli.generator.cases import CASES, PICK_SHORT, PICK_SLOWLY, Case
from oms_cli.generator.catalogue import FLOOR, HUB, Catalogue
from oms_cli.generator.planned import (
    Deed,
    End,
    Expectation,
    Planned,
    Stocked,
    charged,
    opening_stock,
    predicted,
)
from oms_cli.generator.sketch import sketch

__all__ = [
    "CASES",
    "FLOOR",
    "HUB",
    "PICK_SHORT",
    "PICK_SLOWLY",
    "Deed",
    "End",
    "Expectation",
    "Planned",
    "Stocked",
    "charged",
    "opening_stock",
    "orders",
    "predicted",
]

SHARES = {"web": 0.45, "marketplace": 0.25, "store": 0.15, "wholesale": 0.15}
"""How many orders come from which channel, where their case allows."""
SECONDS_BETWEEN_ORDERS = 7.0
"""By the customers' clocks; they are sent as fast as the system takes them."""


def orders(seed: int, count: int, skus: int, start: datetime) -> Iterator[Planned]:
    """`count` orders over a catalogue of `skus`, placed from `start` on.

    Every case occurs as often as its share says, to the nearest order, and at least once when
    `count` allows for all of them twice over. Order numbers differ from run to run.
    """
    catalogue = Catalogue(skus)
    run = _run(seed, start)
    for number, case in enumerate(_deal(seed, count)):
        chance = Random(f"{seed}|{number}")
        placed_at = start + timedelta(seconds=number * SECONDS_BETWEEN_ORDERS)
        weights = [SHARES[channel] for channel in case.channels]
        channel = chance.choices(case.channels, weights)[0]
        drawn = sketch(chance, catalogue, run, number, channel, placed_at)
        case.build(drawn)
        yield drawn.planned(case.name)


def _run(seed: int, start: datetime) -> str:
    """What tells one run's orders and special SKUs from another's."""
    return blake2b(f"{seed}|{start.isoformat()}".encode(), digest_size=4).hexdigest().upper()


def _deal(seed: int, count: int) -> list[Case]:
    """Cases in their shares, shuffled: what is left over by rounding goes to the first."""
    at_least = 1 if count >= 2 * len(CASES) else 0
    dealt = [case for case in CASES[1:] for _ in range(max(at_least, round(case.share * count)))]
    dealt += [CASES[0]] * (count - len(dealt))
    Random(f"{seed}|cases").shuffle(dealt)
    return dealt[:count]
