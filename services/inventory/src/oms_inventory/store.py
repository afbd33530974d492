"""How stock books and reservations become rows and come back.

Who waits for a SKU, and whose units a count may break, is read only for inputs that bring or
miss goods, and no further than they reach (see `inputs`). All of it is read under the SKU's lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from msgspec.structs import replace

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Held
from oms_chassis.store import Root, Rows, Store
from oms_contracts.goods import StockCounted, StockDamaged, StockReceived
from oms_inventory import statements
from oms_inventory.codecs import decode_reservation, decode_sku, encode_reservation, encode_sku
from oms_inventory.decisions.goods import cause_of
from oms_inventory.domain import Head, Movement, Reservation, Shelf, Sku, Turn
from oms_inventory.inputs import holder_depths, queue_depths
from oms_inventory.tables import Base, MovementRow, ReservationRow, SkuRow

Row = tuple[Any, ...]
Skus = Mapping[str, Held]


class InventoryStore(Store):
    """Roots, and the rows that hang below them."""

    async def more_roots(
        self, db: asyncpg.Connection, tenant: str, held: dict[Ref, Held], inputs: Sequence[Input]
    ) -> list[Ref]:
        """Complete the locked SKUs; whoever may get or lose units of theirs is locked as well."""
        skus = {key: root for (kind, key), root in held.items() if kind == "sku"}
        if not skus:
            return []
        await _load_shelves(db, tenant, skus)
        await _recall_causes(db, tenant, skus, inputs)
        states = {key: root.state or Sku() for key, root in skus.items()}
        turns = await _load_queues(db, tenant, skus, queue_depths(states, inputs))
        turns += await _load_holders(db, tenant, skus, holder_depths(states, inputs))
        return [("reservation", turn.order_id) for turn in turns]

    async def save_children(
        self,
        db: asyncpg.Connection,
        tenant: str,
        before: Mapping[Ref, Any],
        held: Mapping[Ref, Held],
    ) -> None:
        """Shelves by their differences; allocations and backorders where they differ."""
        changes = Changes()
        for ref, root in held.items():
            if root.changed and root.state is not None:
                if ref[0] == "sku":
                    changes.of_shelves(ref[1], before[ref] or Sku(), root.state)
                else:
                    changes.of_reservation(ref[1], before[ref] or Reservation(), root.state)
        await changes.save(db, tenant)


class ShelfCountedElsewhere(Exception):
    """A shelf was written past its SKU's lock: its next movements have no numbers."""


class Changes:
    """Rows to write, collected over a batch."""

    def __init__(self) -> None:
        self._new_shelves: list[Row] = []
        self._moved_shelves: list[Row] = []
        self._held: list[Row] = []
        self._held_no_more: list[Row] = []
        self._waiting: list[Row] = []
        self._waiting_no_more: list[Row] = []

    async def save(self, db: asyncpg.Connection, tenant: str) -> None:
        """One statement per table; raises ShelfCountedElsewhere."""
        for statement, rows in self._statements():
            if rows:
                said = await db.execute(statement, tenant, *zip(*sorted(rows), strict=True))
                if statement is statements.MOVE_SHELVES and said != f"UPDATE {len(rows)}":
                    raise ShelfCountedElsewhere(f"{said} of {len(rows)} shelves")

    def _statements(self) -> tuple[tuple[str, list[Row]], ...]:
        """Each statement with its rows."""
        return (
            (statements.NEW_SHELVES, self._new_shelves),
            (statements.MOVE_SHELVES, self._moved_shelves),
            (statements.HOLD_NO_MORE, self._held_no_more),
            (statements.HOLD, self._held),
            (statements.WAIT_NO_MORE, self._waiting_no_more),
            (statements.WAIT, self._waiting),
        )

    def of_shelves(self, sku: str, before: Sku, after: Sku) -> None:
        """Shelves that moved, relative to what was loaded."""
        for location, shelf in after.shelves.items():
            known = before.shelves.get(location)
            if known is None:
                new = (sku, location, shelf.on_hand, shelf.reserved, shelf.moves)
                self._new_shelves.append(new)
            elif shelf is not known:
                on_hand, reserved = shelf.on_hand - known.on_hand, shelf.reserved - known.reserved
                moves = shelf.moves - known.moves
                row = (sku, location, on_hand, reserved, moves, known.moves)
                self._moved_shelves.append(row)

    def of_reservation(self, order_id: str, before: Reservation, after: Reservation) -> None:
        """What an order holds and waits for now and did not before, and the reverse."""
        if after.allocated != before.allocated:
            old = {(a.sku, a.location, order_id, a.line_id): a.qty for a in before.allocated}
            for a in after.allocated:
                place = (a.sku, a.location, order_id, a.line_id)
                if old.pop(place, None) != a.qty:
                    turn = after.turn(order_id)
                    self._held.append((*place, turn.rank, turn.accepted_at, a.qty))
            self._held_no_more += old
        if after.waiting != before.waiting:
            queued = {(b.sku, order_id, b.line_id, b.request_id): b for b in before.waiting}
            for b in after.waiting:
                place = (b.sku, order_id, b.line_id, b.request_id)
                if queued.pop(place, None) != b:
                    turn = after.turn(order_id)
                    self._waiting.append(
                        (*place, b.country, turn.rank, turn.accepted_at, b.location, b.qty, b.eta,
                         b.po_line)
                    )  # fmt: skip
            self._waiting_no_more += queued


