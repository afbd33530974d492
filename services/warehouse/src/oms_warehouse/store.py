"""Where the warehouse's state lives, and how what was entered before is recalled."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
from msgspec.structs import replace

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Held
from oms_chassis.store import Root, Rows, Store
from oms_warehouse.codecs import (
    goods_document,
    order_document,
    read_entry,
    read_goods,
    read_order,
    read_scan,
)
from oms_warehouse.decisions import FULFILMENTS, GOODS
from oms_warehouse.domain import (
    BinAssigned,
    CountStock,
    DeliveryAddress,
    GoodsEntry,
    Misscan,
    PurchaseOrderLine,
    ReceiveStock,
    ReportDamage,
    ReportShort,
    Scan,
    ScanPack,
    ScanPick,
    ScanPutBack,
    WorkItem,
)
from oms_warehouse.tables import (
    Base,
    BinRow,
    DeliveryAddressRow,
    FulfilmentRow,
    GoodsEntryRow,
    GoodsRow,
    MisscanRow,
    OrderFulfilmentsRow,
    PurchaseOrderLineRow,
    ScanRow,
)

_SCANS = """
SELECT order_id, scan_id, fulfilment_id, verb, qty, sku, line_id, parcel_no, reason, person, at,
       answer
FROM scan JOIN unnest($2::text[], $3::text[]) AS asked(order_id, scan_id)
USING (order_id, scan_id) WHERE tenant = $1
"""
_ENTRIES = """
SELECT sku, cause_id, kind, location, qty, po_line, lot, bin, reason, person, at
FROM goods_entry JOIN unnest($2::text[], $3::text[]) AS asked(sku, cause_id)
USING (sku, cause_id) WHERE tenant = $1
"""


class WarehouseStore(Store):
    """Loads with each root what was scanned or entered before under the ids now at hand."""

    async def load_children(
        self,
        db: asyncpg.Connection,
        tenant: str,
        held: dict[Ref, Held],
        inputs: Sequence[Input],
    ) -> None:
        """Recall earlier scans and entries, so that a repeat is known as one."""
        scans = [
            (item.key, item.body.scan_id)
            for item in inputs
            if isinstance(item.body, ScanPick | ReportShort | ScanPack | ScanPutBack)
        ]
        if scans:
            for row in await db.fetch(_SCANS, tenant, *zip(*scans, strict=True)):
                root = held[FULFILMENTS, row["order_id"]]
                root.state = replace(root.state, scans=(*root.state.scans, read_scan(row)))
        entries = [
            (item.key, item.body.cause_id)
            for item in inputs
            if isinstance(item.body, ReceiveStock | CountStock | ReportDamage)
        ]
        if entries:
            for row in await db.fetch(_ENTRIES, tenant, *zip(*entries, strict=True)):
                root = held[GOODS, row["sku"]]
                root.state = replace(root.state, entries=(*root.state.entries, read_entry(row)))


STORE = WarehouseStore(
    base=Base,
    roots=(
        Root(
            GOODS, GoodsRow, key="sku", sequences=("seq",), moving=("doc",),
            moving_values=goods_document, read=read_goods,
        ),
        Root(
            FULFILMENTS, OrderFulfilmentsRow, key="order_id", sequences=("seq",), moving=("doc",),
            moving_values=order_document, read=read_order,
        ),
    ),
    rows={
        WorkItem: Rows(FulfilmentRow, on_conflict="update"),
        DeliveryAddress: Rows(DeliveryAddressRow, on_conflict="nothing"),
        Scan: Rows(ScanRow),
        Misscan: Rows(MisscanRow),
        GoodsEntry: Rows(GoodsEntryRow),
        BinAssigned: Rows(BinRow, on_conflict="update"),
        PurchaseOrderLine: Rows(PurchaseOrderLineRow, on_conflict="update"),
    },
)  # fmt: skip
