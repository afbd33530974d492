"""How stock books and reservations become rows and come back.

A shelf is a row of its own, written as differences. Who waits for a SKU, and whose units a count
may break, is read only by inputs that can bring goods or miss some, and no further than needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Held
from oms_chassis.store import Root, Rows, Store, codec
from oms_contracts.goods import StockCounted, StockDamaged, StockReceived
from oms_inventory.decisions.goods import cause_of
from oms_inventory.domain import Head, Movement, Purchase, Reservation, Shelf, Sku, Turn, Waiting
from oms_inventory.inputs import holder_depths, queue_depths
from oms_inventory.tables import Base, MovementRow, ReservationRow, SkuRow


@dataclass(frozen=True, slots=True)
class Book:
    """A SKU without its shelves, as its document keeps it."""

    waiting: tuple[Waiting, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    level_at: datetime | None = None
    level_dirty: bool = False
    serve_at: datetime | None = None


_encode_book, _decode_book = codec(Book)
_encode_reservation, _decode_reservation = codec(Reservation)

_SHELVES = """
SELECT sku, location, on_hand, reserved, moves FROM stock
WHERE tenant = $1 AND sku = ANY($2::text[])
"""
_BOOKED = """
SELECT m.sku, m.location, m.cause FROM movement m
JOIN unnest($2::text[], $3::text[], $4::text[]) AS u(sku, location, cause)
  ON m.sku = u.sku AND m.location = u.location AND m.cause = u.cause WHERE m.tenant = $1
