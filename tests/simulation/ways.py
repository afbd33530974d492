"""The ways into a cycle, what becomes of the process that runs it, and what must never be."""

from __future__ import annotations

from enum import Enum, auto


class Violation(AssertionError):
    """Something that must never be the case is the case."""


class Source(Enum):
    """The five ways into a cycle."""

    REDRIVE = auto()
    RECORD = auto()
    OUTCOME = auto()
    WAKE = auto()
    COMMAND = auto()


class Fate(Enum):
    """What becomes of the process that runs a cycle."""

    LIVES = auto()
    DIES_BEFORE_COMMIT = auto()
    """Nothing has happened."""
    DIES_AFTER_COMMIT = auto()
    """All is written, nobody is told: outbox rows stay, and whoever takes over publishes them."""


def must(true: bool, text: str) -> None:
    """Raise a violation unless it is so."""
    if not true:
        raise Violation(text)
