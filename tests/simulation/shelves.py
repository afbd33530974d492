"""The stock books that the simulator keeps beside inventory's: nothing is sold that is not there.

Every movement is looked at as it is booked, so the sums hold at every prefix of the journal.
"""

from __future__ import annotations

from collections import Counter

from node import Cycle, Node
from ways import Violation

from oms_inventory.domain import Movement, MovementKind, Reservation, Sku

Shelf = tuple[str, str]
"""SKU and location."""


class StockBooks:
    """On hand, reserved and queued, as movements and reservations tell it."""

    def __init__(self, order_node: Node) -> None:
        self._order_node = order_node
        self.consumed: Counter[tuple[str, str]] = Counter()
        """Units booked out, by order and SKU."""
        self._held: Counter[Shelf] = Counter()
        self._queued: Counter[Shelf] = Counter()
        self._shelves: dict[Shelf, Movement] = {}
        self._causes: set[tuple[str, str, str]] = set()

    def after(self, cycle: Cycle) -> None:
        """Look at every movement, reservation and shelf that a cycle touched."""
        for row in cycle.out.rows:
            self._book(row)
        for order_id, before, after in cycle.changed("reservation"):
            self._count(before, -1)
            self._count(after, 1)
            self._claims(order_id, after)
        for sku, _, book in cycle.changed("sku"):
            self._agree(sku, book)

    def audit(self, node: Node) -> None:
        """Held and queued units, added up anew over all reservations."""
        held, queued = self._held, self._queued
        self._held, self._queued = Counter(), Counter()
        for order_id in node.memory.keys("reservation"):
            reservation = node.state("reservation", order_id)
            self._count(reservation, 1)
            self._claims(order_id, reservation)
        if +held != +self._held or +queued != +self._queued:
            raise Violation(f"reservations do not add up: {held} {self._held} {queued}")
        for sku in node.memory.keys("sku"):
            self._agree(sku, node.state("sku", sku))

    def _book(self, m: Movement) -> None:
        """Movements are numbered and add up; no cause is booked twice."""
        last = self._shelves.get((m.sku, m.location))
        number, on_hand, reserved = (
            (last.number, last.on_hand_after, last.reserved_after) if last else (0, 0, 0)
        )
        if m.number != number + 1:
            raise Violation(f"{m} follows number {number}")
        if m.on_hand_after != on_hand + m.on_hand_delta:
            raise Violation(f"{m} follows {on_hand} on hand")
        if m.reserved_after != reserved + m.reserved_delta:
            raise Violation(f"{m} follows {reserved} reserved")
        if not 0 <= m.reserved_after <= m.on_hand_after:
            raise Violation(f"{m} reserves what is not there")
        cause = (m.sku, m.location, m.cause)
        if cause in self._causes:
            raise Violation(f"{cause} was booked before")
        self._causes.add(cause)
        self._shelves[m.sku, m.location] = m
        if m.kind is MovementKind.CONSUME:
            self.consumed[m.order_id, m.sku] -= m.on_hand_delta

    def _count(self, reservation: Reservation | None, sign: int) -> None:
        if reservation is not None:
            for a in reservation.allocated:
                self._held[a.sku, a.location] += sign * a.qty
            for b in reservation.waiting:
                self._queued[b.sku, b.location] += sign * b.qty

    def _claims(self, order_id: str, reservation: Reservation) -> None:
        """An order has no more of a SKU, in hand, in the queue and gone, than was ordered."""
        claimed: Counter[str] = Counter()
        for claim in (*reservation.allocated, *reservation.waiting):
            claimed[claim.sku] += claim.qty
        if not claimed:
            return
        ordered: Counter[str] = Counter()
        for line in self._order_node.state("order", order_id).placed.lines:
            ordered[line.sku] += line.qty
        for sku, qty in claimed.items():
            gone = self.consumed[order_id, sku]
            if qty + gone > ordered[sku]:
                text = f"{order_id} claims {qty} of {sku} and got {gone}: {ordered[sku]} ordered"
                raise Violation(text)

    def _agree(self, key: str, book: Sku) -> None:
        """Shelves are as the last movement left them, and hold what orders hold."""
        for location, shelf in book.shelves.items():
            last, held = self._shelves[key, location], self._held[key, location]
            if shelf.on_hand != last.on_hand_after or shelf.reserved != last.reserved_after:
                raise Violation(f"{key} at {location}: {shelf} after {last}")
            if shelf.reserved != held:
                raise Violation(f"{key} at {location}: {shelf}, orders hold {held}")
        for location in {w.location for w in book.waiting}:
            queued = self._queued[key, location]
            if book.backordered(location) != queued:
                raise Violation(f"{key} at {location}: {book.waiting}, {queued} wait")
