"""What inventory hears, which roots an input touches, and what else it may reach for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oms_chassis.decision import Input, Ref, Woke
from oms_chassis.fold import Kind
from oms_contracts.event import Event
from oms_contracts.goods import (
    PurchaseOrderConfirmed,
    PurchaseOrderPlaced,
    StockCounted,
    StockDamaged,
    StockReceived,
)
from oms_contracts.order import (
    OrderAccepted,
    OrderShipped,
    ReservationReleaseRequested,
    ReservationRequested,
)
from oms_inventory.domain import Shelf, Sku

HEARS: tuple[type[Event], ...] = (
    OrderAccepted,
    ReservationRequested,
    ReservationReleaseRequested,
    OrderShipped,
    StockReceived,
    StockCounted,
    StockDamaged,
    PurchaseOrderPlaced,
    PurchaseOrderConfirmed,
)

KINDS = (
    Kind("sku", topics=("oms.stock.v1", "oms.stock-level.v1"), hears=("oms.goods.v1",)),
    Kind("reservation", topics=("oms.inventory.v1",)),
)

WAITERS_MAX = 500
"""Orders of one country's queue that one transaction serves; the SKU is woken for the rest."""


def roots(item: Input) -> list[Ref]:
    """The input's own root, then every other one it touches."""
    body = item.body
    match body:
        case OrderAccepted():
            skus = [line.sku for line in body.lines]
        case ReservationRequested():
            skus = [line.sku for line in body.lines] + [short.sku for short in body.shorts]
        case ReservationReleaseRequested():
            skus = [a.sku for a in body.alloc] + [line.sku for line in body.backordered]
        case OrderShipped():
            skus = [a.sku for a in body.alloc]
        case StockReceived() | StockCounted() | StockDamaged():
            return [_own_sku(item.key, body.sku)]
        case PurchaseOrderPlaced() | PurchaseOrderConfirmed():
            return [_own_sku(item.key, body.sku)]
        case Woke():
            return [("sku", item.key)]
        case unheard:
            raise ValueError(f"inventory does not hear {type(unheard).__name__}")
    return [("reservation", item.key), *(("sku", sku) for sku in dict.fromkeys(skus))]


def _own_sku(key: str, sku: str) -> Ref:
    if sku != key:
        raise ValueError(f"told about {sku} under the key {key}")
    return "sku", sku


def queue_depths(
    skus: Mapping[str, Sku], inputs: Sequence[Input], waiters_max: int = WAITERS_MAX
) -> dict[str, int]:
    """SKUs whose queue these inputs may serve or promise goods to, and how many orders of each
    country they may reach: every order takes a unit at least.

    Were it one too few, nobody would be overtaken: the SKU is woken for the rest.
    """
    brought: dict[str, int] = {}
    for item in inputs:
        for key, units in _brings(item.body):
            brought[key] = brought.get(key, 0) + units
    depths: dict[str, int] = {}
    for key, sku in skus.items():
        if sku.waiting and (key in brought or sku.serve_at is not None):
            stocked = sum(shelf.available for shelf in sku.shelves.values())
            coming = sum(purchase.open_units for purchase in sku.purchases)
            depths[key] = max(1, min(waiters_max, brought.get(key, 0) + stocked + coming))
    return depths


def _brings(body: object) -> list[tuple[str, int]]:
    """Units that an input may bring or free, or say are coming, by SKU."""
    match body:
        case StockReceived() | PurchaseOrderPlaced() | PurchaseOrderConfirmed():
            return [(body.sku, body.qty)]
        case StockCounted():
            return [(body.sku, body.counted_qty)]
        case ReservationReleaseRequested():
            return [(a.sku, a.qty) for a in body.alloc]
    return []


def holder_depths(skus: Mapping[str, Sku], inputs: Sequence[Input]) -> dict[tuple[str, str], int]:
    """Shelves (SKU and location) where these inputs may leave fewer units than are reserved, and
    how many allocations may have to be looked at, the last turn first.

    Never too few: whatever is reserved beyond the least that can be left must go, and every
    allocation looked at has lost a unit at least, by being broken or otherwise.
    """
    floors = _floors(skus, inputs)
    if not floors:
        return {}
    asked: dict[str, int] = {}
    for item in inputs:
        match item.body:
            case OrderAccepted() | ReservationRequested():
                for line in item.body.lines:
                    asked[line.sku] = asked.get(line.sku, 0) + line.qty
    depths: dict[tuple[str, str], int] = {}
    for (key, location), floor in floors.items():
        sku = skus[key]
        reserved = sku.shelves.get(location, Shelf()).reserved
        at_risk = reserved + sku.backordered() + asked.get(key, 0) - floor
        if at_risk > 0:
            depths[key, location] = at_risk
    return depths


def _floors(skus: Mapping[str, Sku], inputs: Sequence[Input]) -> dict[tuple[str, str], int]:
    """The least that counts and damages can leave on a shelf, by SKU and location."""
    floors: dict[tuple[str, str], int] = {}
    damaged: set[tuple[str, str]] = set()
    for item in inputs:
        body = item.body
        match body:
            case StockCounted():
                place = (body.sku, body.location)
                floors[place] = min(floors.get(place, body.counted_qty), body.counted_qty)
            case StockDamaged():
                place = (body.sku, body.location)
                on_hand = skus[body.sku].shelves.get(body.location, Shelf()).on_hand
                floors[place] = min(floors.get(place, on_hand), on_hand)
                damaged.add(place)
    if damaged:
        for place, qty in (leaving for item in inputs for leaving in _leaves(item.body)):
            if place in damaged:
                floors[place] -= qty
    return floors


def _leaves(body: object) -> list[tuple[tuple[str, str], int]]:
    """Units that an input may take off a shelf, by SKU and location."""
    match body:
        case StockDamaged():
            return [((body.sku, body.location), body.qty)]
        case OrderShipped():
            return [((a.sku, a.location), a.qty) for a in body.alloc]
        case ReservationRequested():
            return [((a.sku, a.location), a.qty) for a in body.shorts]
    return []
