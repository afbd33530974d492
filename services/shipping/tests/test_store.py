"""What the core decided is in the database, and comes back as it was."""

import asyncpg
import pytest
from builders import BY_HAND, ORDER_ID, SHIPMENT_ID, asked, labels, parcel, scan, stop
from database import PARTITIONS, TENANT, Database, seconds_after_now

from oms_chassis.migrate import drift
from oms_shipping.domain import HandOver, Policy
from oms_shipping.store import STORE


async def test_the_migrations_make_the_tables_of_the_code(dsn: str) -> None:
    assert await drift(dsn, STORE.base.metadata) == []


async def test_shipments_come_back_as_they_were_saved(db: asyncpg.Connection) -> None:
    database = Database(db, Policy())
    await database.tell(asked(parcels=(parcel("P-1"), parcel("P-2"))))
    out = await database.answer(**labels("P-1", "P-2"))
    ref = ("shipments", ORDER_ID)
    held = await STORE.load(db, TENANT, [ref], [], PARTITIONS)
    assert held[ref].state == out.decisions[-1][1].state
    assert held[ref].seqs == [1] and held[ref].partition == out.facts[0].partition


async def test_a_usual_order_stays_below_two_kilobytes(db: asyncpg.Connection) -> None:
    database = Database(db, Policy())
    request = asked().model_copy(update={"address": "2026-11." + "x" * 320})
    await database.tell(request)
    await database.answer(**labels())
    assert await db.fetchval("SELECT length(doc) FROM shipments") < 2_000


async def test_a_parcel_has_one_row_that_follows_its_newest_scan(db: asyncpg.Connection) -> None:
    database = Database(db, Policy())
    await database.tell(asked())
    await database.answer(**labels())
    for code in ("AE", "PO", "AN"):
        await database.tell(scan(code, database.now))
    rows = await db.fetch("SELECT tracking_no, status, problem <> '' AS wrong FROM parcel")
    assert [tuple(row) for row in rows] == [("T-P-1", "delivery_failed", True)]
    assert await db.fetchval("SELECT count(*) FROM scan") == 3


async def test_a_scan_told_twice_is_kept_once(db: asyncpg.Connection) -> None:
    database = Database(db, Policy())
    await database.tell(asked())
    await database.answer(**labels())
    said = scan("AN", seconds_after_now(2), event_id="e-1")
    facts = [len((await database.tell(said)).facts) for _ in range(2)]
    assert facts == [1, 0] and await db.fetchval("SELECT count(*) FROM scan") == 1


async def test_voided_labels_are_known_as_such(db: asyncpg.Connection) -> None:
    database = Database(db, BY_HAND)
    await database.tell(asked())
    await database.answer(**labels())
    await database.tell(stop())
    await database.answer()
    assert await db.fetchval("SELECT label FROM parcel") == "voided"


async def test_the_database_knows_three_states_of_a_label(db: asyncpg.Connection) -> None:
    database = Database(db, BY_HAND)
    await database.tell(asked())
    await database.answer(**labels())
    await database.tell(HandOver(SHIPMENT_ID, ("T-P-1",)))
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("UPDATE parcel SET label = 'torn'")
