"""Nobody waits in silence."""

from __future__ import annotations

from builders import (
    F1,
    F2,
    SKU,
    Warehouse,
    after,
    backorder,
    lines,
    part,
    released,
    stop_requested,
)

from oms_warehouse.decisions import GOODS, SUPPLIER, WAREHOUSE
from oms_warehouse.domain import ConfirmPutBack, PurchaseOrderLine, ReceiveStock, WorkItem


def test_a_pick_list_waits_for_the_warehouse_until_its_ship_by_time() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    awaited = warehouse.core.deadline(warehouse.order)
    assert awaited is not None
    assert (awaited.at, awaited.owner) == (after(hours=8), WAREHOUSE)
    assert awaited.reason == "fulfilment F-1 is not packed"


def test_work_not_done_in_time_is_shown_as_overdue_and_looked_at_again() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.wake(after(hours=9))
    assert warehouse.fulfilment.overdue_since == after(hours=9)
    item = [row for row in warehouse.rows if isinstance(row, WorkItem)][-1]
    assert (item.overdue_since, item.due_at) == (after(hours=9), after(hours=33))
    warehouse.wake(after(hours=34))
    assert warehouse.fulfilment.overdue_since == after(hours=9)
    assert warehouse.fulfilment.due_at == after(hours=58)


def test_only_what_is_due_becomes_overdue() -> None:
    warehouse = Warehouse()
    warehouse.tell(released(part(F1)))
    later = released(part(F2, of=lines(("3", "CUP-1", 1))), ship_by=after(hours=20))
    warehouse.tell(later)
    warehouse.wake(after(hours=9))
    assert [f.overdue_since is None for f in warehouse.order.fulfilments] == [False, True]


def test_a_packed_fulfilment_awaits_nothing() -> None:
    warehouse = Warehouse().packed()
    assert warehouse.core.deadline(warehouse.order) is None


def test_a_stop_before_its_release_awaits_nothing() -> None:
    warehouse = Warehouse()
    warehouse.tell(stop_requested())
    assert warehouse.core.deadline(warehouse.order) is None


def test_a_put_back_has_a_deadline_of_its_own() -> None:
    warehouse = Warehouse().packed()
    warehouse.tell(stop_requested(), at=after(hours=1))
    awaited = warehouse.core.deadline(warehouse.order)
    assert awaited is not None
    assert (awaited.at, awaited.owner) == (after(hours=5), WAREHOUSE)
    assert awaited.reason == "fulfilment F-1 is not put back"
    warehouse.wake(after(hours=5))
    assert warehouse.fulfilment.overdue_since == after(hours=5)
    warehouse.tell(ConfirmPutBack(F1), by="cy")
    assert warehouse.core.deadline(warehouse.order) is None


def test_a_delivery_that_does_not_come_is_the_supplier_s_move() -> None:
    warehouse = Warehouse()
    warehouse.tell(backorder(3), SKU)
    awaited = warehouse.core.deadline(warehouse.goods)
    assert awaited is not None
    assert (awaited.at, awaited.owner) == (after(days=4), SUPPLIER)
    warehouse.wake(after(days=4), GOODS, SKU)
    shown = [row for row in warehouse.rows if isinstance(row, PurchaseOrderLine)][-1]
    assert shown.overdue_since == after(days=4)
    warehouse.wake(after(days=5), GOODS, SKU)
    assert warehouse.goods.purchases[0].overdue_since == after(days=4)
    assert warehouse.goods.purchases[0].due_at == after(days=6)


def test_goods_of_which_nothing_is_on_order_await_nothing() -> None:
    warehouse = Warehouse()
    warehouse.tell(ReceiveStock("main", 5, "R-1"), SKU)
    assert warehouse.core.deadline(warehouse.goods) is None
