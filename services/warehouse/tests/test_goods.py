"""Goods arrive, are counted, break, and are bought."""

from __future__ import annotations

from builders import NOW, SKU, Warehouse, after, backorder, refused

from oms_contracts.goods import (
    PurchaseOrderConfirmed,
    PurchaseOrderPlaced,
    StockCounted,
    StockDamaged,
    StockReceived,
)
from oms_warehouse.domain import (
    BinAssigned,
    ConfirmPurchaseOrder,
    CountStock,
    EntryKind,
    GoodsEntry,
    PurchaseOrderLine,
    ReceiveStock,
    ReportDamage,
)


def receipt(qty: int = 5, cause_id: str = "R-1", **more: str) -> ReceiveStock:
    return ReceiveStock("main", qty, cause_id, **more)


def test_goods_that_arrive_are_told_once_under_the_receipt_s_number() -> None:
    warehouse = Warehouse()
    first = warehouse.tell(receipt(lot="L-7"), SKU, by="rob")
    assert warehouse.facts == [
        StockReceived(sku=SKU, location="main", qty=5, cause_id="R-1", lot="L-7")
    ]
    repeat = warehouse.tell(receipt(lot="L-7"), SKU, by="someone else")
    assert (repeat.verdict, repeat.answer) == ("again", first.answer)
    assert len(warehouse.facts) == 1


def test_a_receipt_is_evidence_of_who_received_what() -> None:
    warehouse = Warehouse()
    warehouse.tell(receipt(), SKU, by="rob")
    (entry,) = [row for row in warehouse.rows if isinstance(row, GoodsEntry)]
    assert (entry.kind, entry.qty, entry.person, entry.at) == (EntryKind.RECEIVED, 5, "rob", NOW)


def test_a_receipt_number_stands_for_one_thing_only() -> None:
    warehouse = Warehouse()
    warehouse.tell(receipt(5), SKU)
    assert refused(warehouse.tell(receipt(6), SKU)) == "cause_id_used"
    assert refused(warehouse.tell(CountStock("main", 5, "R-1"), SKU)) == "cause_id_used"
    assert warehouse.tell(receipt(5), "TEA-1").verdict == "apply"


def test_a_count_says_what_lies_there_even_if_that_is_nothing() -> None:
    warehouse = Warehouse()
    first = warehouse.tell(CountStock("main", 0, "C-1"), SKU, by="cy")
    counted = StockCounted(sku=SKU, location="main", counted_qty=0, cause_id="C-1", counted_by="cy")
    assert warehouse.facts == [counted]
    repeat = warehouse.tell(CountStock("main", 0, "C-1"), SKU, by="cy")
    assert (repeat.verdict, repeat.answer) == ("again", first.answer)


def test_damage_is_told_with_its_reason() -> None:
    warehouse = Warehouse()
    warehouse.tell(ReportDamage("main", 2, "D-1", "dropped"), SKU)
    assert warehouse.facts == [
        StockDamaged(sku=SKU, location="main", qty=2, cause_id="D-1", reason="dropped")
    ]


def test_a_receipt_may_say_in_which_bin_the_goods_lie() -> None:
    warehouse = Warehouse()
    warehouse.tell(receipt(5, "R-1", bin="A-03"), SKU)
    warehouse.tell(receipt(5, "R-2"), SKU)
    assert warehouse.goods.shelf("main").bin == "A-03"
    warehouse.tell(receipt(5, "R-3", bin="B-01"), SKU)
    assigned = [row for row in warehouse.rows if isinstance(row, BinAssigned)]
    assert assigned == [BinAssigned("main", SKU, "A-03"), BinAssigned("main", SKU, "B-01")]


def test_waiting_customers_make_a_purchase_order_in_whole_cases() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    (placed,) = warehouse.facts
    assert isinstance(placed, PurchaseOrderPlaced)
    assert (placed.sku, placed.location) == (SKU, "main")
    assert placed.qty == 12  # at least 10 by rule, cases of 6
    assert placed.eta == after(days=3)
    assert placed.po_line == f"{placed.po_id}-1"


def test_a_shortage_that_inventory_thinks_worth_more_is_ordered_so() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3).model_copy(update={"reorder_qty": 40}), SKU)
    assert warehouse.facts[0].qty == 42


def test_a_sku_without_a_rule_of_its_own_is_bought_from_the_default_supplier() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3, sku="TEA-1"), "TEA-1")
    assert warehouse.facts[0].qty == 3
    assert warehouse.facts[0].eta == after(days=7)


def test_a_shortage_told_twice_is_ordered_once() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    assert warehouse.tell(backorder(3), SKU).verdict == "again"
    assert warehouse.tell(backorder(12), SKU).verdict == "again"
    assert len(warehouse.facts) == 1


def test_more_waiting_customers_raise_the_open_line() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    warehouse.tell(backorder(14), SKU, at=after(days=1))
    placed, raised = warehouse.facts
    assert (raised.po_id, raised.po_line) == (placed.po_id, placed.po_line)
    assert (raised.qty, raised.eta) == (18, after(days=4))
    assert len(warehouse.goods.purchases) == 1


