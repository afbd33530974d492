"""I9: what is kept besides the states, so that it can be queried, is what the states say.

Every projection is built anew from the documents and compared, column by column; so is what the
topics' newest records tell of a shelf. (Orders and their histories: see `histories`.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from oms_billing.decisions.draft import open_items
from oms_billing.domain import OpenItem
from oms_chassis import sql
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.stores import service
from oms_contracts import wire
from oms_contracts.stock import StockLevelChanged
from oms_inventory.decisions.draft import capped
from oms_inventory.domain import Sku
from oms_platform import SERVICES
from oms_shipping.decisions.answers import records
from oms_shipping.domain import ParcelRecord, Shipments
from oms_warehouse.decisions import FULFILMENTS, GOODS
from oms_warehouse.decisions.answers import work_item
from oms_warehouse.decisions.purchasing import purchase_row
from oms_warehouse.domain import BinAssigned, Goods, OrderFulfilments, PurchaseOrderLine, WorkItem

Row = tuple[Any, ...]
_DUE = "SELECT kind, key FROM due"
_LEVELS = "SELECT sku, location, on_hand, reserved FROM stock WHERE tenant = $1"


@dataclass(frozen=True)
class Projection:
    """Rows of one class that follow from the states of one kind."""

    service: str
    kind: str
    of: type[Any]
    rows: Callable[[str, Any], Iterable[Any]]
    """The rows of one state, by its key."""
    where: str = "true"
    """Which stored rows follow from a state; others outlive what they tell of."""
    kept: bool = False
    """Whether nothing says which do: then what is stored in addition is not looked at."""


def _parcels(order_id: str, root: Shipments) -> Iterator[ParcelRecord]:
    for shipment in root.shipments:
        yield from records(order_id, shipment)


def _work(order_id: str, root: OrderFulfilments) -> Iterator[WorkItem]:
    return (work_item(order_id, fulfilment) for fulfilment in root.fulfilments)


def _purchases(sku: str, goods: Goods) -> Iterator[PurchaseOrderLine]:
    return (purchase_row(sku, line) for line in goods.purchases)


def _bins(sku: str, goods: Goods) -> Iterator[BinAssigned]:
    return (BinAssigned(s.location, sku, s.bin) for s in goods.shelves if s.bin)


PROJECTIONS = (
    Projection("billing", "payment", OpenItem, open_items),
    Projection("shipping", "shipments", ParcelRecord, _parcels, kept=True),
    Projection("warehouse", FULFILMENTS, WorkItem, _work),
    Projection("warehouse", GOODS, PurchaseOrderLine, _purchases, where="status <> 'received'"),
    Projection("warehouse", GOODS, BinAssigned, _bins),
)


async def projections_are_what_states_say(ground: Ground) -> Finding:
    """Work queue, purchase orders, bins, parcels, open items: built anew they are the same."""
    wrong: list[str] = []
    count = 0
    for projection in PROJECTIONS:
        stored, rebuilt = await _stored(ground, projection), _rebuilt(ground, projection)
        keys = rebuilt.keys() if projection.kept else rebuilt.keys() | stored.keys()
        count += len(keys)
        wrong += [
            f"{projection.of.__name__} {' '.join(map(str, key))}: "
            f"{stored.get(key)} is stored, {rebuilt.get(key)} follows"
            for key in keys
            if stored.get(key) != rebuilt.get(key)
        ]
    return found("I9", "projections are what the states say", count, wrong)


async def _stored(ground: Ground, projection: Projection) -> dict[Row, Row]:
    target = service(projection.service).store.rows[projection.of]
    statement = (
        f'SELECT {", ".join(target.names)} FROM "{target.table.__tablename__}" '
        f"WHERE tenant = $1 AND {projection.where}"
    )
    rows = await ground.stores.rows(projection.service, statement, ground.tenant)
    return {_key(projection, row): row for row in map(tuple, rows)}


def _rebuilt(ground: Ground, projection: Projection) -> dict[Row, Row]:
    names = service(projection.service).store.rows[projection.of].names
    roots = ground.roots[projection.service][projection.kind]
    values = (
        tuple(_plain(getattr(told, name)) for name in names)
        for key, root in roots.items()
        for told in projection.rows(key, root.state)
    )
    return {_key(projection, row): row for row in values}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _key(projection: Projection, row: Row) -> Row:
    target = service(projection.service).store.rows[projection.of]
    return tuple(row[target.names.index(name)] for name in sql.primary_key(target.table))


async def columns_are_what_documents_say(ground: Ground) -> Finding:
    """What an aggregate's row repeats of its document, to be queried, is what stands there."""
    wrong: list[str] = []
    count = 0
    for name in SERVICES:
        for root in service(name).store.roots:
            async for key, state, row in ground.stores.each(name, root):
                count += 1
                named = zip(root.fixed, root.fixed_values(state), strict=True)
                moving = zip(root.moving, root.moving_values(state), strict=True)
                wrong += [
                    f"{name} {root.kind} {key}: {column} is {row[column]}, follows {_plain(value)}"
                    for column, value in (*named, *moving)
                    if not isinstance(value, bytes) and row[column] != _plain(value)
                ]
    return found("I9", "columns are what the documents say", count, wrong)


async def deadlines_are_what_states_wait_for(ground: Ground) -> Finding:
    """Whatever waits will be woken, and nothing else. (When, follows from the policy in force.)"""
    wrong: list[str] = []
    count = 0
    for name in SERVICES:
        core = service(name).core(service(name).policy())
        due = {(kind, key) for kind, key in await ground.stores.rows(name, _DUE)}
        waits = {
            (kind, key)
            for kind, roots in ground.roots[name].items()
            for key, kept in roots.items()
            if core.deadline(kept.state) is not None
        }
        count += len(waits)
        wrong += [f"{name} {kind} {key} waits, and nothing wakes it" for kind, key in waits - due]
        wrong += [f"{name} {kind} {key} is to be woken for nothing" for kind, key in due - waits]
    return found("I9", "deadlines are what the states wait for", count, wrong)


async def stock_levels_were_told(ground: Ground) -> Finding:
    """The newest record about a SKU tells what lies on its shelves, and who waits."""
    newest = {
        told.key: wire.decode(StockLevelChanged, told.value)
        for told in sorted(ground.log.told, key=lambda told: told.offset)
        if told.type == StockLevelChanged.TYPE
    }
    shelves: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for sku, location, *units in await ground.stores.rows("inventory", _LEVELS, ground.tenant):
        shelves[sku][location] = (capped(units[0]), capped(units[1]))
    books: dict[str, Sku] = ground.states("inventory", "sku")
    certain = {sku: book for sku, book in books.items() if not book.level_dirty and sku in newest}
    wrong = []
    for sku, book in certain.items():
        told = newest[sku]
        levels = {level.location: (level.on_hand, level.reserved) for level in told.levels}
        if (levels, told.backordered) != (shelves[sku], capped(book.backordered())):
            wrong.append(f"{sku}: {levels} was told, {shelves[sku]} lies there")
    return found("I9", "stock levels are told as they are", len(certain), wrong)
