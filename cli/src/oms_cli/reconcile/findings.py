"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: how many things it looked at, and what is wrong with which."""

    id: str
    """The invariant, as `I3`; several checks may share one."""
    title: str
    """What must be true."""
    count: int
    violations: tuple[str, ...] = ()
    note: str = ""
    repeats: int = 0
    """How often the same was asked for again and absorbed. Under faults it is not 0."""

    @property
    def ok(self) -> bool:
        """Whether it is true."""
        return not self.violations


def found(
    id: str, title: str, count: int, wrong: Iterable[str], note: str = "", repeats: int = 0
) -> Finding:
    """A finding; violations are put in order, so that two runs can be compared."""
    return Finding(id, title, count, tuple(sorted(wrong)), note, repeats)
