"""People who handle goods: pickers, packers, whoever stands at the dock, suppliers, counters."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from world import World

from oms_inventory.domain import Sku
from oms_shipping.domain import HandOver, ScanReported, Shipments
from oms_shipping.domain import Status as ShipmentStatus
from oms_warehouse.domain import (
    ClosePacking,
    ConfirmPurchaseOrder,
    ConfirmPutBack,
    CountStock,
    Fulfilment,
    Goods,
    ParcelMeasure,
    ReceiveStock,
    RefusePutBack,
    ReportDamage,
    ReportShort,
    ScanPack,
    ScanPick,
    ScanPutBack,
    ShortReason,
    StartPick,
)
from oms_warehouse.domain import Status as FulfilmentStatus

PICKERS = ("pia", "pit")


def receive_opening_stock(world: World, units_min: int = 0) -> None:
    """In the morning there is something of most things somewhere."""
    rng = Random(world.setup.seed)
    for sku in world.setup.skus:
        for location in world.setup.locations:
            units = rng.randint(units_min, world.setup.units_max)
            if units:
                receive(world, sku, location, units)


def receive(world: World, sku: str, location: str, qty: int, po_line: str = "") -> None:
    """Goods arrive."""
    receipt = ReceiveStock(location, qty, f"receipt-{world.serial()}", po_line)
    world.command("warehouse", "goods", sku, receipt, actor="rita")


# The floor


def floor(world: World, rng: Random) -> None:
    """A picker or packer does the next thing, or something that makes no sense."""
    keys = world.nodes["warehouse"].memory.keys("fulfilments")
    rng.shuffle(keys)
    for order_id in keys:
        work = world.nodes["warehouse"].state("fulfilments", order_id)
        open_ = [f for f in work.fulfilments if not f.finished]
        if open_:
            fulfilment = rng.choice(open_)
            told = _blunder(world, rng, fulfilment) if rng.random() < 0.06 else None
            told = told or next_deed(world, rng, fulfilment)
            picker = fulfilment.picker or rng.choice(PICKERS)
            world.command("warehouse", "fulfilments", order_id, told, actor=picker)
            return


def next_deed(world: World, rng: Random, f: Fulfilment, *, calm: bool = False) -> Any:
    """What has to be done next; units may turn out to be missing or not to come back."""
    match f.status:
        case FulfilmentStatus.RELEASED:
            return StartPick(f.fulfilment_id)
        case FulfilmentStatus.PICKING:
            line = next(line for line in f.lines if line.to_pick)
            if not calm and rng.random() < 0.15:
                return _short(world, rng, f, line.line_id, rng.randint(1, line.to_pick))
            qty = line.to_pick if calm else rng.randint(1, line.to_pick)
            return ScanPick(f.fulfilment_id, line.sku, f"scan-{world.serial()}", qty)
        case FulfilmentStatus.PICKED | FulfilmentStatus.PACKING if f.to_pack:
            line = next(line for line in f.lines if f.unpacked_of(line))
            if not calm and rng.random() < 0.05:
                return _short(world, rng, f, line.line_id, 1)
            parcel_no = 1 if calm else rng.randint(1, 2)
            qty = f.unpacked_of(line)
            return ScanPack(f.fulfilment_id, parcel_no, line.sku, f"scan-{world.serial()}", qty)
        case FulfilmentStatus.PICKED | FulfilmentStatus.PACKING:
            measures = tuple(ParcelMeasure(p.parcel_no, 900) for p in f.parcels)
            return ClosePacking(f.fulfilment_id, measures)
    if not calm and rng.random() < 0.25:
        return RefusePutBack(f.fulfilment_id, "it is on the truck")
    line = next((line for line in f.lines if line.picked > line.put_back), f.lines[0])
    if calm or line.picked == line.put_back or rng.random() < 0.5:
        return ConfirmPutBack(f.fulfilment_id)
    return ScanPutBack(f.fulfilment_id, line.sku, f"scan-{world.serial()}", 1)


def _short(world: World, rng: Random, f: Fulfilment, line_id: str, qty: int) -> ReportShort:
    reason = rng.choice(tuple(ShortReason))
    return ReportShort(f.fulfilment_id, line_id, qty, reason, f"scan-{world.serial()}")


def _blunder(world: World, rng: Random, f: Fulfilment) -> Any:
    scan_id = f"scan-{rng.randint(1, world.serial())}"
    return rng.choice(
        (
            ScanPick(f.fulfilment_id, "Z-9", scan_id),
            ScanPick(f.fulfilment_id, f.lines[0].sku, scan_id, 99),
            ScanPack(f.fulfilment_id, 1, f.lines[0].sku, scan_id),
            ScanPutBack(f.fulfilment_id, f.lines[0].sku, scan_id),
            StartPick(f.fulfilment_id, take_over=True),
            ClosePacking(f.fulfilment_id, ()),
            ConfirmPutBack(f.fulfilment_id),
            RefusePutBack(f.fulfilment_id, "no"),
            StartPick("nothing like it"),
        )
    )


# The dock


def dock(world: World, rng: Random) -> None:
    """The driver takes parcels, or a parcel is scanned on its way."""
    waiting = labelled(world)
    if waiting and rng.random() < 0.4:
        order_id, shipment_id, numbers = rng.choice(waiting)
        if rng.random() < 0.1:
            numbers = (*numbers[1:], "T-strange")
        hand_over(world, order_id, shipment_id, numbers)
    else:
        scan(world, rng)


def labelled(world: World) -> list[tuple[str, str, tuple[str, ...]]]:
    """Order, shipment and tracking numbers of all parcels that wait for the driver."""
    shipping = world.nodes["shipping"]
    return [
        (order_id, s.shipment_id, tuple(p.tracking_no for p in s.parcels))
        for order_id in shipping.memory.keys("shipments")
        for s in shipping.state("shipments", order_id).shipments
        if s.status is ShipmentStatus.LABELLED
    ]


def hand_over(world: World, order_id: str, shipment_id: str, numbers: tuple[str, ...]) -> None:
    """The driver takes these parcels."""
    world.command("shipping", "shipments", order_id, HandOver(shipment_id, numbers), actor="dan")


def scan(world: World, rng: Random) -> None:
    """The carrier scans a parcel that it has, and tells at once, twice, later, or only if asked.

    A parcel on the dock may be taken along without anybody having scanned it here.
    """
    carrier = world.outside.carrier
    places = [
        (order_id, parcel.tracking_no, s.status)
        for order_id in world.nodes["shipping"].memory.keys("shipments")
        for s in world.nodes["shipping"].state("shipments", order_id).shipments
        if s.status in (ShipmentStatus.HANDED_OVER, ShipmentStatus.LABELLED)
        for parcel in s.parcels
    ]
    if not places:
        return
    order_id, number, status = rng.choice(places)
    if status is ShipmentStatus.LABELLED and rng.random() < 0.7:
        return
    carrier.purchases[carrier.purchase_of[number]].taken = True
    carrier.scan(number, world.now)
    told = list(carrier.scans[number])
    if rng.random() < 0.6:
        for seen in rng.sample(told, rng.randint(1, len(told))):
            ahead = timedelta(hours=1) if rng.random() < 0.02 else timedelta()
            report = ScanReported(seen.tracking_no, seen.event_id, seen.code, seen.at + ahead)
            world.command("shipping", "shipments", order_id, report, actor="carrier")


def shipments(world: World, order_id: str) -> Shipments:
    """All shipments of an order."""
    found: Shipments | None = world.nodes["shipping"].state("shipments", order_id)
    return found or Shipments()


# Goods


def goods(world: World, rng: Random) -> None:
    """Goods arrive, are counted, break; the supplier says when more will come, or brings it."""
    sku, location = rng.choice(world.setup.skus), rng.choice(world.setup.locations)
    known: Goods | None = world.nodes["warehouse"].state("goods", sku)
    purchases = known.purchases if known is not None else ()
    what = rng.random()
    if purchases and what < 0.5:
        line = rng.choice(purchases)
        if what < 0.2:
            eta = world.now + timedelta(days=rng.randint(0, 9))
            qty = rng.choice((max(1, line.received_qty), rng.randint(1, 12)))
            told: Any = ConfirmPurchaseOrder(line.po_line, qty, eta)
            world.command("warehouse", "goods", sku, told, actor="rita")
        else:
            receive(world, sku, line.location, rng.randint(1, 8), line.po_line)
    elif what < 0.75:
        receive(world, sku, location, rng.randint(1, 6))
    else:
        _look_at_shelf(world, rng, sku, location)


def _look_at_shelf(world: World, rng: Random, sku: str, location: str) -> None:
    book: Sku | None = world.nodes["inventory"].state("sku", sku)
    shelf = book.shelves.get(location) if book is not None else None
    on_hand = shelf.on_hand if shelf is not None else 0
    cause_id = f"look-{world.serial()}"
    if rng.random() < 0.4:
        told: Any = ReportDamage(location, rng.randint(1, 3), cause_id, "fell down")
    else:
        told = CountStock(location, max(0, on_hand + rng.randint(-4, 2)), cause_id)
    world.command("warehouse", "goods", sku, told, actor="cleo")
