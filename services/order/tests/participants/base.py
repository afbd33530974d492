"""What all participants have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from oms_contracts.event import Event

Move = Callable[[], None]


class Participant:
    """Hears what the order says, in order, and answers into a stream of its own."""

    def __init__(self) -> None:
        self.answers: deque[Event] = deque()

    def hear(self, fact: Event) -> None:
        """Take note of something the order said."""

    def moves(self) -> list[Move]:
        """All that might happen here next."""
        return []

    def kind_moves(self) -> list[Move]:
        """The same, if everybody means well."""
        return self.moves()
