"""What the warehouse remembers survives: the real cycle on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from builders import (
    F1,
    F2,
    NOW,
    ORDER,
    ROBOTS,
    SKU,
    Warehouse,
    after,
    backorder,
    lines,
    part,
    released,
    stop_requested,
)
from msgspec.structs import replace
from running import Running

from oms_chassis.decision import Input, mint_id
from oms_chassis.migrate import drift
from oms_chassis.problems import CommandRefused
from oms_chassis.work import Source, Work
from oms_warehouse import tables
from oms_warehouse.codecs import decode_goods, decode_order, order_document
from oms_warehouse.decisions import FULFILMENTS, GOODS
from oms_warehouse.domain import (
    ConfirmPurchaseOrder,
    ConfirmPutBack,
    Fulfilment,
    ReceiveStock,
    ReportShort,
    ScanPick,
    ShortReason,
    StartPick,
)
from oms_warehouse.inputs import roots

COUNTER = count()


async def do(
    running: Running, *commands: object, key: str = ORDER, by: str = "ann"
) -> list[object]:
    """Commands of one cycle; their answers or refusals in order."""
    works = []
    for body in commands:
        item = Input(mint_id(NOW, f"command {next(COUNTER)}"), key, body, NOW, actor=by)
        works.append(Work(item, Source.COMMAND, roots(item)[0], type(body).__name__))
    done = await running.run(works)
    answers = {id(work): answer for work, answer in done.answers}
    return [answers[id(work)] for work in works]


async def fulfilment_of(running: Running) -> Fulfilment:
    (row,) = await running.rows("SELECT doc FROM order_fulfilments WHERE order_id = $1", ORDER)
    return decode_order(row["doc"]).fulfilments[0]


async def test_the_tables_are_what_the_migrations_make(dsn: str) -> None:
    assert await drift(dsn, tables.Base.metadata) == []


async def test_a_release_is_kept_queued_and_its_address_stays_sealed(running: Running) -> None:
    asked = released(ship_by=datetime.now(UTC) + timedelta(hours=8))  # the database's clock runs
    await running.hear(asked)
    found = await fulfilment_of(running)
    in_memory = Warehouse()
    in_memory.tell(asked)
    assert found == in_memory.fulfilment
    (item,) = await running.rows("SELECT * FROM fulfilment")
    assert (item["fulfilment_id"], item["order_id"], item["status"]) == (F1, ORDER, "released")
    (address,) = await running.rows("SELECT * FROM delivery_address")
    assert address["address"] == "2026-11.sealed"
    (due,) = await running.rows("SELECT kind, key, at FROM due")
    assert (due["kind"], due["key"], due["at"]) == (FULFILMENTS, ORDER, found.ship_by)


async def test_everything_a_fulfilment_may_hold_comes_back_as_it_was(running: Running) -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested(1, reason="changed \0 her mind"))
    warehouse.tell(stop_requested(2, F2))
    (document,) = order_document(warehouse.order)
    assert decode_order(document) == replace(warehouse.order, scans=())
    assert len(document) < 2_048


async def test_a_release_and_its_stop_in_one_batch_are_answered_in_order(running: Running) -> None:
    await running.hear(released(part(F1, ROBOTS)), stop_requested())
    told = [(name, sequence) for name, sequence, _ in await running.facts()]
    assert told == [("FulfilmentPacked", 1), ("FulfilmentStopped", 2)]
    assert await running.rows("SELECT 1 FROM due") == []


async def test_a_whole_batch_of_orders_is_packed_in_one_transaction(running: Running) -> None:
    keys = [f"order-{n}" for n in range(50)]
    await running.hear(*((key, released(part(f"F-{key}", ROBOTS))) for key in keys))
    facts = await running.facts()
    assert len(facts) == 50
    assert {sequence for _, sequence, _ in facts} == {1}
    (count,) = await running.rows("SELECT count(*) AS n FROM fulfilment WHERE status = 'packed'")
    assert count["n"] == 50


async def test_a_scan_sent_again_in_a_later_cycle_is_known(running: Running) -> None:
    await running.hear(released())
    await do(running, StartPick(F1))
    scan = ScanPick(F1, "MUG-1", "scan-1")
    (first,) = await do(running, scan)
    (other,) = await do(running, ScanPick(F1, "MUG-1", "scan-2"))
    (again,) = await do(running, scan)
    assert again == first != other
    assert (await fulfilment_of(running)).picked == 2
    assert len(await running.rows("SELECT 1 FROM scan")) == 2


async def test_a_scan_sent_twice_within_one_cycle_counts_once(running: Running) -> None:
    await running.hear(released())
    await do(running, StartPick(F1))
    scan = ScanPick(F1, "MUG-1", "scan-1")
    first, second = await do(running, scan, scan)
    assert first == second
    assert (await fulfilment_of(running)).picked == 1


async def test_scans_are_rows_and_no_part_of_the_document(running: Running) -> None:
    await running.hear(released())
    await do(running, StartPick(F1), ScanPick(F1, "TEA-1", "scan-1"))
    (row,) = await running.rows("SELECT doc FROM order_fulfilments")
    assert decode_order(row["doc"]).scans == ()
    (scan,) = await running.rows("SELECT * FROM scan")
    assert (scan["verb"], scan["sku"], scan["person"]) == ("pick", "TEA-1", "ann")


async def test_a_caught_mistake_is_kept_although_the_scan_was_refused(running: Running) -> None:
    await running.hear(released())
    await do(running, StartPick(F1))
    (refusal,) = await do(running, ScanPick(F1, "CUP-1", "scan-1"))
    assert isinstance(refusal, CommandRefused)
    (caught,) = await running.rows("SELECT person, sku, code FROM misscan")
    assert tuple(caught) == ("ann", "CUP-1", "wrong_item")


async def test_a_receipt_entered_again_later_is_known(running: Running) -> None:
    receipt = ReceiveStock("main", 5, "R-1", lot="L-1", bin="A-03")
    (first,) = await do(running, receipt, key=SKU)
    again = await do(running, receipt, receipt, key=SKU, by="someone else")
    assert again == [first, first]
    assert [name for name, _, _ in await running.facts()] == ["StockReceived"]
    (row,) = await running.rows("SELECT doc FROM goods WHERE sku = $1", SKU)
    assert decode_goods(row["doc"]).entries == ()
    (bin_,) = await running.rows("SELECT bin FROM bin WHERE location = 'main' AND sku = $1", SKU)
    assert bin_["bin"] == "A-03"


async def test_a_receipt_number_serves_several_skus_of_one_delivery(running: Running) -> None:
    for sku in (SKU, "TEA-1"):
        (answer,) = await do(running, ReceiveStock("main", 5, "R-1"), key=sku)
        assert isinstance(answer, dict)
    assert len(await running.rows("SELECT 1 FROM goods_entry")) == 2


async def test_a_purchase_order_line_is_found_by_its_id_until_after_it_is_received(
    running: Running,
) -> None:
    await running.hear((SKU, backorder(3)), (SKU, backorder(14)))
    (line,) = await running.rows("SELECT * FROM purchase_order_line")
    assert (line["sku"], line["ordered_qty"], line["status"]) == (SKU, 18, "placed")
    await do(running, ReceiveStock("main", 18, "R-1", po_line=line["po_line"]), key=SKU)
    (line,) = await running.rows("SELECT * FROM purchase_order_line")
    assert (line["received_qty"], line["status"]) == (18, "received")
    assert [name for name, _, _ in await running.facts()] == [
        "PurchaseOrderPlaced", "PurchaseOrderPlaced", "StockReceived",
    ]  # fmt: skip


async def test_facts_of_a_sku_and_of_an_order_are_numbered_apart(running: Running) -> None:
    await running.hear(
        released(part(F1, ROBOTS)), (SKU, backorder(3)), released(part(F2, ROBOTS)),
        ("TEA-1", backorder(1, sku="TEA-1")),
    )  # fmt: skip
    assert [(name, sequence) for name, sequence, _ in await running.facts()] == [
        ("FulfilmentPacked", 1),
        ("PurchaseOrderPlaced", 1),
        ("FulfilmentPacked", 2),
        ("PurchaseOrderPlaced", 1),
    ]


async def test_a_deadline_wakes_the_root_it_belongs_to(running: Running) -> None:
    await running.hear(released(ship_by=after(days=-800)))
    await running.wake((FULFILMENTS, ORDER), NOW)
    (item,) = await running.rows("SELECT overdue_since, due_at FROM fulfilment")
    assert item["overdue_since"] is not None
    (due,) = await running.rows("SELECT kind, at FROM due")
    assert (due["kind"], due["at"]) == (FULFILMENTS, item["due_at"])


async def test_a_late_delivery_wakes_its_sku(running: Running) -> None:
    await running.hear((SKU, backorder(3)))
    (line,) = await running.rows("SELECT po_line FROM purchase_order_line")
    await do(running, ConfirmPurchaseOrder(line["po_line"], 12, after(days=-800)), key=SKU)
    await running.wake((GOODS, SKU), NOW)
    (line,) = await running.rows("SELECT overdue_since FROM purchase_order_line")
    assert line["overdue_since"] is not None


async def test_short_units_and_a_stop_go_through_the_database(running: Running) -> None:
    await running.hear(released(part(of=lines(("1", "MUG-1", 3)))))
    await do(
        running,
        StartPick(F1),
        ReportShort(F1, "1", 1, ShortReason.DAMAGED, "scan-1"),
        ScanPick(F1, "MUG-1", "scan-2", 2),
    )
    await running.hear(stop_requested(), at=after(minutes=1))
    await do(running, ConfirmPutBack(F1), by="cy")
    facts = await running.facts()
    assert [name for name, _, _ in facts] == ["FulfilmentShort", "FulfilmentStopped"]
    assert facts[0][2]["short"][0]["reason"] == "damaged"
    assert facts[1][2]["alloc"] == [{"line_id": "1", "sku": "MUG-1", "location": "main", "qty": 2}]


async def test_the_queue_is_read_along_its_index(running: Running) -> None:
    location, before = "main", after(hours=9)
    async with running.pool.acquire() as db, db.transaction():
        await db.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = await db.fetch(
            f"EXPLAIN SELECT * FROM fulfilment WHERE tenant = 'main' AND location = '{location}' "
            f"AND {tables.UNFINISHED} AND (ship_by, rank, fulfilment_id) > ('{before}', 0, '') "
            "ORDER BY ship_by, rank, fulfilment_id LIMIT 10"
        )
    assert any("fulfilment_queue" in line[0] for line in plan)


async def test_a_hostile_reason_is_shown_and_parks_nothing(running: Running) -> None:
    await running.hear(released())
    await do(running, StartPick(F1), ScanPick(F1, "TEA-1", "scan-1"))
    await running.hear(stop_requested(reason="\0<b>'; DROP TABLE scan"))
    (item,) = await running.rows("SELECT status, stop_reason FROM fulfilment")
    assert tuple(item) == ("stopping", " <b>'; DROP TABLE scan")
    assert await running.rows("SELECT 1 FROM parked") == []
