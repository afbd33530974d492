"""What the core decided is in the database and comes back; what must not be cannot be there."""

from uuid import uuid4

import asyncpg
import pytest
from builders import (
    NOW,
    ORDER,
    PAY,
    TOTAL,
    all_shipped,
    refund,
    request_id,
    requested,
    shipped,
    void,
)
from database import PARTITIONS, TENANT, Database

from oms_billing.domain import Payment
from oms_billing.store import STORE
from oms_chassis.migrate import drift

OTHER_ORDER = "019ab5d2-4c80-7000-8000-000000000002"


async def test_the_migrations_make_the_tables_of_the_code(dsn: str) -> None:
    assert await drift(dsn, STORE.base.metadata) == []


async def stored(db: asyncpg.Connection, key: str = ORDER) -> Payment:
    ref = ("payment", key)
    state = (await STORE.load(db, TENANT, [ref], [], PARTITIONS))[ref].state
    assert isinstance(state, Payment)
    return state


async def test_a_payment_comes_back_as_it_was_saved(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested("tok_capture_fails_once"))
    await database.answered()
    await database.tell(shipped("S-1", ("1", 2)))
    out = await database.tell(void())
    assert await stored(db) == out.decisions[-1][1].states["payment", ORDER]


async def test_a_payment_born_of_a_void_keeps_what_is_asked_later(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(void())
    await database.tell(requested(), requested(request=request_id("again")))
    await database.answered()
    payment = await stored(db)
    assert [a.terms.request_id for a in payment.attempts] == [PAY, request_id("again")]
    assert payment.head is None


async def test_a_later_request_is_kept_beside_the_first(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested("tok_decline"))
    await database.answered()
    await database.tell(requested("tok_approve", request=request_id("again")))
    payment = await stored(db)
    assert [a.terms.reference for a in payment.attempts] == ["tok_decline", "tok_approve"]
    assert payment.head == payment.attempts[0].terms


async def test_a_usual_order_stays_below_two_kilobytes(db: asyncpg.Connection) -> None:
    database = Database(db)
    asked = requested().model_copy(update={"bill_to": "2026-11." + "x" * 320})
    await database.tell(asked)
    await database.answered()
    await database.tell(all_shipped())
    await database.answered()
    size = await db.fetchrow("SELECT length(head) AS head, length(doc) AS doc FROM payment")
    assert size["head"] < 1_200 and size["doc"] < 1_500


async def test_a_captured_order_is_in_the_ledger_and_nobody_owes(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested())
    await database.answered()
    await database.tell(all_shipped())
    await database.answered()
    rows = await db.fetch(
        "SELECT account, sum(debit_minor - credit_minor)::bigint AS balance FROM journal_entry "
        "GROUP BY account HAVING sum(debit_minor - credit_minor) <> 0 ORDER BY account"
    )
    assert [tuple(row) for row in rows] == [
        ("cash", TOTAL), ("revenue", -11_067), ("sales_tax", -2_090),
    ]  # fmt: skip
    assert await db.fetchval("SELECT count(*) FROM open_item") == 0
    assert await db.fetchval("SELECT status FROM payment") == "captured"


async def test_numbers_have_no_gaps_over_batches_and_orders(db: asyncpg.Connection) -> None:
    database = Database(db)
    for order in (ORDER, OTHER_ORDER):
        await database.tell(requested("acme", method="terms"), key=order)
    both = [(ORDER, shipped("S-1", ("1", 1))), (OTHER_ORDER, shipped("S-2", ("1", 1)))]
    await database.batch(both)
    await database.batch([(OTHER_ORDER, shipped("S-3", ("1", 1)))])
    found = await db.fetch("SELECT invoice_no FROM invoice ORDER BY invoice_no")
    assert [row["invoice_no"] for row in found] == [f"INV-2026-00000{n}" for n in (1, 2, 3)]
    assert await db.fetchval("SELECT last FROM numbers WHERE series = 'INV'") == 3


async def test_a_number_taken_by_what_fails_is_given_to_the_next(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested("acme", method="terms"))
    with pytest.raises(AssertionError):
        await database.tell(shipped("S-1", ("9", 1)))
    await database.tell(shipped("S-2", ("1", 1)))
    assert await db.fetchval("SELECT invoice_no FROM invoice") == "INV-2026-000001"


async def test_a_credit_note_is_stored_with_its_lines(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested())
    await database.answered()
    await database.tell(all_shipped())
    await database.answered()
    await database.tell(refund(298, ("2", 1)))
    await database.answered()
    note = await db.fetchrow("SELECT *, lines->0->>'qty' AS qty FROM credit_note")
    assert (note["credit_note_no"], note["net_minor"], note["qty"]) == ("CN-2026-000001", 250, "1")


JOURNAL = """
INSERT INTO journal (tenant, journal_id, order_id, cause, reference, document_no, posted_at,
  currency, entry_count, total_minor) VALUES ('main', $1, 'o', $2, 'r', 'd', now(), 'EUR', $3, $4)
"""
ENTRIES = """
INSERT INTO journal_entry (tenant, journal_id, line, account, debit_minor, credit_minor)
SELECT 'main', $1, u.* FROM unnest($2::smallint[], $3::text[], $4::bigint[], $5::bigint[]) u
"""
GOOD = ([1, 2], ["cash", "revenue"], [5, 0], [0, 5])


@pytest.mark.parametrize(
    ("count", "total", "sides"),
    [
        (2, 5, ([1, 2], ["cash", "revenue"], [5, 0], [0, 4])),
        (2, 4, GOOD),
        (3, 5, GOOD),
        (2, 5, ([1, 3], ["cash", "revenue"], [5, 0], [0, 5])),
        (2, 5, ([1, 2], ["cash", "revenue"], [5, 0], [5, 5])),
        (2, 5, ([1, 2], ["cash", "revenue"], [5, 0], [0, 0])),
        (2, 5, ([1, 2], ["cash", "revenue"], [-5, 0], [0, -5])),
        (1, 5, ([1], ["cash"], [5], [0])),
    ],
)
async def test_the_database_refuses_a_journal_that_does_not_balance(
    db: asyncpg.Connection, count: int, total: int, sides: tuple[list[int], ...]
) -> None:
    id_ = uuid4()
    with pytest.raises(asyncpg.CheckViolationError):
        async with db.transaction():
            await db.execute(JOURNAL, id_, "invoice", count, total)
            await db.execute(ENTRIES, id_, *sides)
    assert await db.fetchval("SELECT count(*) FROM journal") == 0


async def test_the_database_refuses_a_journal_without_entries(db: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="no entries"):
        await db.execute(JOURNAL, uuid4(), "invoice", 2, 5)


async def test_the_database_refuses_entries_without_a_journal(db: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(ENTRIES, uuid4(), *GOOD)


async def post(db: asyncpg.Connection) -> object:
    id_ = uuid4()
    async with db.transaction():
        await db.execute(JOURNAL, id_, "invoice", 2, 5)
        await db.execute(ENTRIES, id_, *GOOD)
    return id_


async def test_nothing_is_ever_added_to_a_posted_journal(db: asyncpg.Connection) -> None:
    id_ = await post(db)
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(ENTRIES, id_, [3, 4], *GOOD[1:])
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(ENTRIES, id_, *GOOD)


async def test_a_business_event_cannot_be_posted_twice(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested("acme", method="terms"))
    before = await db.fetchrow("SELECT head, doc FROM payment")
    await database.tell(all_shipped())
    await db.execute("UPDATE payment SET head = $1, doc = $2", *before)
    with pytest.raises(asyncpg.UniqueViolationError, match=r"journal_.*pkey"):
        await database.tell(all_shipped())


@pytest.mark.parametrize("table", ["journal", "journal_entry", "invoice", "credit_note"])
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_database_refuses_to_change_what_was_written(
    db: asyncpg.Connection, table: str, change: str
) -> None:
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
        await db.execute(change.format(table))


async def test_a_second_invoice_for_a_shipment_is_impossible(db: asyncpg.Connection) -> None:
    database = Database(db)
    await database.tell(requested("acme", method="terms"), all_shipped())
    copy = (
        "INSERT INTO invoice SELECT tenant, 'INV-2026-000002', order_id, order_no, shipment_id, "
        "method, issued_at, due_at, currency, lines, shipping_net_minor, shipping_tax_minor, "
        "net_minor, tax_minor, journal_id, bill_to FROM invoice"
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(copy)
    assert database.now > NOW
