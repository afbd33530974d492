"""The load generator: orders at a steady rate, sent when they are due and not when there is room.

A process of its own, so that its work is not counted as the system's. Each record carries the
moment it was meant for, and latency counts from there: a generator held up hides no delay.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections import deque
from datetime import UTC, datetime

import msgspec
from aiokafka import AIOKafkaProducer

from bench.orders import Orders
from bench.plan import Stage, Work
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested, OrderPlaced

STEP_SECONDS = 0.02
"""Orders that fall due within one step are sent together."""
IN_FLIGHT_MAX = 50_000
"""Records without an acknowledgement: a broker so far behind carries nothing any more."""


class Sender:
    """Sends what is due; `sent` counts orders and `late_seconds_max` how late one ever was."""

    def __init__(
        self, producer: AIOKafkaProducer, orders: Orders, work: Work, tenant: str
    ) -> None:  # fmt: skip
        self._producer, self._orders, self._tenant = producer, orders, tenant
        self._cancel_after = work.cancel_after_seconds
        self._cancels: deque[tuple[float, str, str]] = deque()
        self._acks: set[asyncio.Future[object]] = set()
        self.sent = 0
        self.failed = 0
        self.late_seconds_max = 0.0

    async def place(self, due: float) -> None:
        """Send the next order, meant for `due` (seconds since the epoch)."""
        placed_at = datetime.fromtimestamp(due, UTC)
        order = self._orders.next(placed_at.isoformat())
        await self._send(order.channel, order.number, OrderPlaced.TYPE, due, order.value)
        self.sent += 1
        self.late_seconds_max = max(self.late_seconds_max, time.time() - due)
        if order.cancelled:
            self._cancels.append((due + self._cancel_after, order.channel, order.number))

    async def cancel(self, now: float) -> None:
        """Send the cancellations that are due."""
        while self._cancels and self._cancels[0][0] <= now:
            due, channel, number = self._cancels.popleft()
            value = json.dumps({"external_id": number}).encode()
            await self._send(channel, number, CancellationRequested.TYPE, due, value)

    async def finish(self) -> None:
        """Send what is still to be cancelled and wait for the broker."""
        await self.cancel(float("inf"))
        if self._acks:
            await asyncio.wait(self._acks)

    async def _send(self, channel: str, number: str, name: str, due: float, value: bytes) -> None:
        headers = wire.headers_of(
            uuid.uuid4(), name, f"/shops/{channel}", datetime.fromtimestamp(due, UTC), 0, None,
            self._tenant, None,
        )  # fmt: skip
        ack = await self._producer.send(
            f"oms.channel.{channel}.v1", value, key=number.encode(), headers=headers,
            timestamp_ms=int(due * 1000),
        )  # fmt: skip
        self._acks.add(ack)
        ack.add_done_callback(self._acknowledged)
        if len(self._acks) > IN_FLIGHT_MAX:
            raise RuntimeError("the broker does not keep up with the generator")

    def _acknowledged(self, ack: asyncio.Future[object]) -> None:
        self._acks.discard(ack)
        self.failed += ack.exception() is not None


class Job(msgspec.Struct, frozen=True):
    """What to send, and where."""

    bootstrap: str
    tenant: str
    work: Work
    stage: Stage
    number: int
    """Of the stage: each has orders of its own."""


async def send(job: Job) -> dict[str, float]:
    """Send one stage, warm-up first; tells on standard output when it begins."""
    work, stage = job.work, job.stage
    producer = AIOKafkaProducer(bootstrap_servers=job.bootstrap, linger_ms=20, acks="all")
    await producer.start()
    sender = Sender(producer, Orders(work, job.number), work, job.tenant)
    try:
        began = time.time() + STEP_SECONDS
        print(json.dumps({"began": began}), flush=True)
        used = time.process_time()
        total = round((stage.warm_up_seconds + stage.seconds) * stage.rate)
        while sender.sent < total:
            now = time.time()
            while sender.sent < total and (due := began + sender.sent / stage.rate) <= now:
                await sender.place(due)
            await sender.cancel(now)
            await asyncio.sleep(STEP_SECONDS)
        await sender.finish()
    finally:
        await producer.stop()
    return {
        "sent": sender.sent, "failed": sender.failed, "late_s_max": sender.late_seconds_max,
        "cpu_seconds": time.process_time() - used,
    }  # fmt: skip


def main() -> None:
    """Take the job from standard input."""
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    print(json.dumps(asyncio.run(send(job))), flush=True)
    sys.stdin.readline()  # its CPU can be read as long as it lives


if __name__ == "__main__":
    main()
