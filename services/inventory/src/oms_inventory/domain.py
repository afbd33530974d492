"""The values of inventory: shelves, reservations, the backorder queue, and rules as data.

Two kinds of root exist. A `Sku` is the stock book of one SKU over all locations, with its
backorder queue; a `Reservation` is what one order holds and waits for. Units of a SKU change
hands only under that SKU's lock, so both sides of the books always agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from oms_chassis.decision import Rules, Value


class Allocation(NamedTuple):
    """Units of an order line set aside at one location.

    A tuple, as `Backorder` is: written as a JSON array, it keeps a reservation's document short.
    """

    line_id: str
    sku: str
    location: str
    qty: int


class Backorder(NamedTuple):
    """Units of an order line that wait for goods to be sent to `country`.

    A shortage is raised for `location`. `eta` and `po_line` are what the order was told last
    about when the units are expected.
    """

    line_id: str
    sku: str
    location: str
    qty: int
    request_id: str
    country: str
    eta: datetime | None = None
    po_line: str = ""


class Shortage(NamedTuple):
    """How many units of a SKU were missing."""

    sku: str
    qty: int


class Turn(NamedTuple):
    """An order's place in a queue: priority first, then who was accepted first.

    Turns sort in the order in which goods are given out; broken reservations are taken from
    the other end.
    """

    rank: int
    """The negated priority."""
    accepted_at: datetime
    order_id: str


class AnswerKind(StrEnum):
    """What a request was told."""

    RESERVED = "reserved"
    REFUSED = "refused"
    RELEASED = "released"


class Answer(Value, frozen=True):
    """What a request was told, kept so that asking again gets the same answer."""

    kind: AnswerKind
    allocated: tuple[Allocation, ...] = ()
    backordered: tuple[Backorder, ...] = ()
    short: tuple[Shortage, ...] = ()


class Reservation(Value, frozen=True):
    """What one order holds and what it waits for; its turn is that of its first request."""

    priority: int = 0
    accepted_at: datetime | None = None
    allocated: tuple[Allocation, ...] = ()
    waiting: tuple[Backorder, ...] = ()
    answers: Mapping[str, Answer] = {}
    """By request id."""
    shipments: tuple[str, ...] = ()
    """Shipments whose units were consumed."""
    withdrawn: tuple[str, ...] = ()
    """Lines that were released before anybody had asked for them: they get nothing any more."""

    def turn(self, order_id: str) -> Turn:
        """The order's place in every queue."""
        if self.accepted_at is None:
            raise ValueError(f"order {order_id} never asked for stock")
        return Turn(-self.priority, self.accepted_at, order_id)

    def allocate(self, more: Iterable[Allocation]) -> Reservation:
        """With these units held besides; one entry per line and location."""
        units = {a[:3]: a.qty for a in self.allocated}
        for a in more:
            units[a[:3]] = units.get(a[:3], 0) + a.qty
        return replace(self, allocated=_allocations(units))

    def give_up(self, named: Iterable[Allocation]) -> tuple[Reservation, tuple[Allocation, ...]]:
        """Without the named units, as far as they are held; and which those were."""
        units = {a[:3]: a.qty for a in self.allocated}
        taken: list[Allocation] = []
        for a in named:
            qty = min(a.qty, units.get(a[:3], 0))
            if qty:
                units[a[:3]] -= qty
                taken.append(a._replace(qty=qty))
        return replace(self, allocated=_allocations(units)), tuple(taken)

    def wait_no_more(
        self, line_id: str, sku: str, qty: int, request_id: str | None = None
    ) -> tuple[Reservation, tuple[Backorder, ...]]:
        """Without so many waiting units of a line (asked for by one request, where it is named),
        as far as they wait; and which those were."""
        left: list[Backorder] = []
        gone: list[Backorder] = []
        for b in self.waiting:
            meant = b[:2] == (line_id, sku) and request_id in (None, b.request_id)
            part = min(qty, b.qty) if meant else 0
            qty -= part
            if part:
                gone.append(b._replace(qty=part))
            if part < b.qty:
                left.append(b._replace(qty=b.qty - part))
        return replace(self, waiting=tuple(left)), tuple(gone)

    def waits_for(self, sku: str, country: str | None = None) -> tuple[Backorder, ...]:
        """Its places in the SKU's queue, by line; those of one country where it is named."""
        waiting = (b for b in self.waiting if b.sku == sku and country in (None, b.country))
        return tuple(sorted(waiting, key=lambda b: (b.line_id, b.request_id)))


def _allocations(units: Mapping[tuple[str, str, str], int]) -> tuple[Allocation, ...]:
    return tuple(Allocation(*place, qty) for place, qty in units.items() if qty)


class Shelf(Value, frozen=True):
    """Stock of a SKU at a location; impossible stock cannot be made."""

    on_hand: int = 0
    reserved: int = 0
    moves: int = 0
    """Movements booked so far: the number of the last one."""

    def __post_init__(self) -> None:
        if not 0 <= self.reserved <= self.on_hand:
            raise ValueError(f"{self.reserved} of {self.on_hand} units cannot be reserved")

    @property
    def available(self) -> int:
        """Units that nobody has a claim on."""
        return self.on_hand - self.reserved


