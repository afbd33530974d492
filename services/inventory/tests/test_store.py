"""What inventory remembers survives: its store on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from builders import (
    DENY,
    NOW,
    SKU,
    accepted,
    alloc,
    counted,
    damaged,
    line,
    ordered,
    received,
    release,
    requested,
    shipped,
)
from database import PARTITIONS, TENANT, Database, empty
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory import Inventory, every, only

from oms_chassis.fold import fold
from oms_chassis.migrate import drift
from oms_contracts.inventory import (
    ReservationBroken,
    StockRefused,
    StockReserved,
)
from oms_inventory import statements
from oms_inventory.codecs import encode_reservation
from oms_inventory.domain import Shelf
from oms_inventory.inputs import roots
from oms_inventory.store import STORE, ShelfCountedElsewhere
from oms_inventory.tables import Base

SHELVES = "SELECT sku, location, on_hand, reserved, moves FROM stock ORDER BY 1, 2"
AUDIT = """
SELECT sku, location FROM stock
LEFT JOIN (SELECT sku, location, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
    count(*) AS moves FROM movement GROUP BY 1, 2) AS moved USING (sku, location)
LEFT JOIN (SELECT sku, location, sum(qty) AS held FROM allocation GROUP BY 1, 2) AS holding
  USING (sku, location)
WHERE (stock.on_hand, stock.reserved, stock.moves)
    IS DISTINCT FROM (moved.on_hand, moved.reserved, moved.moves)
  OR stock.reserved <> coalesce(held, 0)
