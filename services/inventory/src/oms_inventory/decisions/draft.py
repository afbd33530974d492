"""What one input changes, until it becomes a Decision: the one place where stock moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from oms_chassis.decision import Decision, Fact, Input, Ref, seconds
from oms_contracts.event import QTY_MAX_UNITS, Alloc, Event
from oms_contracts.stock import Level, StockLevelChanged
from oms_inventory.domain import (
    Allocation,
    Movement,
    MovementKind,
    Policy,
    Reservation,
    Shelf,
    Sku,
)

_NO_BOOK = Sku()
_NO_SHELF = Shelf()


class World(Protocol):
    """The locked roots: `world["sku", key]` and `world["reservation", order_id]`."""

    def __getitem__(self, ref: Ref) -> Any:
        """The root's state; None if it is not there yet."""


class Draft:
    """A sheet of paper beside the books: changes are made here and handed over as a whole."""

    def __init__(self, policy: Policy, world: World, item: Input, now: datetime) -> None:
        self.policy, self.item, self.now = policy, item, now
        self._world = world
        self._states: dict[Ref, Any] = {}
        self._facts: list[Event | Fact] = []
        self._rows: list[Movement] = []

    def sku(self, key: str) -> Sku:
        """The stock book of a SKU as it stands; an empty one if nobody has heard of it."""
        found: Sku | None = self._states.get(("sku", key)) or self._world["sku", key]
        return found or _NO_BOOK

    def reservation(self, order_id: str) -> Reservation:
        """What an order holds and waits for; nothing if it has not asked yet."""
        return self.reservation_if_any(order_id) or Reservation()

    def reservation_if_any(self, order_id: str) -> Reservation | None:
        """The same, telling an order that never asked from one that holds nothing."""
        ref = ("reservation", order_id)
        found: Reservation | None = self._states.get(ref) or self._world[ref]
        return found

    def put_sku(self, key: str, sku: Sku) -> None:
        """Replace a stock book."""
        self._states["sku", key] = sku

    def put_reservation(self, order_id: str, reservation: Reservation) -> None:
        """Replace a reservation."""
        self._states["reservation", order_id] = reservation

    def tell(self, fact: Event) -> None:
        """Publish a fact about the input's own aggregate."""
        self._facts.append(fact)

    def tell_order(self, order_id: str, fact: Event) -> None:
        """Publish a fact about an order."""
        self._facts.append(Fact(fact, key=order_id))

    def tell_sku(self, key: str, fact: Event) -> None:
        """Publish a fact about a SKU."""
        self._facts.append(Fact(fact, key=key))

    def move(
        self, kind: MovementKind, sku: str, location: str, cause: str,
        *, on_hand: int = 0, reserved: int = 0, order_id: str = "",
    ) -> None:  # fmt: skip
        """Book a movement: the shelf and its line in the stock book change together."""
        book = self.sku(sku)
        shelf = book.shelves.get(location, _NO_SHELF)
        after = Shelf(shelf.on_hand + on_hand, shelf.reserved + reserved, shelf.moves + 1)
        self.put_sku(sku, replace(book, shelves={**book.shelves, location: after}))
        self._rows.append(
            Movement(
                sku, location, after.moves, kind, on_hand, reserved, after.on_hand,
                after.reserved, order_id, cause, self.item.id, self.now,
            )
        )  # fmt: skip

    def allocate(
        self, order_id: str, cause: str, reservation: Reservation, units: Sequence[Allocation]
    ) -> Reservation:
        """Set units aside for an order: one movement per shelf, however many lines share it."""
        for (sku, location), qty in per_shelf(units).items():
            self.move(
                MovementKind.RESERVE, sku, location, cause, reserved=qty, order_id=order_id
            )  # fmt: skip
            self._hold(sku, location, reservation, order_id)
        return reservation.allocate(units)

    def _hold(self, sku: str, location: str, reservation: Reservation, order_id: str) -> None:
        """Keep the list of those whom a count may break complete, where it was loaded."""
        book = self.sku(sku)
        turns = book.holders.get(location)
        turn = reservation.turn(order_id)
        if turns is not None and turn not in turns:
            longer = tuple(sorted((*turns, turn), reverse=True))
            self.put_sku(sku, replace(book, holders={**book.holders, location: longer}))

    def decision(self) -> Decision:
        """Everything drafted, with the stock levels that are due."""
        for (kind, key), state in list(self._states.items()):
            if kind == "sku":
                self._level(key, state)
        return Decision(states=self._states, facts=self._facts, rows=self._rows)

    def _level(self, key: str, book: Sku) -> None:
        """Publish a changed level at once, or at the deadline if it is too soon after the last."""
        before = self._world["sku", key] or _NO_BOOK
        changed = book.shelves is not before.shelves or book.waiting is not before.waiting
        if not (changed or book.level_dirty):
            return
        every = seconds(self.policy.level_every_seconds)
        if book.level_at is None or self.now - book.level_at >= every:
            self.put_sku(key, replace(book, level_at=self.now, level_dirty=False))
            self.tell_sku(key, _level(key, book, self.now))
        elif not book.level_dirty:
            self.put_sku(key, replace(book, level_dirty=True))


def per_shelf(units: Iterable[Allocation]) -> dict[tuple[str, str], int]:
    """Units by SKU and location."""
    total: dict[tuple[str, str], int] = {}
    for a in units:
        total[a.sku, a.location] = total.get((a.sku, a.location), 0) + a.qty
    return total


def told(units: Iterable[Allocation]) -> tuple[Alloc, ...]:
    """Allocations as other services read them."""
    return tuple(Alloc(line_id=a.line_id, sku=a.sku, location=a.location, qty=a.qty) for a in units)


def capped(units: int) -> int:
    """A sum as a fact may tell it: beyond the contract's ceiling nobody needs the exact number."""
    return min(units, QTY_MAX_UNITS)


def _level(key: str, book: Sku, now: datetime) -> StockLevelChanged:
    levels = tuple(
        Level(
            location=location,
            on_hand=capped(shelf.on_hand),
            reserved=capped(shelf.reserved),
            available=capped(shelf.available),
        )
        for location, shelf in sorted(book.shelves.items())
    )
    backordered = capped(book.backordered())
    return StockLevelChanged(sku=key, levels=levels, backordered=backordered, at=now)
