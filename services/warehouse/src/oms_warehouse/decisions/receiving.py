"""What was seen of goods: received, counted, damaged. Each is entered once under its own id.

A fact of the physical world is never turned down for being inconvenient: a count may contradict
the books and a delivery may exceed its order. What does not fit is the inventory's to reconcile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again, refuse
from oms_contracts.goods import StockCounted, StockDamaged, StockReceived
from oms_warehouse.decisions.purchasing import GOODS, purchase_row
from oms_warehouse.domain import (
    BinAssigned,
    CountStock,
    EntryKind,
    Goods,
    GoodsEntry,
    ReceiveStock,
    ReportDamage,
)

Seen = ReceiveStock | CountStock | ReportDamage


def enter(before: Goods | None, input: Input, now: datetime) -> Decision:
    """Enter a receipt, a count or a damage, once."""
    goods = before or Goods(input.key)
    entry = _entry(input, now)
    earlier = goods.entry(entry.cause_id)
    if earlier is not None:
        return _repeated(earlier, entry)
    entered = replace(goods, entries=(*goods.entries, entry))
    said: Seen = input.body
    match said:
        case ReceiveStock():
            return _receive(entered, entry, said)
        case CountStock():
            fact: object = StockCounted(
                sku=entry.sku, location=entry.location, counted_qty=entry.qty,
                cause_id=entry.cause_id, counted_by=entry.person,
            )  # fmt: skip
        case ReportDamage():
            fact = StockDamaged(
                sku=entry.sku, location=entry.location, qty=entry.qty,
                cause_id=entry.cause_id, reason=entry.reason,
            )  # fmt: skip
    return _entered(entered, entry, fact)


def _entry(input: Input, now: datetime) -> GoodsEntry:
    said: Seen = input.body
    po_line, lot, bin_, reason = "", "", "", ""
    match said:
        case ReceiveStock():
            kind, qty = EntryKind.RECEIVED, said.qty
            po_line, lot, bin_ = said.po_line, said.lot, said.bin
        case CountStock():
            kind, qty = EntryKind.COUNTED, said.counted_qty
        case ReportDamage():
            kind, qty, reason = EntryKind.DAMAGED, said.qty, said.reason
    return GoodsEntry(
        sku=input.key, cause_id=said.cause_id, kind=kind, location=said.location, qty=qty,
        po_line=po_line, lot=lot, bin=bin_, reason=reason, person=input.actor, at=now,
    )  # fmt: skip


def _repeated(earlier: GoodsEntry, entry: GoodsEntry) -> Decision:
    if earlier.tells_same(entry):
        return again(None, answer=_answer(earlier))
    return refuse(
        None, "cause_id_used",
        f"{entry.cause_id} stands for {earlier.qty} units {earlier.kind.value} at "
        f"{earlier.location}: use a new number.",
    )  # fmt: skip


def _receive(goods: Goods, entry: GoodsEntry, said: ReceiveStock) -> Decision:
    line = goods.purchase(said.po_line) if said.po_line else None
    if said.po_line and (line is None or line.location != said.location):
        return refuse(
            None, "po_line_not_open",
            f"{said.po_line} is no open purchase order line for {entry.sku} at {said.location}: "
            "check its number, or receive the goods without one.",
        )  # fmt: skip
    shelf = replace(
        goods.shelf(said.location), received_at=entry.at, received_cause=entry.cause_id
    )  # fmt: skip
    rows: list[object] = []
    if said.bin and said.bin != shelf.bin:
        shelf = replace(shelf, bin=said.bin)
        rows.append(BinAssigned(said.location, entry.sku, said.bin))
    goods = goods.with_shelf(shelf)
    if line is not None:
        less = replace(line, received_qty=line.received_qty + said.qty)
        goods = goods.with_purchase(less)
        rows.append(purchase_row(entry.sku, less))
    fact = StockReceived(
        sku=entry.sku, location=entry.location, qty=entry.qty, cause_id=entry.cause_id,
        lot=entry.lot, po_line=entry.po_line,
    )  # fmt: skip
    return _entered(goods, entry, fact, *rows)


def _entered(goods: Goods, entry: GoodsEntry, fact: object, *rows: object) -> Decision:
    return Decision(
        states={(GOODS, entry.sku): goods},
        facts=(fact,),
        rows=(entry, *rows),
        answer=_answer(entry),
    )


def _answer(entry: GoodsEntry) -> dict[str, Any]:
    return {
        "cause_id": entry.cause_id,
        "kind": entry.kind.value,
        "sku": entry.sku,
        "location": entry.location,
        "qty": entry.qty,
    }
