"""Orders of many kinds from a seed, each with the end it must come to whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from uuid import uuid4

from patience import PatientChannels, PatientDoors, until

from oms_cli.demo.people import People
from oms_cli.demo.watch import Watch
from oms_cli.generator import CASES, Case, Planned, opening_stock
from oms_cli.generator.catalogue import Catalogue
from oms_cli.generator.sketch import Sketch, sketch
from oms_cli.receiving import receive
from oms_cli.reconcile.outside import SentLine, remember_sent
from oms_cli.stack import System
from oms_contracts.channel import OrderPlaced, PaymentMethod

HTTP_CHANNEL = "store"
"""This channel places its orders over HTTP, the others write to Kafka."""
SKUS = 60
CLOCKS_APART = timedelta(seconds=60)
SHARES = {
    "plain": 26,
    "repeated": 6,
    "payment declined": 10,
    "out of stock, not waiting": 6,
    "delivered late": 10,
    "backordered wholly": 4,
    "picked short": 4,
    "cancelled while picking": 4,
    "special, cancelled in flight": 10,
    "special, released": 6,
    "capture fails once": 4,
    "costs approved": 4,
    "costs rejected": 4,
    "malformed": 2,
}
"""How many of 100 orders are of which case: what ends by no clock, compensations many times over
their share of a real day."""


def _capture_fails_once(order: Sketch) -> None:
    """Shipped and invoiced; the money comes at the second try."""
    order.fill(order.catalogue.hub)
    order.method, order.token = PaymentMethod.TOKEN, "tok_capture_fails_once"


def _mails_bounce(order: Sketch) -> None:
    """Shipped as any other; no mail about it arrives, and somebody may call."""
    order.fill(order.catalogue.hub)
    contact = order.customer.contact.model_copy(update={"email": "bounce@customers.example"})
    order.customer = order.customer._replace(contact=contact)


_OWN = (
    Case("capture fails once", 0.0, _capture_fails_once, ("web", HTTP_CHANNEL)),
    Case("mails bounce", 0.0, _mails_bounce),
)
_CASES = {case.name: case for case in (*CASES, *_OWN)}


def planned(
    seed: int, count: int, shares: Mapping[str, int] = SHARES, skus: int = SKUS
) -> list[Planned]:
    """Orders of these cases. Numbers differ from run to run, what happens to them does not."""
    run, start = uuid4().hex[:8].upper(), datetime.now(UTC) - timedelta(hours=1)
    catalogue = Catalogue(skus)
    names = Random(f"{seed}|cases").choices(list(shares), list(shares.values()), k=count)
    plan = []
    for number, name in enumerate(names):
        chance = Random(f"{seed}|{number}")
        channel = chance.choice(_CASES[name].channels)
        drawn = sketch(chance, catalogue, run, number, channel, start + timedelta(seconds=number))
        _CASES[name].build(drawn)
        plan.append(drawn.planned(name))
    return plan


class Load:
    """Orders being placed, people at work on them, and where they stand."""

    def __init__(self, system: System, plan: Sequence[Planned], a_second: float) -> None:
        self.plan = list(plan)
        self.placed: list[Planned] = []
        """Orders that the system has taken, as far as their channels know."""
        self.taken_over_http = 0
        self.doors = PatientDoors(system)
        self.channels = PatientChannels(system)
        self._began = datetime.now(UTC)
        self._a_second = a_second
        self._enough = False
        self._people: list[asyncio.Task[None]] = []

    async def receive_stock(self) -> None:
        """All goods that these orders need."""
        await receive(self.doors, opening_stock(self.plan), f"open-{uuid4().hex[:12]}")

    async def place_all(self) -> None:
        """Place all orders at their rate, whether or not those before have been taken yet."""
        async with asyncio.TaskGroup() as placing:
            for order in self.plan:
                if self._enough:
                    break
                placing.create_task(self._place(order))
                await asyncio.sleep(1 / self._a_second)

    def enough(self) -> None:
        """Place no more orders, whatever the plan says."""
        self._enough = True

    async def reaches(self, share: float) -> None:
        """Return once this share of all orders was taken: the middle of the load."""

        async def there() -> bool:
            return len(self.placed) >= share * len(self.plan)

        await until(there)

    async def astray(self, seconds: float) -> list[str]:
        """Wait until every order is where it was foretold to be; those that never came there."""
        watch = Watch(self.doors, self.placed, self._began - CLOCKS_APART)

        async def all_there() -> bool:
            await watch.look()
            return not watch.astray()

        with suppress(AssertionError):
            await until(all_there, seconds)
        return [await self._told(order, where, watch) for order, where in watch.astray()]

    async def _told(self, order: Planned, where: str, watch: Watch) -> str:
        """An order that is not where it should be, what it waits for, and what happened to it."""
        order_id = watch.ids.get((order.channel, order.external_id))
        if order_id is None:
            return f"{order}, but it is {where}"
        page = await self.doors.get("order", f"/orders/{order_id}")
        waits = ", ".join(wait["waits_for"] for wait in page["waiting"])
        past = ", ".join(
            f"{entry['happened_at'][11:23]} {entry['type']}" for entry in page["history"]
        )
        return f"{order}, but it is {where} for {waits or 'nothing'}; {order_id}: {past}"

    async def go_home(self) -> None:
        """The people stop; raises what made one of them stop before."""
        ended = [task for task in self._people if task.done()]
        for task in self._people:
            task.cancel()
        await asyncio.gather(*self._people, return_exceptions=True)
        for task in ended:
            task.result()

    async def _place(self, order: Planned) -> None:
        for value in order.values:
            if order.channel == HTTP_CHANNEL:
                await self._post(order, value)
            else:
                await self.channels.send(order.channel, OrderPlaced.TYPE, order.external_id, value)
        self.placed.append(order)
        if order.deed is not None:
            work = People(self.doors, self.channels, [order]).work()
            self._people.append(asyncio.create_task(work, name=f"people of {order}"))

    async def _post(self, order: Planned, value: bytes) -> None:
        key = f"{order.external_id}-{sha256(value).hexdigest()[:16]}"
        taken = await self.doors.post("order", "/orders", value, order.channel, key)
        sent = SentLine(order.channel, order.external_id, taken["order_id"])
        remember_sent(Path(self.doors.system.data_dir), sent)
        self.taken_over_http += 1
