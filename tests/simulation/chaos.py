"""What happens while nobody means well: one thing a step, chosen by the step's own seed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import office
import orders
import trade
from msgspec.structs import replace
from node import Node
from orders import id_of
from outside import Manner
from plan import Step
from world import CHANNEL, World

from oms_chassis.decision import Malformed
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_order.domain import CancellationWish, Order

BATCH_MAX = 5
Deed = Callable[[World, Random], None]


def act(world: World, step: Step) -> None:
    """Let a step happen, as far as things allow, and let a little time pass."""
    rng = Random(step.seed)
    world.pass_time(rng.random() * world.setup.pace_seconds)
    DEEDS[step.kind](world, rng)


def place(world: World, rng: Random) -> None:
    """A customer orders; some wish it cancelled before the order is even there."""
    external_id = f"S-{len(world.orders) + 1}"
    world.orders.append(id_of(external_id))
    if rng.random() < 0.02:
        wish_cancelled(world, rng, len(world.orders))
    if rng.random() < 0.03:
        world.say(id_of(external_id), _unreadable(OrderPlaced.TYPE, external_id))
    world.say(id_of(external_id), orders.submission(world.setup, rng, external_id))


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
        _unreadable(OrderPlaced.TYPE, f"S-{n}"),
        _unreadable(CancellationRequested.TYPE, f"S-{n}"),
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
    if isinstance(order, Order) and rng.random() < 0.5:
        line = rng.choice(order.placed.lines)
        lines = ((line.line_id, rng.randint(1, line.qty + (rng.random() < 0.1))),)
    digest = f"wish {rng.randint(1, 3)}: {lines}"
    wish = CancellationWish(CHANNEL, f"S-{n}", lines, "changed my mind", digest)
    world.say(world.orders[n - 1], wish)


def _unreadable(what: str, external_id: str) -> Malformed:
    reasons = (("lines", "missing", "Field required"),)
    return Malformed(what, reasons, f"garbage for {external_id}", CHANNEL, external_id)


def deliver(world: World, rng: Random) -> None:
    """A service hears a few facts, each the oldest of its key and topic."""
    node = _one(world, rng, lambda node: bool(node.waiting))
    if node is not None:
        places = list(node.waiting)
        world.deliver(node, rng.sample(places, min(len(places), rng.randint(1, BATCH_MAX))))


def relay(world: World, rng: Random) -> None:
    """Some of what a service committed is published."""
    node = _one(world, rng, lambda node: bool(node.outbox))
    if node is not None:
        world.relay(node, rng.choice(list(node.outbox)), rng.choice((1, None)))


def perform(world: World, rng: Random) -> None:
    """The outside world is asked, and answers or does not."""
    node = _one(world, rng, lambda node: bool(node.calls))
    if node is not None:
        call = rng.choice(list(node.calls))
        wrong = rng.random() < world.setup.chaos
        odd = (Manner.REPEATED, Manner.ANSWER_LOST, Manner.LOST, Manner.LATE)
        world.perform(node, call, rng.choice(odd) if wrong else Manner.HONEST)


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
    node = _one(world, rng, lambda node: bool(node.heard))
    if node is not None:
        world.repeat(node, rng.choices(node.heard, k=rng.randint(1, BATCH_MAX)))


def _one(world: World, rng: Random, fit: Callable[[Node], bool]) -> Node | None:
    fitting = [node for node in world.nodes.values() if fit(node)]
    return rng.choice(fitting) if fitting else None


DEEDS: dict[str, Deed] = {
    "order": place,
    "channel": channel,
    "cancel": cancel,
    "deliver": deliver,
    "relay": relay,
    "perform": perform,
    "late": late,
    "wake": wake,
    "jump": jump,
    "again": again,
    "office": office.anybody,
    "payer": office.money,
    "mailroom": office.mailroom,
    "floor": trade.floor,
    "dock": trade.dock,
    "goods": trade.goods,
}
