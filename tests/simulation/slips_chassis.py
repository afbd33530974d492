"""Slips in what the chassis does for a service: rows, inbox, outbox and parked keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from node import Node
from parking import Parking, Work
from replicas import Crew, Place, Record, Replica
from services import WAREHOUSE
from world import World

from oms_chassis.decision import Ref
from oms_chassis.fold import Held

INBOX_ROWS = 40


class _Forgetful(Crew):
    """Facts are handed over by heart alone: with the process they are gone."""

    def __init__(self, node: Node) -> None:
        super().__init__(len(node.crew.replicas))
        self._node = node

    def die(self, replica: Replica, rng: Random) -> dict[Place, list[Record]]:
        for place in self._node.unsent():
            if self.owner(place[1]) is replica:
                del self._node.outbox[place]
        return super().die(replica, rng)


class _ShortMemory(set[UUID]):
    """An inbox whose rows go too early."""

    def __contains__(self, id_: object) -> bool:
        return super().__contains__(id_) and len(self) < INBOX_ROWS


class _Overtaking(Parking):
    """A parked key holds nothing back."""

    def stuck(self, works: Sequence[Work]) -> set[Ref]:
        return set()


def forgets_what_it_had_to_say(world: World) -> None:
    for node in world.nodes.values():
        node.crew = _Forgetful(node)


def forgets_what_it_heard(world: World) -> None:
    for node in world.nodes.values():
        node.inbox = _ShortMemory()


def overtakes_what_is_parked(world: World) -> None:
    for node in world.nodes.values():
        node.parking = _Overtaking()


def skips_a_number(world: World) -> None:
    """As a sequence does whose numbers are drawn before the transaction rolls back."""
    memory = world.nodes[WAREHOUSE].memory
    save = memory.save

    def skipping(held: Mapping[Ref, Held], rows: Sequence[Any]) -> None:
        for root in held.values():
            root.seqs = [n + (n == 2) for n in root.seqs]
        save(held, rows)

    memory.save = skipping  # type: ignore[method-assign]
