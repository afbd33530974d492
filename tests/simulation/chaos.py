"""What happens while nobody means well: one thing a step, chosen by the step's own seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

import office
import orders
from msgspec.structs import replace
from node import Node
from orders import id_of
from outside import Manner
from replicas import Place
from world import CHANNEL, World

from oms_chassis.decision import Malformed
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_order.domain import CancellationWish, Order

BATCH_MAX = 5
SLOW_ARE_READ = 0.08
ODD_MANNERS = tuple(manner for manner in Manner if manner is not Manner.HONEST)


def place(world: World, rng: Random) -> None:
    """A customer orders, most by Kafka; some wish it cancelled before the order is even there."""
    external_id = f"S-{len(world.orders) + 1}"
    world.orders.append(id_of(external_id))
    if rng.random() < 0.02:
        wish_cancelled(world, rng, len(world.orders))
    if rng.random() < 0.03:
        world.say(id_of(external_id), unreadable(OrderPlaced.TYPE, external_id))
    placed = orders.submission(world.setup, rng, external_id)
    if rng.random() < 0.8:
        world.say(id_of(external_id), placed)
    else:
        world.command("order", "order", id_of(external_id), placed, actor=CHANNEL)


def channel(world: World, rng: Random) -> None:
    """The channel repeats itself, changes what was ordered, or makes no sense."""
    if not world.orders:
        return
    n = rng.randrange(len(world.orders)) + 1
    order = world.nodes["order"].state("order", world.orders[n - 1])
    if not isinstance(order, Order):
        return
    choices = (
        order.placed,
        order.placed,
        replace(order.placed, digest=f"other {rng.random()}"),
        unreadable(OrderPlaced.TYPE, f"S-{n}"),
        unreadable(CancellationRequested.TYPE, f"S-{n}"),
    )
    world.say(world.orders[n - 1], rng.choice(choices))


def cancel(world: World, rng: Random) -> None:
    """The customer cancels in the shop, or on the phone."""
    if not world.orders:
        return
    n = rng.choice(_worked_on(world) or range(len(world.orders))) + 1
    if rng.random() < 0.6:
        wish_cancelled(world, rng, n)
    else:
        office.cancel(world, rng, world.orders[n - 1])


def _worked_on(world: World) -> list[int]:
    """Places of the orders whose goods somebody has in hand: there a cancellation hurts most."""
    states = [world.nodes["order"].state("order", order_id) for order_id in world.orders]
    return [n for n, o in enumerate(states) if isinstance(o, Order) and any(o.live())]


def wish_cancelled(world: World, rng: Random, n: int) -> None:
    """All of an order, or some units of it."""
    order = world.nodes["order"].state("order", world.orders[n - 1])
    lines: tuple[tuple[str, int], ...] = ()
    if rng.random() < 0.5:
        lines = (("1", 1),)
        if isinstance(order, Order):
            line = rng.choice(order.placed.lines)
            lines = ((line.line_id, rng.randint(1, line.qty + (rng.random() < 0.1))),)
    digest = f"wish {rng.randint(1, 3)}: {lines}"
    wish = CancellationWish(CHANNEL, f"S-{n}", lines, "changed my mind", digest)
    world.say(world.orders[n - 1], wish)


def unreadable(what: str, external_id: str) -> Malformed:
    """A record of a channel whose key can be read, and nothing else."""
    reasons = (("lines", "missing", "Field required"),)
    return Malformed(what, reasons, f"garbage for {external_id}", CHANNEL, external_id)


def deliver(world: World, rng: Random) -> None:
    """A service hears a few facts, the oldest of their key and topic; maybe its time is up too."""
    node = one(world, rng, lambda node: bool(node.waiting))
    if node is not None:
        along = node.wakes(world.now) if rng.random() < 0.05 else ()
        if places := some_places(node, rng, world.setup.slow):
            world.deliver(node, places, rng.choice((1, 1, 3)), along=along)


def some_places(node: Node, rng: Random, slow: Sequence[str] = ()) -> list[Place]:
    """A few of the places that one replica has yet to hear, hardly ever of slow topics."""
    places = list(node.waiting)
    if slow and rng.random() > SLOW_ARE_READ:
        places = [place for place in places if place[0] not in slow]
    if not places:
        return []
    owner = node.crew.owner(rng.choice(places)[1])
    own = [place for place in places if node.crew.owner(place[1]) is owner]
    return rng.sample(own, min(len(own), rng.randint(1, BATCH_MAX)))


def relay(world: World, rng: Random) -> None:
    """Some of what a service committed is published."""
    node = one(world, rng, lambda node: bool(node.unsent()))
    if node is not None:
        world.relay(node, rng.choice(node.unsent()), rng.choice((1, None)))


def perform(world: World, rng: Random) -> None:
    """The outside world is asked, and answers or does not."""
    node = one(world, rng, lambda node: bool(node.calls))
    if node is not None:
        call = rng.choice(list(node.calls))
        wrong = rng.random() < world.setup.chaos
        world.perform(node, call, rng.choice(ODD_MANNERS) if wrong else Manner.HONEST)


def late(world: World, rng: Random) -> None:
    """What was given up reaches the other side after all."""
    if world.outside.under_way:
        world.arrive(rng.randrange(len(world.outside.under_way)))


def wake(world: World, rng: Random) -> None:
    """A service looks at what is due."""
    world.wake(rng.choice(list(world.nodes.values())))


def jump(world: World, rng: Random) -> None:
    """Nothing happens until somebody's time is up."""
    due = world.next_due()
    if due is not None:
        world.now = max(world.now, due) + timedelta(milliseconds=rng.randint(0, 1_000))
        wake(world, rng)


def again(world: World, rng: Random) -> None:
    """A service hears once more what it heard long ago."""
    node = one(world, rng, lambda node: bool(node.heard))
    if node is not None:
        world.repeat(node, rng.choices(node.heard, k=rng.randint(1, BATCH_MAX)))


def one(world: World, rng: Random, fit: Callable[[Node], bool]) -> Node | None:
    """Any service that is fit for it."""
    fitting = [node for node in world.nodes.values() if fit(node)]
    return rng.choice(fitting) if fitting else None
