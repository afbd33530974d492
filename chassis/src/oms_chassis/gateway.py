"""The port to the outside world: payment provider, carrier, mail.

A gateway method is called with an idempotency key that never changes for the same wish. How a
call may be repeated when its result is unknown is declared per method, not decided per call.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar


class Repeat(Enum):
    """What may be done when nobody knows whether a call took effect."""

    BY_KEY = "by_key"
    """The other side recognises the key: call again."""
    BY_LOOKUP = "by_lookup"
    """Ask first whether it happened, call again only if not."""
    ASK_PERSON = "ask_person"
    """Do not repeat: the core gets `Unknown`."""


class GatewayRefused(Exception):
    """The other side said no, for good. `code` is stable, `text` is for people."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code
        self.text = text


class GatewayUnknown(Exception):
    """No answer, or one that says nothing about whether the call took effect."""


class Gateway:
    """One outside party. Subclasses state their limits and implement `call`."""

    repeat: ClassVar[Mapping[str, Repeat]]
    timeout_seconds: float = 10.0
    in_flight_max: int = 64
    attempts_max: int = 5

    async def call(self, method: str, key: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Perform `method`; raise `GatewayRefused`, or anything else for an unknown result."""
        raise NotImplementedError

    async def lookup(
        self, method: str, key: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """What became of the call with `key`: its answer, or None if it never took effect."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give back connections and files."""
