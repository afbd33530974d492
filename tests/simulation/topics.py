"""The topics: per key every fact stands in its place, and only copies of it come again."""

from __future__ import annotations

from uuid import UUID

from replicas import Place
from ways import Violation

from oms_chassis.fold import Emitted


class Log:
    """What was published under each topic and key."""

    def __init__(self) -> None:
        self._ids: dict[Place, list[UUID]] = {}
        self.count = 0
        """Facts published, without copies."""
        self.copies = 0

    def append(self, fact: Emitted) -> bool:
        """A fact comes to lie in its topic; whether it is no copy. Raises Violation at a gap."""
        place = (fact.topic, fact.key)
        known = self._ids.setdefault(place, [])
        if fact.sequence == len(known) + 1:
            known.append(fact.id)
            self.count += 1
            return True
        if fact.sequence > len(known):
            raise Violation(f"{fact.body} about {fact.key} is published after a gap")
        if known[fact.sequence - 1] != fact.id:
            raise Violation(f"{fact.body} about {fact.key} has the number of another fact")
        self.copies += 1
        return False
