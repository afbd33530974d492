"""The worst moment for everything: an order is told, in the state it is in, what it rarely is.

Chance alone hardly ever brings some inputs to some states. So the seeds are looked through for
moments at which an order is in a state and an input is at hand: it waits for the order in a
topic, a person may give it at any time, or it was said to the order before and is said anew, as
by a service that was restored from a backup. A plan that ends with a `moment` step, at such a
moment, brings the two together, and is then lived through to its end like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from cells import input_of, state_of
from chaos import unreadable
from msgspec.structs import replace
from office import lift
from orders import submission
from world import CHANNEL, CHANNEL_TOPIC, World

from oms_chassis.decision import Input
from oms_contracts.channel import OrderPlaced
from oms_contracts.event import Event
from oms_contracts.order import Gate
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancellationWish,
    CancelOrder,
    Order,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)

Cell = tuple[str, str]
"""State and input, as in the saga table."""
ANEW = "anew"
"""Marks what was heard before and is said once more, under an id of its own."""


def at_hand(world: World) -> Iterator[tuple[int, Cell]]:
    """What each order could be told right now for the first time."""
    node = world.nodes["order"]
    waiting: dict[str, list[Any]] = {}
    for (_, key), records in node.waiting.items():
        waiting.setdefault(key, []).append(records[0].item)
    for number, order_id in enumerate(world.orders):
        if ("order", order_id) in node.parking.keys:
            continue
        order = node.state("order", order_id)
        state = state_of(order)
        for item in waiting.get(order_id, ()):
            if item.id not in node.inbox:  # else it is a copy, and goes unheard
                yield number, (state, input_of(order, item))
        yield from ((number, (state, heard)) for heard in _COMMANDS)
        if (CHANNEL_TOPIC, order_id) not in node.waiting:
            yield from ((number, (state, heard)) for heard in _CHANNEL)
        if order_id not in waiting and ("order", order_id) in node.due:
            yield number, (state, DEADLINE)


def said_before(world: World) -> Iterator[tuple[int, Cell]]:
    """What each order could be told anew right now."""
    node = world.nodes["order"]
    heard: dict[str, list[Input]] = {}
    for record in node.heard:
        if isinstance(record.item.body, Event):
            heard.setdefault(record.item.key, []).append(record.item)
    for number, order_id in enumerate(world.orders):
        if ("order", order_id) not in node.parking.keys:
            order = node.state("order", order_id)
            state = state_of(order)
            for item in heard.get(order_id, ()):
                yield number, (state, input_of(order, item))


def is_past(world: World, number: int, heard: str) -> bool:
    """Whether the order would take it for something it knows, or that is of no interest now."""
    node, order_id = world.nodes["order"], world.orders[number]
    item = _heard_before(world, order_id, heard)
    if item is None:
        return False
    try:
        decision = node.core.decide(node.state("order", order_id), item, world.now)
    except ValueError:  # it would be parked
        return False
    return decision.verdict in ("again", "late")


def seize(world: World, about: str) -> None:
    """The moment: tell the order."""
    number, heard, *anew = about.split("|")
    if int(number) >= len(world.orders):
        return
    node, order_id = world.nodes["order"], world.orders[int(number)]
    order = node.state("order", order_id)
    if anew:
        _say_anew(world, order_id, heard)
    elif heard == DEADLINE:
        _wake(world, order_id)
    elif heard in _COMMANDS:
        world.command("order", "order", order_id, _COMMANDS[heard](order))
    elif heard in _CHANNEL:
        world.say(order_id, _CHANNEL[heard](world, order_id, order))
        world.deliver(node, [(CHANNEL_TOPIC, order_id)])
    else:
        _deliver(world, order_id, heard)


def _deliver(world: World, order_id: str, heard: str) -> None:
    node = world.nodes["order"]
    order = node.state("order", order_id)
    for place in [place for place in node.waiting if place[1] == order_id]:
        if input_of(order, node.waiting[place][0].item) == heard:
            world.deliver(node, [place])
            return


def _say_anew(world: World, order_id: str, heard: str) -> None:
    item = _heard_before(world, order_id, heard)
    if item is not None:
        world.say_anew(world.nodes["order"], item)


def _heard_before(world: World, order_id: str, heard: str) -> Input | None:
    node = world.nodes["order"]
    order = node.state("order", order_id)
    items = (record.item for record in node.heard if record.item.key == order_id)
    facts = (item for item in items if isinstance(item.body, Event))
    return next((item for item in facts if input_of(order, item) == heard), None)


def _wake(world: World, order_id: str) -> None:
    """Until it is decided on: a row may be earlier than the deadline, and is then put right."""
    node, ref = world.nodes["order"], ("order", order_id)
    for _ in range(WAKES_MAX):
        if ref in node.due:
            world.now = max(world.now, node.due[ref] - node.skew) + timedelta(milliseconds=1)
            world.wake(node)


def _submission(world: World, order_id: str, order: Any) -> Any:
    if isinstance(order, Order):
        return order.placed
    return submission(world.setup, Random(order_id), _external_id(world, order_id))


def _another(world: World, order_id: str, order: Any) -> Any:
    return replace(_submission(world, order_id, order), digest="quite another")


def _garbage(world: World, order_id: str, order: Any) -> Any:
    return unreadable(OrderPlaced.TYPE, _external_id(world, order_id))


def _wish(world: World, order_id: str, order: Any, *, units: int = 0) -> Any:
    line_id = order.placed.lines[0].line_id if isinstance(order, Order) else "1"
    lines = ((line_id, units),) if units else ()
    digest = f"worst moment {world.serial()}"
    return CancellationWish(CHANNEL, _external_id(world, order_id), lines, "no more", digest)


def _external_id(world: World, order_id: str) -> str:
    return f"S-{world.orders.index(order_id) + 1}"


def _hold(order: Any) -> Any:
    holds = order.body.holds if isinstance(order, Order) else ()
    return lift(order, holds[0]) if holds else ReleaseHold("none")


def _task(order: Any) -> Any:
    tasks = order.body.tasks if isinstance(order, Order) else ()
    return ResolveTask(tasks[0].task_id if tasks else "none", "done")


DEADLINE = "the deadline passes"
WAKES_MAX = 3
_CHANNEL: Mapping[str, Callable[[World, str, Any], Any]] = {
    "OrderPlaced (the same)": _submission,
    "OrderPlaced (other content)": _another,
    "OrderPlaced (unreadable)": _garbage,
    "CancellationRequested": _wish,
    "CancellationRequested (1 unit)": partial(_wish, units=1),
}
_COMMANDS: Mapping[str, Callable[[Any], Any]] = {
    "a hold is placed": lambda order: PlaceHold(Gate.SHIP, "look at it"),
    "a hold is released": _hold,
    "costs are approved": lambda order: ApproveCosts("fine"),
    "costs are rejected": lambda order: RejectCosts("too dear"),
    "a person cancels": lambda order: CancelOrder(),
    "the customer waits on": lambda order: AnswerBackorder(BackorderChoice.WAIT),
    "the customer waits no longer": lambda order: AnswerBackorder(BackorderChoice.CANCEL),
    "a task is settled": _task,
}