async def _load_shelves(db: asyncpg.Connection, tenant: str, skus: Skus) -> None:
    shelves: dict[str, dict[str, Shelf]] = {}
    for sku, location, *units in await db.fetch(statements.SHELVES, tenant, list(skus)):
        shelves.setdefault(sku, {})[location] = Shelf(*units)
    for key, found in shelves.items():
        skus[key].state = replace(skus[key].state, shelves=found)


async def _recall_causes(
    db: asyncpg.Connection, tenant: str, skus: Skus, inputs: Sequence[Input]
) -> None:
    """Which causes of those heard now were booked before."""
    heard = [
        (item.key, item.body.location, cause_of(item.body))
        for item in inputs
        if isinstance(item.body, StockReceived | StockCounted | StockDamaged)
    ]
    if not heard:
        return
    for sku, location, cause in await db.fetch(
        statements.BOOKED, tenant, *zip(*heard, strict=True)
    ):
        state = skus[sku].state
        skus[sku].state = replace(state, booked=state.booked | {f"{location}:{cause}"})


async def _load_queues(
    db: asyncpg.Connection, tenant: str, skus: Skus, depths: Mapping[str, int]
) -> list[Turn]:
    """The front of queues, by SKU and country."""
    asked = [
        (key, country, depth)
        for key, depth in depths.items()
        for country in {waiting.country: None for waiting in skus[key].state.waiting}
    ]
    if not asked:
        return []
    turns: dict[tuple[str, str], list[Turn]] = {}
    behind: dict[tuple[str, str], datetime | None] = {}
    for sku, country, rest_oldest_at, *turn in await db.fetch(
        statements.QUEUES, tenant, *zip(*asked, strict=True)
    ):
        turns.setdefault((sku, country), []).append(Turn(*turn))
        behind[sku, country] = rest_oldest_at
    queues: dict[str, dict[str, Head]] = {key: {} for key in depths}
    for (sku, country), front in turns.items():
        oldest = behind[sku, country]
        queues[sku][country] = Head(tuple(front), front[-1] if oldest else None, oldest)
    for key, queue in queues.items():
        skus[key].state = replace(skus[key].state, queue=queue)
    return [turn for front in turns.values() for turn in front]


async def _load_holders(
    db: asyncpg.Connection, tenant: str, skus: Skus, depths: Mapping[tuple[str, str], int]
) -> list[Turn]:
    """Who holds units of shelves that may come to have too few, the last turn first."""
    if not depths:
        return []
    asked = [(*place, depth) for place, depth in depths.items()]
    found: dict[tuple[str, str], list[Turn]] = {place: [] for place in depths}
    for sku, location, *turn in await db.fetch(
        statements.HOLDERS, tenant, *zip(*asked, strict=True)
    ):
        found[sku, location].append(Turn(*turn))
    for (key, location), turns in found.items():
        state = skus[key].state or Sku()
        skus[key].state = replace(state, holders={**state.holders, location: tuple(turns)})
    return [turn for turns in found.values() for turn in turns]


STORE = InventoryStore(
    base=Base,
    roots=(
        Root(
            "sku",
            SkuRow,
            key="sku",
            sequences=("stock_seq", "level_seq"),
            moving=("doc",),
            moving_values=lambda sku: (encode_sku(sku),),
            read=lambda row: decode_sku(row["doc"]),
        ),
        Root(
            "reservation",
            ReservationRow,
            key="order_id",
            sequences=("seq",),
            moving=("doc",),
            moving_values=lambda reservation: (encode_reservation(reservation),),
            read=lambda row: decode_reservation(row["doc"]),
        ),
    ),
    rows={Movement: Rows(MovementRow)},
)
