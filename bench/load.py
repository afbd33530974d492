"""The load generator: orders at a steady rate, sent when they are due and not when there is room.

A process of its own, so that its work is not counted as the system's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
import uuid
from bisect import bisect
from datetime import UTC, datetime
from itertools import accumulate

from aiokafka import AIOKafkaProducer

from oms_contracts import wire
from oms_contracts.channel import OrderPlaced

CHANNELS = ("web", "marketplace", "store", "wholesale")
LINES = 3
STEP_SECONDS = 0.02


class Orders:
    """Orders of three lines over Zipf-distributed SKUs; a share of payers is declined."""

    def __init__(self, seed: int, skus: int, declined: float) -> None:
        self._random = random.Random(seed)
        self._run = uuid.UUID(int=self._random.getrandbits(128)).hex[:8]
        self._weights = list(accumulate(1 / n for n in range(1, skus + 1)))
        self._declined = declined
        self._made = 0

    def next(self) -> tuple[str, bytes]:
        """The next order: its number and its record's value."""
        self._made += 1
        number = f"B-{self._run}-{self._made:07}"
        declined = self._random.random() < self._declined
        lines = [
            {"line_id": str(n), "sku": sku, "qty": 1, "unit_price_minor": 1000, "tax_minor": 200}
            for n, sku in enumerate(self._skus())
        ]
        total = 1200 * len(lines)
        order = {
            "external_id": number,
            "placed_at": datetime.now(UTC).isoformat(),
            "currency": "EUR",
            "lines": lines,
            "totals": {
                "goods_minor": 1000 * LINES, "tax_minor": 200 * LINES, "grand_total_minor": total,
            },
            "payment": {
                "method": "token", "reference": "tok_decline" if declined else "tok_approve",
            },
            "contact": {"name": "Load Test", "email": "load@customers.example"},
            "ship_to": {
                "name": "Load Test", "line1": "1 Street", "city": "Berlin",
                "postal_code": "10115", "country": "DE",
            },
        }  # fmt: skip
        return number, json.dumps(order).encode()

    def _skus(self) -> list[str]:
        chosen: set[int] = set()
        while len(chosen) < LINES:
            chosen.add(bisect(self._weights, self._random.random() * self._weights[-1]))
        return [f"SKU-{n + 1:06}" for n in sorted(chosen)]


async def send(bootstrap: str, rate: float, seconds: float, orders: Orders, tenant: str) -> int:
    """Send at `rate` orders a second for `seconds`; returns how many were acknowledged."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, acks="all")
    await producer.start()
    began = time.monotonic()
    acks: list[asyncio.Future[object]] = []
    try:
        while (elapsed := time.monotonic() - began) < seconds:
            while len(acks) < elapsed * rate:
                number, value = orders.next()
                channel = CHANNELS[len(acks) % len(CHANNELS)]
                headers = wire.headers_of(
                    uuid.uuid4(), OrderPlaced.TYPE, f"/shops/{channel}", datetime.now(UTC), 0,
                    None, tenant, None,
                )  # fmt: skip
                acks.append(
                    await producer.send(
                        f"oms.channel.{channel}.v1", value, key=number.encode(), headers=headers
                    )
                )
            await asyncio.sleep(STEP_SECONDS)
        await asyncio.gather(*acks)
    finally:
        await producer.stop()
    return len(acks)


def main() -> None:
    """`python bench/load.py --bootstrap … --rate 250 --seconds 60`"""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skus", type=int, default=10_000)
    parser.add_argument("--declined", type=float, default=0.05)
    parser.add_argument("--tenant", default="main")
    given = parser.parse_args()
    orders = Orders(given.seed, given.skus, given.declined)
    sent = asyncio.run(send(given.bootstrap, given.rate, given.seconds, orders, given.tenant))
    cpu = time.process_time()
    print(json.dumps({"sent": sent, "cpu_seconds": cpu}))


if __name__ == "__main__":
    main()
