"""I3: stock is conserved and never oversold, at any moment of its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground

Place = tuple[str, str, str]
"""Order, SKU and location."""

_CUT = "SELECT max(ends) FROM aged_out WHERE of = 'movement'"
"""Until when lines have left the books; None where the books are whole. A book that was cut
begins with the balances that its first line found."""
AT_THE_CUT = timedelta(days=7)
"""As long after the cut, receipts are not compared: they are entered before they are booked."""
_BOOKS = """
SELECT s.sku, s.location, s.on_hand, s.reserved, s.moves,
       coalesce(m.on_hand, CASE WHEN $2 THEN s.on_hand ELSE 0 END),
       coalesce(m.reserved, CASE WHEN $2 THEN s.reserved ELSE 0 END),
       coalesce(m.moves, CASE WHEN $2 THEN s.moves ELSE 0 END)
FROM stock s FULL JOIN (
  SELECT sku, location,
    sum(on_hand_delta + CASE WHEN $2 AND number = first THEN on_hand_after - on_hand_delta
      ELSE 0 END)::bigint AS on_hand,
    sum(reserved_delta + CASE WHEN $2 AND number = first THEN reserved_after - reserved_delta
      ELSE 0 END)::bigint AS reserved,
    count(*) + CASE WHEN $2 THEN min(first) - 1 ELSE 0 END AS moves
  FROM (SELECT *, min(number) OVER (PARTITION BY sku, location) AS first
        FROM movement WHERE tenant = $1) line
  GROUP BY sku, location) m USING (sku, location)
WHERE s.tenant = $1 OR s.tenant IS NULL
"""
_PREFIXES = """
SELECT sku, location, number FROM (
  SELECT sku, location, number, on_hand_after, reserved_after, row_number() OVER book - 1
    + CASE WHEN $2 THEN first_value(number) OVER book ELSE 1 END AS place,
    sum(on_hand_delta) OVER book + CASE WHEN $2
      THEN first_value(on_hand_after - on_hand_delta) OVER book ELSE 0 END AS on_hand,
    sum(reserved_delta) OVER book + CASE WHEN $2
      THEN first_value(reserved_after - reserved_delta) OVER book ELSE 0 END AS reserved
  FROM movement WHERE tenant = $1 WINDOW book AS (PARTITION BY sku, location ORDER BY number)
) line
WHERE number <> place OR on_hand <> on_hand_after OR reserved <> reserved_after
   OR reserved < 0 OR on_hand < reserved
"""
_GIVEN_BACK = """
SELECT order_id, sku, location, number, kind, held FROM (
  SELECT order_id, sku, location, number, kind, on_hand_delta, reserved_delta,
    sum(reserved_delta) OVER held AS held, first_value(kind) OVER held AS first
  FROM movement WHERE tenant = $1
  WINDOW held AS (PARTITION BY order_id, sku, location ORDER BY number)
) line
WHERE (held < 0 AND (first = 'reserve' OR NOT $2))
   OR (kind = 'consume' AND on_hand_delta <> reserved_delta)
   OR (order_id = '' AND reserved_delta <> 0)
