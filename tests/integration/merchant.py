"""A merchant at work: what the stories are told with. Everything goes through public doors."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from oms_cli.stack import Stack
from oms_contracts import wire
from oms_contracts.channel import (
    Address,
    CancellationRequested,
    Contact,
    OrderPlaced,
    Payment,
    PaymentMethod,
    PlacedLine,
    Totals,
)
from oms_contracts.event import Event
from oms_platform import load_topics

DEADLINE_SECONDS = 40.0
PARTITIONS = load_topics(Path(__file__).parents[2] / "deploy/topics.toml")[0].partitions
AUTO = "HUB"
"""A location that picks and packs by itself."""
FLOOR = "FLOOR"
"""A location where people scan."""

T = TypeVar("T")


def unique(prefix: str) -> str:
    """A name nobody used before."""
    return f"{prefix}-{uuid.uuid4().hex[:10].upper()}"


async def until(what: Callable[[], Awaitable[T]], deadline_seconds: float = DEADLINE_SECONDS) -> T:
    """Poll until `what` gives something true; fails with its last value after the deadline."""
    give_up = time.monotonic() + deadline_seconds
    while not (found := await what()):
        assert time.monotonic() < give_up, f"still {found!r} after {deadline_seconds} s"
        await asyncio.sleep(0.1)
    return found


def line(
    sku: str, qty: int = 1, price_minor: int = 1_000, tax_minor: int | None = None
) -> PlacedLine:
    """An order line; 20 % tax unless another tax is given."""
    tax = qty * price_minor // 5 if tax_minor is None else tax_minor
    return PlacedLine(
        line_id=f"L-{sku[-12:]}", sku=sku, qty=qty, unit_price_minor=price_minor, tax_minor=tax
    )


def placed(*lines: PlacedLine, token: str = "tok_approve", **changes: Any) -> OrderPlaced:
    """An order as a shop would send it, with honest sums."""
    shipping = changes.pop("shipping_minor", 490)
    goods = sum(x.qty * x.unit_price_minor for x in lines)
    tax = sum(x.tax_minor for x in lines)
    discount = sum(x.discount_minor for x in lines)
    honest = Totals(
        goods_minor=goods, discount_minor=discount, shipping_minor=shipping, tax_minor=tax,
        grand_total_minor=goods - discount + shipping + tax,
    )  # fmt: skip
    given: dict[str, Any] = {
        "external_id": unique("ORD"),
        "placed_at": datetime.now(UTC),
        "currency": "EUR",
        "lines": lines,
        "shipping_minor": shipping,
        "totals": honest,
        "payment": Payment(method=PaymentMethod.TOKEN, reference=token),
        "contact": Contact(name="Ada Example", email="ada@customers.example"),
        "ship_to": Address(
            name="Ada Example", line1="1 Sample Street", city="Berlin", postal_code="10115",
            country="DE",
        ),
    }  # fmt: skip
    return OrderPlaced(**{**given, **changes})


@dataclass(frozen=True)
class Known:
    """An order as its channel knows it."""

    channel: str
    external_id: str


class Merchant:
    """Talks to a running system as channels, operators, pickers and customers do."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.system = stack.system
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(bootstrap_servers=self.system.bootstrap)
        await self._producer.start()

    async def close(self) -> None:
        """Disconnect."""
        for client in self._clients.values():
            await client.aclose()
        if self._producer is not None:
            await self._producer.stop()

    # Channels

    async def publish(
        self, channel: str, key: str, type_: str, value: bytes, event_id: uuid.UUID | None = None
    ) -> None:
        """Put a record on a channel's topic, as a plain Kafka client would."""
        assert self._producer is not None
        headers = wire.headers_of(
            event_id or uuid.uuid4(), type_, f"/shops/{channel}", datetime.now(UTC), 1, None,
            self.system.tenant, None,
        )  # fmt: skip
        await self._producer.send_and_wait(
            f"oms.channel.{channel}.v1", value, key=key.encode(), headers=headers
        )

    async def tell(self, channel: str, event: Event, key: str) -> None:
        """Publish a channel's event."""
        await self.publish(channel, key, event.TYPE, wire.encode(event))

    async def place(self, order: OrderPlaced, channel: str = "web") -> Known:
        """Place an order through Kafka."""
        await self.tell(channel, order, order.external_id)
        return Known(channel, order.external_id)

    async def cancel_by_customer(self, known: Known, reason: str = "changed my mind") -> None:
        """Ask for a cancellation through Kafka."""
        wish = CancellationRequested(external_id=known.external_id, reason=reason)
        await self.tell(known.channel, wish, known.external_id)

    async def post_order(
        self, order: OrderPlaced, channel: str = "web", idempotency_key: str | None = None
    ) -> httpx.Response:
        """Place an order through HTTP."""
        return await self.client("order", channel).post(
            "/orders",
            content=wire.encode(order),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": idempotency_key or unique("key"),
            },
        )

    async def answers(self, known: Known) -> list[str]:
        """Types of what the channel was told about an order, in order."""
        topic = f"oms.channel.{known.channel}.answers.v1"
        return [type_ for type_, _ in await self.log(topic, known.external_id)]

    async def log(self, topic: str, key: str) -> list[tuple[str, bytes]]:
        """Type and value of every record with a key, in log order."""
        return [
            (wire.type_of(r.headers) or "", r.value)
            for r in await self.records(topic)
            if r.key == key.encode()
        ]

    async def records(self, topic: str) -> list[Any]:
        """Every record of a topic, as a plain Kafka client reads it."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.system.bootstrap)
        await consumer.start()
        try:
            places = [TopicPartition(topic, p) for p in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            found: list[Any] = []
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await consumer.stop()

    # People

    def client(self, service: str, role: str = "operator") -> httpx.AsyncClient:
        """A service's HTTP door, with the key of a role."""
        name = f"{service}/{role}"
        if name not in self._clients:
            self._clients[name] = httpx.AsyncClient(
                base_url=self.system.urls[service], headers=self.system.headers(role), timeout=30
            )
        return self._clients[name]

    async def do(self, service: str, path: str, body: Any = None, role: str = "operator") -> Any:
        """Command a service; the answer's JSON. Fails unless it succeeds."""
        response = await self.client(service, role).post(path, json=body)
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json()

    async def see(self, service: str, path: str, role: str = "operator") -> Any:
        """Read from a service; None where there is no such thing."""
        response = await self.client(service, role).get(path)
        if response.status_code == 404:
            return None
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json()

    async def receive(self, sku: str, qty: int, location: str = AUTO, **more: Any) -> None:
        """Goods arrive; returns once inventory knows."""
        before = await self.on_hand(sku, location)
        receipt = {"sku": sku, "location": location, "qty": qty, "cause_id": unique("RCV"), **more}
        await self.do("warehouse", "/receipts", receipt)

        async def known() -> bool:
            return await self.on_hand(sku, location) >= before + qty

        await until(known)

    async def stock(self, sku: str, location: str) -> dict[str, int]:
        """A shelf as the books have it."""
        found = await self.see("inventory", f"/stock/{sku}")
        shelves = found["locations"] if found else []
        empty = {"on_hand": 0, "reserved": 0, "available": 0}
        return next((s for s in shelves if s["location"] == location), empty)

    async def on_hand(self, sku: str, location: str = AUTO) -> int:
        """Units on a shelf."""
        return (await self.stock(sku, location))["on_hand"]

    # Orders

    async def order(self, known: Known) -> Any:
        """The order's page, or None."""
        return await self.see("order", f"/orders/{known.channel}/{known.external_id}")

    async def reaches(self, known: Known, *statuses: str) -> Any:
        """The order's page once it stands at one of `statuses`."""

        async def there() -> Any:
            page = await self.order(known)
            return page if page is not None and page["status"] in statuses else None

        try:
            return await until(there)
        except AssertionError:
            page = await self.order(known)
            raise AssertionError(f"wanted {statuses}, the page says: {page}") from None

    async def mails(self, order_no: str) -> Sequence[str]:
        """Subjects of the mails that were sent about an order."""
        folder = Path(self.system.data_dir) / "mails"
        texts = [path.read_text(errors="replace") for path in sorted(folder.rglob("*.eml"))]
        return [
            next(x for x in text.splitlines() if x.lower().startswith("subject:"))
            for text in texts
            if order_no in text
        ]
