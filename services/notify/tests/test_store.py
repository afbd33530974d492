"""What the core decided is in the database, and comes back as it was."""

import asyncpg
from builders import accepted, completed, delayed, invoiced, shipped, shortage
from database import GOODS, ORDER, PARTITIONS, TENANT, Database

from oms_chassis.migrate import drift
from oms_notify.store import STORE


async def test_the_migrations_make_the_tables_of_the_code(dsn: str) -> None:
    assert await drift(dsn, STORE.base.metadata) == []


async def test_messages_come_back_as_they_were_saved(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(accepted())
    await database.tell(delayed())
    out = await database.sent()
    held = await STORE.load(db, TENANT, [ORDER], [], PARTITIONS)
    assert held[ORDER].state == out.decisions[-1][1].states[ORDER]


async def test_alerts_come_back_as_they_were_saved(db: asyncpg.Connection) -> None:
    database = Database(db)
    out = await database.tell(shortage(), GOODS)
    held = await STORE.load(db, TENANT, [GOODS], [], PARTITIONS)
    assert held[GOODS].state == out.decisions[-1][1].states[GOODS]


async def test_outcomes_find_the_root_they_are_about(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(shortage(), GOODS)
    await database.sent(GOODS)
    out = await database.sent(GOODS)
    assert not out.effects and [d.verdict for _, d in out.decisions] == ["apply"]
    assert await db.fetchval("SELECT count(*) FROM messages") == 0


async def test_a_failure_is_numbered_and_brought_to_attention(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(accepted())
    out = await database.refused()
    assert [(fact.key, fact.sequence) for fact in out.facts] == [(ORDER[1], 1)]
    assert (
        await db.fetchval("SELECT attention FROM messages") == "not delivered: order_confirmation"
    )


async def test_a_usual_order_stays_below_two_kilobytes(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(accepted().model_copy(update={"contact": "2026-11." + "x" * 250}))
    for fact in (shipped(), invoiced(), completed()):
        await database.tell(fact)
    for _ in range(4):
        await database.sent()
    assert await db.fetchval("SELECT length(head) + length(doc) FROM messages") < 2_000