def test_every_location_has_a_line_of_its_own() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3, "main"), SKU)
    warehouse.tell(backorder(3, "store-3"), SKU)
    assert {fact.location for fact in warehouse.facts} == {"main", "store-3"}
    assert len({fact.po_line for fact in warehouse.facts}) == 2


def test_the_supplier_s_word_replaces_the_guess() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    line = warehouse.goods.purchases[0].po_line
    first = warehouse.tell(ConfirmPurchaseOrder(line, 8, after(days=5)), SKU)
    assert warehouse.facts[1] == PurchaseOrderConfirmed(
        po_id=line.removesuffix("-1"), po_line=line, sku=SKU, location="main", qty=8,
        eta=after(days=5),
    )  # fmt: skip
    repeat = warehouse.tell(ConfirmPurchaseOrder(line, 8, after(days=5)), SKU)
    assert (repeat.verdict, repeat.answer) == ("again", first.answer)
    assert len(warehouse.facts) == 2


def test_a_line_raised_after_the_supplier_s_word_is_asked_about_again() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    line = warehouse.goods.purchases[0].po_line
    warehouse.tell(ConfirmPurchaseOrder(line, 12, after(days=9)), SKU)
    warehouse.tell(backorder(20), SKU)
    (raised,) = warehouse.goods.purchases
    assert (raised.status, raised.ordered_qty, raised.eta) == ("placed", 24, after(days=9))


def test_receipts_count_against_their_line_until_it_is_closed() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    line = warehouse.goods.purchases[0].po_line
    warehouse.tell(receipt(5, "R-1", po_line=line), SKU)
    assert warehouse.goods.purchases[0].open_qty == 7
    warehouse.tell(receipt(9, "R-2", po_line=line), SKU)
    assert warehouse.goods.purchases == ()
    shown = [row for row in warehouse.rows if isinstance(row, PurchaseOrderLine)]
    assert [(row.status, row.received_qty) for row in shown] == [
        ("placed", 0),
        ("placed", 5),
        ("received", 14),
    ]
    assert [fact.po_line for fact in warehouse.facts[1:]] == [line, line]


def test_a_partly_received_line_is_raised_by_what_is_missing() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    line = warehouse.goods.purchases[0].po_line
    warehouse.tell(receipt(5, "R-1", po_line=line), SKU)
    warehouse.tell(backorder(12, last_receipt="R-1"), SKU)
    (raised,) = warehouse.goods.purchases
    assert (raised.ordered_qty, raised.open_qty) == (17, 12)


def test_a_receipt_for_a_line_that_is_not_open_is_refused_at_the_desk() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    line = warehouse.goods.purchases[0].po_line
    elsewhere = ReceiveStock("store-3", 5, "R-1", po_line=line)
    assert refused(warehouse.tell(elsewhere, SKU)) == "po_line_not_open"
    assert refused(warehouse.tell(receipt(5, po_line="PO-0-1"), SKU)) == "po_line_not_open"
    assert warehouse.tell(receipt(5), SKU).verdict == "apply"


def test_the_supplier_may_close_a_line_by_confirming_what_has_come() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    line = warehouse.goods.purchases[0].po_line
    warehouse.tell(receipt(5, "R-1", po_line=line), SKU)
    fewer = ConfirmPurchaseOrder(line, 4, after(days=1))
    assert refused(warehouse.tell(fewer, SKU)) == "less_than_received"
    warehouse.tell(ConfirmPurchaseOrder(line, 5, after(days=1)), SKU)
    assert warehouse.goods.purchases == ()
    assert refused(warehouse.tell(fewer, SKU)) == "po_line_not_open"


def test_a_shortage_that_knows_nothing_of_the_last_delivery_is_not_ordered_again() -> None:
    warehouse = Warehouse()
    warehouse.tell(receipt(5, "R-1"), SKU)
    assert warehouse.tell(backorder(3), SKU).verdict == "late"
    assert len(warehouse.facts) == 1
    warehouse.tell(backorder(3, last_receipt="R-1"), SKU)
    assert isinstance(warehouse.facts[1], PurchaseOrderPlaced)
    warehouse.tell(receipt(1, "R-2"), SKU)
    assert warehouse.tell(backorder(40, last_receipt="R-1"), SKU).verdict == "late"


def test_a_shortage_after_the_last_delivery_is_ordered_whatever_the_clocks_say() -> None:
    warehouse = Warehouse()
    warehouse.tell(receipt(5, "R-1"), SKU, at=after(minutes=5))
    warehouse.tell(backorder(3, last_receipt="R-1"), SKU, at=after(minutes=6), told_at=NOW)
    assert isinstance(warehouse.facts[1], PurchaseOrderPlaced)


def test_no_more_is_ordered_than_a_contract_can_tell() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(1_000_000), SKU)
    assert warehouse.facts[0].qty == 1_000_000
