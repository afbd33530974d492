"""Orders that no channel should send: each breaks the contract in one way, under a readable key."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

Told = dict[str, Any]


def _line(told: Told, **changed: Any) -> Told:
    first, *others = told["lines"]
    return told | {"lines": [first | changed, *others]}


def _without(told: Told, name: str) -> Told:
    return {key: value for key, value in told.items() if key != name}


def _repeated_line(told: Told) -> Told:
    return told | {"lines": [*told["lines"], told["lines"][0]]}


def _in_country(told: Told) -> Told:
    return told | {"ship_to": told["ship_to"] | {"country": "XX"}}


FAULTS: dict[str, Callable[[Told], Told | bytes]] = {
    "no contact": lambda told: _without(told, "contact"),
    "no lines": lambda told: told | {"lines": []},
    "no units": lambda told: _line(told, qty=0),
    "negative price": lambda told: _line(told, unit_price_minor=-100),
    "price as text": lambda told: _line(told, unit_price_minor="12.50"),
    "amount beyond every limit": lambda told: _line(told, unit_price_minor=2**63),
    "discount above the price": lambda told: _line(told, discount_minor=10**9),
    "sku with a formula": lambda told: _line(told, sku='=HYPERLINK("x")'),
    "two lines of one number": _repeated_line,
    "no such country": _in_country,
    "no such currency": lambda told: told | {"currency": "XXX"},
    "currency in words": lambda told: told | {"currency": "euro"},
    "no way to pay": lambda told: told | {"payment": {"method": "barter"}},
    "a time without offset": lambda told: told | {"placed_at": "2026-01-01T12:00:00"},
    "another number inside": lambda told: told | {"external_id": "SOMEBODY-ELSE"},
    "a list": lambda told: b"[]",
    "half of it": lambda told: msgspec.json.encode(told)[:-40],
    "no JSON": lambda told: b"\xff\xfe\x00order",
    "nested beyond reason": lambda told: b"[" * 100_000,
}
"""What is wrong, and how it comes about."""


def draw_fault(chance: Random) -> Callable[[Told], Told | bytes]:
    """One of the faults."""
    return FAULTS[chance.choice(sorted(FAULTS))]