"""


async def test_the_tables_are_what_the_migrations_make(dsn: str) -> None:
    assert await drift(dsn, Base.metadata) == []


async def test_reserved_units_are_kept_on_both_sides_of_the_books(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(received(5), received(3, location="z"))
    await database.hear(accepted("o1", line(2)), accepted("o2", line(4), priority=3))
    assert await database.rows(SHELVES) == [(SKU, "main", 5, 5, 3), (SKU, "z", 3, 1, 2)]
    held = "SELECT location, order_id, line_id, rank, qty FROM allocation ORDER BY 1, 2"
    assert await database.rows(held) == [
        ("main", "o1", "1", 0, 2),
        ("main", "o2", "1", -3, 3),
        ("z", "o2", "1", -3, 1),
    ]
    assert [a.qty for a in (await database.reservation("o2")).allocated] == [3, 1]


async def test_a_shelf_is_written_as_a_difference(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(received(5))
    ask = accepted("o1", line(2))
    async with db.transaction():
        refs = roots(ask)
        held = await STORE.load(db, TENANT, refs, [ask], PARTITIONS)
        before = {ref: root.state for ref, root in held.items()}
        await db.execute("UPDATE stock SET on_hand = on_hand + 100")
        shelves = {"main": Shelf(on_hand=5, reserved=2, moves=2)}
        book = held["sku", SKU]
        book.state, book.changed = type(book.state)(shelves=shelves), True
        await STORE.save(db, TENANT, before, held, ())
    assert await database.rows(SHELVES) == [(SKU, "main", 105, 2, 2)]


async def test_the_database_itself_refuses_to_oversell(db: asyncpg.Connection) -> None:
    await Database(db).hear(received(5))
    with pytest.raises(asyncpg.CheckViolationError, match="stock_not_oversold"):
        await db.execute("UPDATE stock SET reserved = 6")


@pytest.mark.parametrize(
    "change", ["UPDATE movement SET on_hand_after = 9", "DELETE FROM movement", "TRUNCATE movement"]
)
async def test_the_stock_book_is_never_changed(db: asyncpg.Connection, change: str) -> None:
    await Database(db).hear(received(5))
    with pytest.raises(asyncpg.RestrictViolationError, match="correct it by another movement"):
        await db.execute(change)


async def test_no_movement_is_numbered_past_a_shelf_that_was_counted_elsewhere(
    db: asyncpg.Connection,
) -> None:
    database = Database(db)
    await database.hear(received(5))
    await db.execute("UPDATE stock SET moves = moves + 1")
    await database.hear(received(5))
    book = await database.rows("SELECT number FROM movement ORDER BY number")
    assert book == [(1,), (3,)]
    ask = accepted("o1", line(2))
    with pytest.raises(ShelfCountedElsewhere, match="UPDATE 0 of 1"):
        async with db.transaction():
            held = await STORE.load(db, TENANT, roots(ask), [ask], PARTITIONS)
            before = {ref: root.state for ref, root in held.items()}
            await db.execute("UPDATE stock SET moves = moves + 1")
            own = [(roots(ask)[0], ask)]
            out = fold(database.core, held, own, database.now, set())
            await STORE.save(db, TENANT, before, held, out.rows)
    assert await database.rows("SELECT number FROM movement ORDER BY number") == book


async def test_a_receipt_told_at_two_replicas_at_once_is_booked_once(dsn: str) -> None:
    first, second = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await empty(first)
    await Database(first).hear(received(1))
    told = [received(5, cause_id="r-1"), received(5, cause_id="r-1")]
    await asyncio.gather(Database(first).hear(told[0]), Database(second).hear(told[1]))
    causes = "SELECT count(*) FROM movement WHERE cause = 'receipt:r-1'"
    assert await first.fetchval(causes) == 1
    await first.close()
    await second.close()


async def test_a_receipt_told_again_much_later_is_known(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(received(5, cause_id="r-1"))
    assert await database.hear(received(5, cause_id="r-1")) == []
    assert await database.rows(SHELVES) == [(SKU, "main", 5, 0, 1)]


async def test_goods_reach_those_who_wait_in_turn(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(accepted("o2", line(2), minute=2), accepted("o1", line(2), minute=1))
    await database.hear(accepted("vip", line(1), priority=9, minute=9))
    queue = "SELECT order_id, rank, qty, location FROM backorder ORDER BY rank, accepted_at"
    assert await database.rows(queue) == [
        ("vip", -9, 1, "main"),
        ("o1", 0, 2, "main"),
        ("o2", 0, 2, "main"),
    ]
    await database.hear(received(4))
    assert await database.rows(queue) == [("o2", 0, 1, "main")]
    held = "SELECT order_id, qty FROM allocation ORDER BY 1"
    assert await database.rows(held) == [("o1", 2), ("o2", 1), ("vip", 1)]


async def test_only_as_much_of_a_queue_is_loaded_as_goods_may_reach(
    db: asyncpg.Connection,
) -> None:
    database = Database(db)
    for n in range(6):
        await database.hear(accepted(f"o{n}", line(1), line(1, line_id="2"), minute=n))
    held = await database.loaded(received(2))
    assert sorted(key for kind, key in held if kind == "reservation") == ["o0", "o1"]
    head = held["sku", SKU].state.queue["DE"]
    assert [turn.order_id for turn in head.turns] == ["o0", "o1"]
    assert (head.end, head.rest_oldest_at) == (head.turns[-1], NOW + timedelta(minutes=2))


async def test_each_country_has_a_head_of_its_queue(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(accepted("de", line(1)), accepted("us", line(1), country="US"))
    held = await database.loaded(received(5))
    queue = held["sku", SKU].state.queue
    assert {country: head.end for country, head in queue.items()} == {"DE": None, "US": None}


async def test_a_reservation_does_not_load_the_queue_it_joins(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(accepted("o1", line(1)))
    held = await database.loaded(accepted("o2", line(1)))
    assert held["sku", SKU].state.queue is None
    assert ("reservation", "o1") not in held


async def test_a_count_loads_no_more_owners_than_it_may_break(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(received(4))
    for n in range(4):
        await database.hear(accepted(f"o{n}", line(1), minute=n))
    held = await database.loaded(counted(2))
    turns = held["sku", SKU].state.holders["main"]
    assert [turn.order_id for turn in turns] == ["o3", "o2"]
    assert only(await database.hear(counted(3)), ReservationBroken).alloc == (alloc(1),)
    assert ("o3",) not in await database.rows("SELECT order_id FROM allocation")


async def test_a_sku_that_is_born_in_a_batch_may_be_counted_in_it(db: asyncpg.Connection) -> None:
    said = await Database(db).hear(received(5), accepted("o1", line(5)), counted(3))
    assert only(said, ReservationBroken).alloc == (alloc(2),)


async def test_queues_and_owners_are_read_along_their_indexes(db: asyncpg.Connection) -> None:
    await db.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_hashagg = off")
    queue = await db.fetch("EXPLAIN " + statements.QUEUES, TENANT, [SKU], ["DE"], [5])
    assert sum("Index Only Scan using backorder_in_turn" in row[0] for row in queue) == 2
    holders = await db.fetch("EXPLAIN " + statements.HOLDERS, TENANT, [SKU], ["main"], [5])
    assert any("using allocation_pkey" in row[0] for row in holders)
    booked = await db.fetch("EXPLAIN " + statements.BOOKED, TENANT, [SKU], ["main"], ["count:1"])
    assert any("movement_20" in row[0] and "cause_idx" in row[0] for row in booked)


async def test_promises_and_purchases_survive(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.hear(accepted("o1", line(2)))
    await database.hear(ordered(2, eta_days=7))
    assert [p.open_units for p in (await database.sku()).purchases] == [2]
    promise = (NOW + timedelta(days=7), "po-1/1")
    assert await database.rows("SELECT eta, po_line FROM backorder") == [promise]


async def test_what_shipped_was_held_or_waited_for_leaves_no_row_behind(
    db: asyncpg.Connection,
) -> None:
    database = Database(db)
    await database.hear(received(2))
    await database.hear(accepted("o1", line(3)))
    await database.hear(shipped("o1", alloc(2)))
    await database.hear(release("o1", backordered=(line(1),)))
    assert await database.rows("SELECT 1 FROM allocation UNION ALL SELECT 1 FROM backorder") == []


async def test_the_document_of_a_usual_order_is_short(db: asyncpg.Connection) -> None:
    database = Database(db)
    wanted = [line(2, f"SKU-{n:05}", str(n)) for n in range(1, 4)]
    await database.hear(*(received(9, w.sku) for w in wanted))
    await database.hear(accepted("01955b3b-ca80-7d56-a2e8-24d57a792c48", *wanted))
    reservation = await database.reservation("01955b3b-ca80-7d56-a2e8-24d57a792c48")
    assert len(encode_reservation(reservation)) < 700


async def test_many_buyers_of_few_units_at_two_replicas_get_exactly_those(dsn: str) -> None:
    first, second = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await empty(first)
    await Database(first).hear(received(10), received(10, "B-2"))
    orders = [
        accepted(f"o{n}", line(1, skus[0]), line(1, skus[1], "2"), policy=DENY)
        for n in range(40)
        for skus in [(SKU, "B-2") if n % 2 else ("B-2", SKU)]
    ]

    async def buy(db: asyncpg.Connection, mine: list) -> list:
        return [fact for item in mine for fact in await Database(db).hear(item)]

    said = await asyncio.gather(buy(first, orders[::2]), buy(second, orders[1::2]))
    told = [fact for facts in said for fact in facts]
    assert len(every(told, StockReserved)) == 10
    assert len(every(told, StockRefused)) == 30
    shelves = await first.fetch("SELECT on_hand, reserved FROM stock")
    assert [tuple(shelf) for shelf in shelves] == [(10, 10), (10, 10)]
    assert await first.fetch(AUDIT) == []
    await first.close()
    await second.close()


orders = st.sampled_from(("o1", "o2", "o3"))
units = st.integers(1, 4)
places = st.sampled_from(("east", "west"))
streams = st.lists(
    st.lists(
        st.one_of(
            st.builds(accepted, orders, st.builds(line, units), priority=st.integers(0, 1)),
            st.builds(requested, orders, st.builds(line, units), country=st.just("US")),
            st.builds(release, orders, st.builds(alloc, units, location=places)),
            st.builds(shipped, orders, st.builds(alloc, units, location=places)),
            st.builds(received, st.integers(1, 9), location=places, po_line=st.just("po-1/1")),
            st.builds(counted, st.integers(0, 9), location=places),
            st.builds(damaged, units, location=places),
            st.builds(ordered, units, st.integers(1, 3), location=places),
        ),
        min_size=1,
        max_size=4,
    ),
    max_size=6,
)


@given(batches=streams)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_database_decides_what_memory_would(dsn: str, batches: list) -> None:
    asyncio.run(_compare(dsn, batches))


async def _compare(dsn: str, batches: list) -> None:
    db = await asyncpg.connect(dsn)
    try:
        await empty(db)
        database, memory = Database(db), Inventory()
        for batch in batches:
            assert await database.hear(*batch) == memory.hear(*batch)
        for order_id, reservation in memory.reservations.items():
            assert await database.reservation(order_id) == reservation
        assert await database.rows(SHELVES) == [
            (key, location, shelf.on_hand, shelf.reserved, shelf.moves)
            for key, sku in sorted(memory.skus.items())
            for location, shelf in sorted(sku.shelves.items())
        ]
        assert await database.rows(AUDIT) == []
        assert len(await database.rows("SELECT 1 FROM movement")) == len(memory.movements)
    finally:
        await db.close()
