"""What befalls processes, clocks and records: nobody meant it, and nothing may be lost by it."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import office
import trade
from chaos import one, some_places
from node import Node
from outside import Manner
from plan import SKEW_SECONDS_MAX
from replicas import Place, Record
from ways import Fate
from world import CHANNEL_TOPIC, World

from oms_chassis.decision import Input, Invalid, Ref, mint_id
from oms_chassis.due import wake_id

DEATHS = (Fate.DIES_BEFORE_COMMIT, Fate.DIES_AFTER_COMMIT)
PEOPLE = (trade.floor, trade.floor, trade.dock, trade.goods, office.anybody, office.money)
REPEATED_BY_PEOPLE = 0.7
"""Share of people who, hearing no answer, do the same again."""


def die(world: World, rng: Random) -> None:
    """A process dies: idle, in the middle of a cycle, of a call, of a command, or just after it
    published something."""
    rng.choice((_idle, _hearing, _hearing, _calling, _obeying, _publishing))(world, rng)


def _idle(world: World, rng: Random) -> None:
    node = rng.choice(list(world.nodes.values()))
    world.die(node, rng.choice(node.crew.replicas))


def _hearing(world: World, rng: Random) -> None:
    node = one(world, rng, lambda node: bool(node.waiting))
    if node is not None:
        places = some_places(node, rng)
        world.deliver(node, places, rng.randint(1, 3), rng.choice(DEATHS))


def _calling(world: World, rng: Random) -> None:
    node = one(world, rng, lambda node: bool(node.calls))
    if node is not None:
        call = rng.choice(list(node.calls))
        world.perform(node, call, Manner.HONEST, rng.choice(DEATHS))


def _obeying(world: World, rng: Random) -> None:
    """The process dies over a command; whoever gave it may well give it again."""
    world.doom = rng.choice(DEATHS)
    before = len(world.story)
    rng.choice(PEOPLE)(world, rng)
    world.doom = Fate.LIVES
    if len(world.story) > before and world.commands and rng.random() < REPEATED_BY_PEOPLE:
        world.command(*world.commands[-1])


def _publishing(world: World, rng: Random) -> None:
    """The facts are out, and the process that should delete their rows is gone."""
    node = one(world, rng, lambda node: bool(node.outbox))
    if node is not None:
        place = rng.choice(list(node.outbox))
        world.relay(node, place)
        world.die(node, node.crew.owner(place[1]))


def rebalance(world: World, rng: Random) -> None:
    """Partitions move from replica to replica."""
    node = one(world, rng, lambda node: len(node.crew.replicas) > 1)
    if node is not None:
        world.note(f"{node.name}: its partitions move")
        world.happened["partitions moved"] += 1
        node.hear_again(node.crew.rebalance(rng))


def clock(world: World, rng: Random) -> None:
    """The clock of a service's database is set, forward or back."""
    node = rng.choice(list(world.nodes.values()))
    node.skew = timedelta(seconds=rng.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX))
    world.note(f"{node.name}: its clock is {node.skew} ahead")
    world.happened["clocks set"] += 1


# Inputs that nobody can decide on


def spoil(world: World, rng: Random) -> None:
    """Something that waits for a service is such that it will park its key."""
    node = one(world, rng, lambda node: bool(node.waiting or node.calls or node.due))
    if node is not None:
        rng.choice((_undecidable, _undecidable, _garbled, _strange, _wake, _outcome))(node, rng)


def _undecidable(node: Node, rng: Random) -> None:
    if node.waiting:
        record = _any_record(node, rng)
        node.parking.undecidable.add(record.item.id)


def _garbled(node: Node, rng: Random) -> None:
    if node.waiting:
        record = _any_record(node, rng)
        known = record.item.id in node.inbox or isinstance(record.item.body, Invalid)
        if record.item.topic != CHANNEL_TOPIC and not known:
            node.parking.garbled[record.item.id] = record.item


def _strange(node: Node, rng: Random) -> None:
    """A record that should never have been written, amid those that should."""
    if node.waiting:
        place = rng.choice(list(node.waiting))
        records = node.waiting[place]
        about = records[0].item
        id_ = mint_id(about.at, f"strange {rng.random()}")
        item = Input(id_, about.key, Invalid("nobody knows this"), about.at, 0, about.topic)
        records.insert(rng.randint(0, len(records)), Record(item, records[0].published_at))


def _wake(node: Node, rng: Random) -> None:
    if node.due:
        ref = rng.choice(list(node.due))
        node.parking.undecidable.add(wake_id(ref, node.due[ref]))


def _outcome(node: Node, rng: Random) -> None:
    if node.calls:
        node.parking.undecidable.add(rng.choice(list(node.calls)))


def _any_record(node: Node, rng: Random) -> Record:
    place: Place = rng.choice(list(node.waiting))
    return rng.choice(list(node.waiting[place]))


# People who look after parked keys


def mend(world: World, rng: Random) -> None:
    """Somebody looks at a parked key: in vain, or the first of its inputs is mended or skipped."""
    node = one(world, rng, lambda node: bool(node.parking.keys))
    if node is not None:
        ref = rng.choice(list(node.parking.keys))
        if rng.random() < 0.3:
            world.note(f"{node.name}: {ref} is tried again, in vain")
            world.happened["redriven in vain"] += 1
            world.redrive(node, ref)
        else:
            mend_first(world, node, ref)


def mend_first(world: World, node: Node, ref: Ref) -> None:
    """The first parked input of a key is seen to, and the rest runs behind it."""
    first = node.parking.keys[ref][0]
    if node.parking.mend(first) is None:
        world.note(f"{node.name}: the first parked input of {ref} is skipped")
        world.happened["skipped"] += 1
        node.parking.let_go(first)
    else:
        world.note(f"{node.name}: the first parked input of {ref} is mended")
    if ref in node.parking.keys:
        world.redrive(node, ref)
