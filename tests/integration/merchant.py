"""A merchant at work: what the stories are told with. Everything goes through public doors."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from ordering import DEADLINE_SECONDS, unique, until
from topics import Record, Topics

from oms_cli.stack import Stack
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.event import Event
from oms_platform import SERVICES

AUTO = "HUB"
"""A location that picks and packs by itself; goods are taken from there first."""
FLOOR = "FLOOR"
"""A location where people scan."""
ON_ITS_WAY = ("shipped", "delivered", "completed")
"""Everything of an order has left."""


@dataclass(frozen=True)
class Known:
    """An order as its channel knows it."""

    channel: str
    external_id: str


@dataclass(frozen=True)
class Mail:
    """A mail in the mailbox."""

    to: str
    subject: str
    text: str
    path: Path


class Merchant:
    """Talks to a running system as channels, operators, finance and customers do."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.system = stack.system
        self.topics = Topics(stack.system.bootstrap)
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._mails: dict[Path, Mail] = {}

    async def open(self) -> None:
        """Connect."""
        await self.topics.open()

    async def close(self) -> None:
        """Disconnect."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))
        await self.topics.close()

    # Channels

    async def publish(self, channel: str, key: str, type_: str, value: bytes) -> None:
        """Put a record on a channel's topic, as a shop's Kafka client would."""
        headers = wire.headers_of(
            uuid.uuid4(), type_, f"/shops/{channel}", datetime.now(UTC), 1, None,
            self.system.tenant, None,
        )  # fmt: skip
        await self.topics.write(f"oms.channel.{channel}.v1", key.encode(), value, headers)

    async def tell(self, channel: str, event: Event, key: str) -> None:
        """Publish a channel's event."""
        await self.publish(channel, key, event.TYPE, wire.encode(event))

    async def place(self, order: OrderPlaced, channel: str = "web") -> Known:
        """Place an order through Kafka."""
        await self.tell(channel, order, order.external_id)
        return Known(channel, order.external_id)

    async def wish_to_cancel(self, known: Known, reason: str = "changed my mind") -> None:
        """The customer asks for a cancellation, through Kafka."""
        wish = CancellationRequested(external_id=known.external_id, reason=reason)
        await self.tell(known.channel, wish, known.external_id)

    async def post_order(
        self, order: OrderPlaced, channel: str = "web", idempotency_key: str = ""
    ) -> httpx.Response:
        """Place an order through HTTP."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self.client("order", channel).post(
            "/orders",
            content=wire.encode(order),
            headers={"Content-Type": "application/json", **headers},
        )

    async def answers(self, known: Known, *names: str) -> list[Record]:
        """What the channel was told about an order, in order; of these kinds, if any are named."""
        topic = f"oms.channel.{known.channel}.answers.v1"
        told = (await self.topics.events(topic, known.external_id)).values()
        return [answer for answer in told if not names or answer.name in names]

    async def is_told(self, known: Known, *names: str) -> None:
        """Returns once the channel has been told exactly this, in this order."""

        async def told() -> bool:
            return [answer.name for answer in await self.answers(known)] == list(names)

        await until(told)

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
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        assert response.is_success, f"{path}: {response.status_code} {response.text}"
        return response.json()

    # Goods

    async def receive(self, sku: str, qty: int, location: str = AUTO, po_line: str = "") -> None:
        """Goods arrive; returns once they are in the books."""
        receipt = {
            "sku": sku, "location": location, "qty": qty, "cause_id": unique("RCV"),
            "po_line": po_line,
        }  # fmt: skip
        await self.do("warehouse", "/receipts", receipt)
        await self._booked(sku, location, f"receipt:{receipt['cause_id']}")

    async def count(self, sku: str, counted_qty: int, location: str) -> None:
        """Somebody counts a shelf; returns once the books agree."""
        count = {
            "sku": sku, "location": location, "counted_qty": counted_qty, "cause_id": unique("CNT")
        }  # fmt: skip
        await self.do("warehouse", "/counts", count)
        await self._booked(sku, location, f"count:{count['cause_id']}")

    async def _booked(self, sku: str, location: str, cause: str) -> None:
        async def booked() -> bool:
            book = await self.see("inventory", f"/stock/{sku}/movements?location={location}")
            return any(move["cause"] == cause for move in book["movements"])

        await until(booked)

    async def stock(self, sku: str, location: str = AUTO) -> tuple[int, int]:
        """Units on a shelf as the books have it, and how many of them are set aside."""
        found = await self.see("inventory", f"/stock/{sku}")
        shelves = {s["location"]: s for s in found["locations"]} if found else {}
        shelf = shelves.get(location, {"on_hand": 0, "reserved": 0})
        return shelf["on_hand"], shelf["reserved"]

    async def holds(self, sku: str, on_hand: int, reserved: int = 0, location: str = AUTO) -> None:
        """Returns once the books have exactly this on a shelf."""

        async def so() -> bool:
            return await self.stock(sku, location) == (on_hand, reserved)

        try:
            await until(so)
        except AssertionError:
            found = await self.stock(sku, location)
            raise AssertionError(f"wanted {(on_hand, reserved)}, got {found}") from None

    async def purchase(self, sku: str) -> Any:
        """The open purchase order line for a SKU, once there is one."""

        async def line() -> Any:
            found = await self.see("inventory", f"/stock/{sku}")
            return next(iter(found["purchases"] if found else ()), None)

        return await until(line)

    # Orders

    async def order(self, known: Known) -> Any:
        """The order's page, or None."""
        return await self.see("order", f"/orders/{known.channel}/{known.external_id}")

    async def reaches(
        self, known: Known, *statuses: str, deadline_seconds: float = DEADLINE_SECONDS
    ) -> Any:
        """The order's page once it stands at one of `statuses`."""

        async def there() -> Any:
            page = await self.order(known)
            return page if page is not None and page["status"] in statuses else None

        try:
            return await until(there, deadline_seconds)
        except AssertionError:
            page = await self.order(known)
            raise AssertionError(f"wanted {statuses}, the page says: {page}") from None

    async def is_held(self, known: Known, type_: str) -> Any:
        """The order's page once a person has to look at it for this."""

        async def held() -> Any:
            page = await self.order(known)
            return page if page and any(h["type"] == type_ for h in page["holds"]) else None

        return await until(held)

    async def release(self, page: Any, **found: Any) -> None:
        """A person has looked: every hold of the order is released."""
        for hold in page["holds"]:
            path = f"/orders/{page['order_id']}/holds/{hold['hold_id']}/release"
            await self.do("order", path, {"note": "looked at", **found})

    async def facts(self, page: Any, *names: str, topic: str = "oms.order.v1") -> list[Record]:
        """What was said about an order; of these kinds, if any are named."""
        said = (await self.topics.events(topic, page["order_id"])).values()
        return [fact for fact in said if not names or fact.name in names]

    async def say(self, like: Record, event: type[Event], data: Any) -> None:
        """Publish something in a service's stead about the order that a record is about."""
        headers = wire.headers_of(
            uuid.uuid4(), event.TYPE, "/somebody", datetime.now(UTC), 99, None,
            self.system.tenant, None,
        )  # fmt: skip
        value = json.dumps(data).encode()
        await self.topics.write(event.TOPIC, like.key.encode(), value, headers, like.partition)

    async def all_is_quiet(self) -> None:
        """Returns once every service has heard everything and has nothing left to say."""

        async def quiet() -> bool:
            if not await self.topics.are_heard():
                return False
            backlogs = [await self.see(service, "/status") for service in SERVICES]
            silent = not any(backlog["outbox"] + backlog["calls"] for backlog in backlogs)
            return silent and await self.topics.are_heard()  # also what was said meanwhile

        await until(quiet)

    async def payment(self, page: Any) -> Any:
        """The latest attempt to pay an order as billing knows it, or None."""
        found = await self.see("billing", f"/payments/{page['order_id']}")
        return found["attempts"][-1] if found else None

    async def has_paid(self, page: Any, amount_minor: int) -> None:
        """Returns once exactly this has been taken for an order."""

        async def paid() -> bool:
            payment = await self.payment(page)
            return payment is not None and payment["captured_minor"] == amount_minor

        await until(paid)

    # Mails

    def mails(self, about: str, to: str = "") -> Sequence[Mail]:
        """Mails about an order number or a SKU; those to one reader, if one is named."""
        for path in (Path(self.system.data_dir) / "mails").glob("*.eml"):
            if path not in self._mails:
                self._mails[path] = _mail(path)
        return [m for m in self._mails.values() if about in m.subject + m.text and to in m.to]

    async def is_mailed(self, about: str, to: str, *subjects: str) -> None:
        """Returns once a reader has exactly one mail for each of these beginnings of a subject."""

        async def mailed() -> bool:
            got = sorted(mail.subject for mail in self.mails(about, to))
            wanted = sorted(subjects)
            return len(got) == len(wanted) and all(map(str.startswith, got, wanted))

        try:
            await until(mailed)
        except AssertionError:
            got = sorted(mail.subject for mail in self.mails(about, to))
            raise AssertionError(f"wanted mails {sorted(subjects)}, got {got}") from None


def _mail(path: Path) -> Mail:
    parsed = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    body = parsed.get_body(("plain",))
    return Mail(str(parsed["To"]), str(parsed["Subject"]), body.get_content() if body else "", path)