class Waiting(NamedTuple):
    """All units that wait for goods at `location` for customers in `country`."""

    location: str
    country: str
    units: int
    oldest_accepted_at: datetime
    """When the longest-waiting order was accepted: exact when goods came last, else not later."""


class Purchase(NamedTuple):
    """An open purchase order line."""

    po_id: str
    po_line: str
    location: str
    qty: int
    eta: datetime
    received_qty: int = 0
    confirmed: bool = False

    @property
    def open_units(self) -> int:
        """Units that are still to come."""
        return max(0, self.qty - self.received_qty)


class Head(NamedTuple):
    """The front of a country's queue, as far as it was loaded."""

    turns: tuple[Turn, ...] = ()
    end: Turn | None = None
    """The last turn that was loaded of a longer queue; None where this is the whole."""
    rest_oldest_at: datetime | None = None
    """When the longest-waiting order behind `end` was accepted."""

    def insert(self, turn: Turn) -> Head:
        """With one more order in line; behind `end` it may not be the next."""
        if turn in self.turns:
            return self
        return self._replace(turns=tuple(sorted((*self.turns, turn))))


class Sku(Value, frozen=True):
    """The stock book of a SKU: its shelves, who waits, what was bought, and what was published."""

    shelves: Mapping[str, Shelf] = {}
    """By location."""
    waiting: tuple[Waiting, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    level_at: datetime | None = None
    """When the stock level was last published."""
    level_dirty: bool = False
    """The level has changed since."""
    receipts: Mapping[str, str] = {}
    """By location: the `cause_id` of the receipt that was booked last."""
    serve_at: datetime | None = None
    """Set while goods lie open for orders behind the part of the queue that was loaded."""
    queue: Mapping[str, Head] | None = {}
    """By country; None where somebody waits and this transaction has not loaded who."""
    holders: Mapping[str, tuple[Turn, ...]] = {}
    """By location, last turn first: whose units a count may break. Only where one may."""
    booked: frozenset[str] = frozenset()
    """Causes among those this transaction hears that were booked before."""

    def backordered(self, location: str | None = None) -> int:
        """Units that wait, at one location or at all."""
        return sum(w.units for w in self.waiting if location in (None, w.location))


class MovementKind(StrEnum):
    """Why stock moved."""

    RECEIPT = "receipt"
    RESERVE = "reserve"
    RELEASE = "release"
    CONSUME = "consume"
    COUNT = "count"
    DAMAGE = "damage"
    SHORT_PICK = "short_pick"
    FOUND = "found"
    BREAK = "break"


class Movement(Value, frozen=True):
    """One line of the stock book, never changed: what moved, why, and the balances after it.

    `number` counts the movements of a shelf without gaps. `cause` says in the business' words
    what this was booked for; no cause is booked twice on a shelf. `cause_id` is the input.
    """

    sku: str
    location: str
    number: int
    kind: MovementKind
    on_hand_delta: int
    reserved_delta: int
    on_hand_after: int
    reserved_after: int
    order_id: str
    cause: str
    cause_id: UUID
    booked_at: datetime


class Source(Rules, frozen=True):
    """A rule of sourcing: this location serves these countries (ISO 3166-1; none named: all).

    Among locations that serve an order equally well the lowest `priority` is taken, then the
    first by name.
    """

    location: str
    priority: int = 0
    countries: tuple[str, ...] = ()

    def serves(self, country: str) -> bool:
        """Whether orders for this country may be served from here."""
        return not self.countries or country in self.countries


class Policy(Rules, frozen=True):
    """Inventory's rules."""

    sources: tuple[Source, ...] = ()
    """Who may be served from where. Without any, every location serves everybody, by name."""
    split_locations_max: int = 10
    """From so many locations at most one request is served."""
    backorder_location: str = "main"
    """Where a SKU is bought for that lies nowhere yet, if `sources` do not say."""
    level_every_seconds: float = 1.0
    """A SKU's stock level is published at most this often."""

    def serving(self, country: str, locations: Iterable[str]) -> list[str]:
        """The given locations that may serve a country, the preferred one first."""
        if not self.sources:
            return sorted(locations)
        known = set(locations)
        return [location for location in self._ranked(country) if location in known]

    def serves(self, location: str, country: str) -> bool:
        """Whether a location may serve a country."""
        return not self.sources or any(
            s.location == location and s.serves(country) for s in self.sources
        )

    def reaches(self, country: str) -> bool:
        """Whether a country can be served at all."""
        return not self.sources or any(s.serves(country) for s in self.sources)

    def waits_at(self, country: str, locations: Iterable[str], exclude: Iterable[str]) -> str:
        """Where units wait that are not in stock: the first location that serves the country.

        Excluded locations are passed over unless nothing else serves. `locations` are those
        that know the SKU; they count where no rules are given.
        """
        serving = self._ranked(country) if self.sources else sorted(locations)
        shunned = set(exclude)
        return next(
            (location for location in serving if location not in shunned),
            serving[0] if serving else self.backorder_location,
        )

    def _ranked(self, country: str) -> list[str]:
        rules = sorted((s.priority, s.location) for s in self.sources if s.serves(country))
        return list(dict.fromkeys(location for _, location in rules))