"""
_WAITERS = """
SELECT sku, country, rank, accepted_at, order_id, place, oldest FROM (
  SELECT w.*, u.depth,
    row_number() OVER (PARTITION BY w.sku, w.country ORDER BY rank, accepted_at, order_id) AS place,
    min(accepted_at) OVER (PARTITION BY w.sku, w.country ORDER BY rank, accepted_at, order_id
      ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS oldest
  FROM waiter w JOIN unnest($2::text[], $3::int[]) AS u(sku, depth) ON w.sku = u.sku
  WHERE w.tenant = $1) AS queue
WHERE place <= depth ORDER BY sku, country, place
"""
_HOLDERS = """
SELECT u.sku, u.location, h.rank, h.accepted_at, h.order_id
FROM unnest($2::text[], $3::text[], $4::int[]) AS u(sku, location, depth)
CROSS JOIN LATERAL (
  SELECT r.rank, r.accepted_at, r.order_id FROM (
    SELECT order_id FROM movement m
    WHERE m.tenant = $1 AND m.sku = u.sku AND m.location = u.location AND m.order_id <> ''
    GROUP BY order_id HAVING sum(reserved_delta) > 0) AS holding
  JOIN reservation r ON r.tenant = $1 AND r.order_id = holding.order_id
  ORDER BY r.rank DESC, r.accepted_at DESC, r.order_id DESC LIMIT u.depth) AS h
"""
_NEW_SHELVES = """
INSERT INTO stock (tenant, sku, location, on_hand, reserved, moves)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
"""
_MOVE_SHELVES = """
UPDATE stock s SET on_hand = s.on_hand + u.on_hand, reserved = s.reserved + u.reserved,
  moves = s.moves + u.moves
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
  AS u(sku, location, on_hand, reserved, moves)
WHERE s.tenant = $1 AND s.sku = u.sku AND s.location = u.location
"""
_QUEUE_UP = """
INSERT INTO waiter (tenant, sku, country, order_id, rank, accepted_at)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::timestamptz[])
"""
_LEAVE = """
DELETE FROM waiter w USING unnest($2::text[], $3::text[], $4::text[]) AS u(sku, country, order_id)
WHERE w.tenant = $1 AND w.sku = u.sku AND w.country = u.country AND w.order_id = u.order_id
"""


def _read_sku(row: Mapping[str, Any]) -> Sku:
    book: Book = _decode_book(row["doc"])
    return Sku(
        waiting=book.waiting, purchases=book.purchases, level_at=book.level_at,
        level_dirty=book.level_dirty, serve_at=book.serve_at,
        queue=None if book.waiting else {},
    )  # fmt: skip


def _sku_values(sku: Sku) -> tuple[Any, ...]:
    book = Book(sku.waiting, sku.purchases, sku.level_at, sku.level_dirty, sku.serve_at)
    return sku.backordered(), _encode_book(book)


def _reservation_values(reservation: Reservation) -> tuple[Any, ...]:
    return -reservation.priority, reservation.accepted_at, _encode_reservation(reservation)


class InventoryStore(Store):
    """Roots, and the rows that hang below them."""

    async def more_roots(
        self, db: asyncpg.Connection, tenant: str, held: dict[Ref, Held], inputs: Sequence[Input]
    ) -> Iterable[Ref]:
        """Complete the locked SKUs; whoever stands in a queue that may move is locked as well."""
        skus = {key: root for (kind, key), root in held.items() if kind == "sku"}
        if not skus:
            return ()
        shelves: dict[str, dict[str, Shelf]] = {}
        for row in await db.fetch(_SHELVES, tenant, list(skus)):
            shelf = Shelf(row["on_hand"], row["reserved"], row["moves"])
            shelves.setdefault(row["sku"], {})[row["location"]] = shelf
        for key, lying in shelves.items():
            skus[key].state = replace(skus[key].state or Sku(), shelves=lying)
        await self._recall_causes(db, tenant, skus, inputs)
        states = {key: root.state for key, root in skus.items() if root.state is not None}
        turns = await self._load_queues(db, tenant, skus, queue_depths(states, inputs))
        turns += await self._load_holders(db, tenant, skus, holder_depths(states, inputs))
        return [("reservation", turn.order_id) for turn in turns]

    async def _recall_causes(
        self, db: asyncpg.Connection, tenant: str, skus: Mapping[str, Held], inputs: Sequence[Input]
    ) -> None:
        """Which of the causes heard now were booked before."""
        asked = [
            (item.key, item.body.location, cause_of(item.body))
            for item in inputs
            if isinstance(item.body, StockReceived | StockCounted | StockDamaged)
        ]
        if not asked:
            return
        for row in await db.fetch(_BOOKED, tenant, *zip(*asked, strict=True)):
            root = skus[row["sku"]]
            place = f"{row['location']}:{row['cause']}"
            root.state = replace(root.state, booked=root.state.booked | {place})

    async def _load_queues(
        self, db: asyncpg.Connection, tenant: str, skus: Mapping[str, Held], depths: dict[str, int]
    ) -> list[Turn]:
        if not depths:
            return []
        heads: dict[str, dict[str, Head]] = {key: {} for key in depths}
        for row in await db.fetch(_WAITERS, tenant, list(depths), list(depths.values())):
            turn = Turn(row["rank"], row["accepted_at"], row["order_id"])
            before = heads[row["sku"]].get(row["country"], Head())
            end = turn if row["oldest"] is not None else None
            heads[row["sku"]][row["country"]] = Head((*before.turns, turn), end, row["oldest"])
        for key, queue in heads.items():
            skus[key].state = replace(skus[key].state, queue=queue)
        return [turn for queue in heads.values() for head in queue.values() for turn in head.turns]

    async def _load_holders(
        self, db: asyncpg.Connection, tenant: str, skus: Mapping[str, Held],
        depths: dict[tuple[str, str], int],
    ) -> list[Turn]:  # fmt: skip
        if not depths:
            return []
        found: dict[tuple[str, str], tuple[Turn, ...]] = dict.fromkeys(depths, ())
        places = [(sku, location, depth) for (sku, location), depth in depths.items()]
        for row in await db.fetch(_HOLDERS, tenant, *zip(*places, strict=True)):
            turn = Turn(row["rank"], row["accepted_at"], row["order_id"])
            found[row["sku"], row["location"]] += (turn,)
        for (key, location), turns in found.items():
            state = skus[key].state
            holders = {**state.holders, location: turns}
            skus[key].state = replace(state, holders=holders)
        return [turn for turns in found.values() for turn in turns]

    async def save_children(
        self,
        db: asyncpg.Connection,
        tenant: str,
        before: Mapping[Ref, Any],
        held: Mapping[Ref, Held],
    ) -> None:
        """Shelves by their differences; places in queues as reservations changed."""
        new: list[tuple[Any, ...]] = []
        moved: list[tuple[Any, ...]] = []
        joins: list[tuple[Any, ...]] = []
        leaves: list[tuple[Any, ...]] = []
        for ref, root in sorted(held.items(), key=lambda pair: pair[0]):
            was = before[ref]
            if root.state is was or root.state is None:
                continue
            if ref[0] == "sku":
                _shelf_changes(ref[1], was, root.state, new, moved)
            else:
                _queue_changes(ref[1], was, root.state, joins, leaves)
        for statement, rows in (
            (_NEW_SHELVES, new), (_MOVE_SHELVES, moved), (_LEAVE, leaves), (_QUEUE_UP, joins),
        ):  # fmt: skip
            if rows:
                await db.execute(statement, tenant, *zip(*rows, strict=True))


def _shelf_changes(
    key: str, was: Sku | None, now: Sku, new: list[tuple[Any, ...]], moved: list[tuple[Any, ...]]
) -> None:
    old = was.shelves if was is not None else {}
    for location, shelf in now.shelves.items():
        known = old.get(location)
        if known is None:
            new.append((key, location, shelf.on_hand, shelf.reserved, shelf.moves))
        elif known != shelf:
            on_hand, reserved = shelf.on_hand - known.on_hand, shelf.reserved - known.reserved
            moved.append((key, location, on_hand, reserved, shelf.moves - known.moves))


def _queue_changes(
    order_id: str, was: Reservation | None, now: Reservation,
    joins: list[tuple[Any, ...]], leaves: list[tuple[Any, ...]],
) -> None:  # fmt: skip
    old = {(b.sku, b.country) for b in was.waiting} if was is not None else set()
    new = {(b.sku, b.country) for b in now.waiting}
    for sku, country in sorted(new - old):
        turn = now.turn(order_id)
        joins.append((sku, country, order_id, turn.rank, turn.accepted_at))
    leaves += [(sku, country, order_id) for sku, country in sorted(old - new)]


STORE = InventoryStore(
    base=Base,
    roots=(
        Root(
            "sku", SkuRow, key="sku", sequences=("seq", "level_seq"),
            moving=("backordered", "doc"), moving_values=_sku_values, read=_read_sku,
        ),
        Root(
            "reservation", ReservationRow, key="order_id", sequences=("seq",),
            moving=("rank", "accepted_at", "doc"), moving_values=_reservation_values,
            read=lambda row: _decode_reservation(row["doc"]),
        ),
    ),
    rows={Movement: Rows(MovementRow)},
)  # fmt: skip
