"""Where the units of an order line are: one bucket for every unit, at every moment."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Line(NamedTuple):
    """The units of one order line that are in no fulfilment.

    open + backordered + reserved + cancelled + units in fulfilments = units ordered. A bucket
    that would go below zero raises ValueError: somebody spoke of units that were not there.

    A tuple, as all small values that an order has many of: written as a JSON array, it keeps the
    order's document short.
    """

    open: int = 0
    """Nobody keeps them for us: not yet asked for, or asked and not answered."""
    backordered: int = 0
    """They wait in a queue for goods to come."""
    reserved: tuple[tuple[str, int], ...] = ()
    """Set aside for us: location and units."""
    cancelled: int = 0
    unwanted: int = 0
    """Units, wherever they are, that are to be cancelled once whoever has them lets them go."""
    promise: datetime | None = None
    """When the customer was last told to expect the backordered units."""

    @property
    def units_reserved(self) -> int:
        """Units set aside at all locations."""
        return sum(qty for _, qty in self.reserved)

    @property
    def units_free(self) -> int:
        """Units that are neither in a fulfilment nor cancelled: the saga alone decides on them."""
        return self.open + self.backordered + self.units_reserved

    def reserve(self, location: str, qty: int) -> Line:
        """Open units were set aside."""
        reserved = _more(self.reserved, location, qty)
        return _sound(self._replace(open=self.open - qty, reserved=reserved))

    def backorder(self, qty: int, promise: datetime | None) -> Line:
        """Open units stand in a queue."""
        return _sound(
            self._replace(open=self.open - qty, backordered=self.backordered + qty, promise=promise)
        )

    def fill(self, location: str, qty: int) -> Line:
        """Backordered units were set aside."""
        left = self.backordered - qty
        return _sound(
            self._replace(
                backordered=left,
                reserved=_more(self.reserved, location, qty),
                promise=self.promise if left else None,
            )
        )

    def hand_out(self) -> Line:
        """All reserved units go into fulfilments."""
        return self._replace(reserved=())

    def take_back(self, location: str, qty: int) -> Line:
        """Units of a stopped fulfilment lie in their bin again and are still set aside."""
        return self._replace(reserved=_more(self.reserved, location, qty))

    def reopen(self, qty: int) -> Line:
        """Units of a fulfilment turned out not to be there."""
        return self._replace(open=self.open + qty)

    def lose(self, location: str, qty: int) -> Line:
        """Units are no longer set aside for us: they were given back, or were not there."""
        reserved = _more(self.reserved, location, -qty)
        return self._replace(open=self.open + qty, reserved=reserved)

    def leave_queue(self, qty: int) -> Line:
        """Backordered units no longer wait."""
        left = self.backordered - qty
        return _sound(
            self._replace(
                open=self.open + qty, backordered=left, promise=self.promise if left else None
            )
        )

    def cancel(self, qty: int) -> Line:
        """Unwanted open units are gone."""
        return _sound(
            self._replace(
                open=self.open - qty,
                cancelled=self.cancelled + qty,
                unwanted=self.unwanted - qty,
            )
        )

    def at(self, location: str) -> int:
        """Units set aside at a location."""
        return next((qty for place, qty in self.reserved if place == location), 0)


def _sound(line: Line) -> Line:
    if line.open < 0 or line.backordered < 0 or line.unwanted < 0:
        raise ValueError(f"a bucket of the line would hold less than nothing: {line}")
    return line


def _more(
    reserved: tuple[tuple[str, int], ...], location: str, qty: int
) -> tuple[tuple[str, int], ...]:
    if not reserved and qty > 0:
        return ((location, qty),)
    units = dict(reserved)
    units[location] = units.get(location, 0) + qty
    if units[location] < 0:
        raise ValueError(f"only {units[location] - qty} units are set aside at {location}")
    return tuple((place, left) for place, left in units.items() if left)