"""
_TWICE = """
SELECT sku, location, cause, count(*) FROM movement WHERE tenant = $1
GROUP BY sku, location, cause HAVING count(*) > 1
"""
_BY_ORDER = """
SELECT order_id, sku, location, sum(reserved_delta)::bigint AS units
FROM movement WHERE tenant = $1 AND order_id <> '' GROUP BY order_id, sku, location
HAVING NOT $2 OR bool_or(kind = 'reserve') AND sum(reserved_delta) >= 0
"""
"""Of a book that was cut, orders whose units were set aside before are left out."""
_ALLOCATED = """
SELECT order_id, sku, location, sum(qty)::bigint AS units FROM allocation WHERE tenant = $1
GROUP BY order_id, sku, location
"""
_QUEUED = """
SELECT order_id, line_id, sku, sum(qty)::bigint AS units FROM backorder WHERE tenant = $1
GROUP BY order_id, line_id, sku
"""
_COUNT = "SELECT count(*) FROM movement WHERE tenant = $1"
_RECEIVED = """
SELECT sku, location, substr(cause, 9) AS cause_id, on_hand_delta AS qty, booked_at AS at
FROM movement WHERE tenant = $1 AND kind = 'receipt'
"""
_ENTERED = """
SELECT sku, location, cause_id, qty, at FROM goods_entry WHERE tenant = $1 AND kind = 'received'
"""


async def movements_add_up(ground: Ground) -> Finding:
    """The sum of all movements is what lies on the shelf, and what of it is reserved."""
    cut = await cut_at(ground) is not None
    rows = await ground.stores.rows("inventory", _BOOKS, ground.tenant, cut)
    wrong = [
        f"{sku} at {location}: {on_hand} on hand, {reserved} reserved; "
        f"the book says {booked_on_hand} and {booked_reserved}"
        for sku, location, on_hand, reserved, moves,
            booked_on_hand, booked_reserved, booked_moves in rows
        if (on_hand, reserved, moves) != (booked_on_hand, booked_reserved, booked_moves)
    ]  # fmt: skip
    return found("I3", "movements add up to what is on the shelf", len(rows), wrong)


async def never_oversold(ground: Ground) -> Finding:
    """After every single movement 0 ≤ reserved ≤ on hand, and balances run without a gap."""
    cut = await cut_at(ground) is not None
    rows = await ground.stores.rows("inventory", _PREFIXES, ground.tenant, cut)
    [(count,)] = await ground.stores.rows("inventory", _COUNT, ground.tenant)
    wrong = [f"{sku} at {location}: movement {number}" for sku, location, number in rows]
    return found("I3", "never oversold, after any movement", count, wrong)


async def reservations_end_once(ground: Ground) -> Finding:
    """What an order reserved it uses or gives back once: after no movement does it hold less than
    nothing, what is consumed was reserved, and nobody but an order reserves.
    """
    cut = await cut_at(ground) is not None
    rows = await ground.stores.rows("inventory", _GIVEN_BACK, ground.tenant, cut)
    [(count,)] = await ground.stores.rows("inventory", _COUNT, ground.tenant)
    wrong = [
        f"{order_id or 'no order'}: {sku} at {location}, movement {number} ({kind}): holds {held}"
        for order_id, sku, location, number, kind, held in rows
    ]
    return found("I3", "each reservation ends once", count, wrong)


async def no_cause_is_booked_twice(ground: Ground) -> Finding:
    """A receipt, a reservation or a shipment moves stock once."""
    rows = await ground.stores.rows("inventory", _TWICE, ground.tenant)
    [(count,)] = await ground.stores.rows("inventory", _COUNT, ground.tenant)
    wrong = [f"{sku} at {location}: {cause} {n} times" for sku, location, cause, n in rows]
    return found("I3", "no cause is booked twice", count, wrong)


async def reservations_own_what_is_reserved(ground: Ground) -> Finding:
    """What an order reserved and neither used nor gave back is what its reservation names, and
    what the shelf's side says. So each reservation ends exactly once: consumed, released, broken,
    or not found.
    """
    cut = await cut_at(ground) is not None
    booked = _by_place(await ground.stores.rows("inventory", _BY_ORDER, ground.tenant, cut))
    shelves = _by_place(await ground.stores.rows("inventory", _ALLOCATED, ground.tenant))
    held: Counter[Place] = Counter()
    for order_id, kept in ground.roots["inventory"]["reservation"].items():
        for a in kept.state.allocated:
            held[order_id, a.sku, a.location] += a.qty
    wrong = [
        f"{order_id}: {sku} at {location}: {booked[place]} reserved in the book, "
        f"{held[place]} held, {shelves[place]} by the shelf"
        for place in booked.keys() | (set() if cut else held.keys() | shelves.keys())
        if not booked[place] == held[place] == shelves[place]
        for order_id, sku, location in (place,)
    ]
    return found("I3", "reserved units belong to reservations", len(booked), wrong)


async def cut_at(ground: Ground) -> datetime | None:
    """Until when lines have left the stock books."""
    [(ends,)] = await ground.stores.rows("inventory", _CUT)
    return ends  # type: ignore[no-any-return]


def _by_place(rows: Sequence[asyncpg.Record]) -> Counter[Place]:
    units: Counter[Place] = Counter()
    for order_id, sku, location, qty in rows:
        units[order_id, sku, location] = qty
    return units


async def queues_hold_who_waits(ground: Ground) -> Finding:
    """Who waits by their reservation stands in the SKU's queue, and is counted in its book."""
    rows = await ground.stores.rows("inventory", _QUEUED, ground.tenant)
    queued = {(order_id, line_id, sku): units for order_id, line_id, sku, units in rows}
    waiting: Counter[tuple[str, str, str]] = Counter()
    for order_id, kept in ground.roots["inventory"]["reservation"].items():
        for b in kept.state.waiting:
            waiting[order_id, b.line_id, b.sku] += b.qty
    wrong = [
        f"{place[0]}: {waiting[place]} of {place[2]} wait, {queued.get(place, 0)} in the queue"
        for place in waiting.keys() | queued.keys()
        if waiting[place] != queued.get(place, 0)
    ]
    by_sku: Counter[str] = Counter()
    for (_, _, sku), units in queued.items():
        by_sku[sku] += units
    books: dict[str, int] = {
        sku: kept.state.backordered() for sku, kept in ground.roots["inventory"]["sku"].items()
    }
    wrong += [
        f"{sku}: {books.get(sku, 0)} wait by the book, {by_sku[sku]} in the queue"
        for sku in books.keys() | by_sku.keys()
        if books.get(sku, 0) != by_sku[sku]
    ]
    return found("I3", "queues hold who waits", len(queued), wrong)


async def goods_received_are_booked(ground: Ground) -> Finding:
    """What the receiving desk entered is in the stock book: same cause, same units."""
    entered = _by_cause(ground, await ground.stores.rows("warehouse", _ENTERED, ground.tenant))
    booked = _by_cause(ground, await ground.stores.rows("inventory", _RECEIVED, ground.tenant))
    cut = await cut_at(ground)
    places = entered.keys() | booked.keys()
    if cut is not None:
        known = entered | booked
        places = {place for place in places if known[place][1] >= cut + AT_THE_CUT}
    nothing = (0, None)
    wrong = [
        f"{sku} at {location}, receipt {cause_id}: {units} entered, {other} booked"
        for place in places
        for (units, _), (other, _) in ((entered.get(place, nothing), booked.get(place, nothing)),)
        if units != other
        for sku, location, cause_id in (place,)
    ]
    return found("I3", "goods received are booked", len(entered), wrong)


def _by_cause(
    ground: Ground, rows: Sequence[asyncpg.Record]
) -> dict[tuple[str, str, str], tuple[int, datetime]]:
    return {
        (row["sku"], row["location"], row["cause_id"]): (row["qty"], row["at"])
        for row in rows
        if ground.settled(row["sku"])
    }
