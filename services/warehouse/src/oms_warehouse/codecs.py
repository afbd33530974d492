"""How the warehouse's state becomes documents and rows, and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from oms_chassis.store import codec
from oms_warehouse.domain import EntryKind, Goods, GoodsEntry, OrderFulfilments, Scan, ScanVerb

_encode_goods, decode_goods = codec(Goods)
_encode_order, decode_order = codec(OrderFulfilments)


def goods_document(goods: Goods) -> tuple[bytes]:
    """Entries are rows of their own and no part of the document."""
    return (_encode_goods(replace(goods, entries=())),)


def order_document(order: OrderFulfilments) -> tuple[bytes]:
    """Scans are rows of their own and no part of the document."""
    return (_encode_order(replace(order, scans=())),)


def read_goods(row: Mapping[str, Any]) -> Goods:
    """Goods as they were saved."""
    return decode_goods(row["doc"])


def read_order(row: Mapping[str, Any]) -> OrderFulfilments:
    """An order's fulfilments as they were saved."""
    return decode_order(row["doc"])


def read_scan(row: Mapping[str, Any]) -> Scan:
    """A scan as it was recorded."""
    return Scan(**{**row, "verb": ScanVerb(row["verb"])})


def read_entry(row: Mapping[str, Any]) -> GoodsEntry:
    """A receipt, count or damage as it was recorded."""
    return GoodsEntry(**{**row, "kind": EntryKind(row["kind"])})
