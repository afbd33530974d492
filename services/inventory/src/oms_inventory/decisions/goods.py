"""What the warehouse says about goods. Physical facts are never refused: the books give way."""

from __future__ import annotations

from msgspec.structs import replace

from oms_chassis.decision import Decision, again, late
from oms_contracts.goods import (
    PurchaseOrderConfirmed,
    PurchaseOrderPlaced,
    StockCounted,
    StockDamaged,
    StockReceived,
)
from oms_contracts.inventory import ReservationBroken
from oms_inventory.decisions import queueing
from oms_inventory.decisions.draft import Draft, told
from oms_inventory.domain import Allocation, MovementKind, Purchase, Shelf

Moved = StockReceived | StockCounted | StockDamaged


def cause_of(fact: Moved) -> str:
    """What a fact about goods is booked under; the same cause is booked once."""
    match fact:
        case StockReceived():
            return f"receipt:{fact.cause_id}"
        case StockCounted():
            return f"count:{fact.cause_id}"
        case StockDamaged():
            return f"damage:{fact.cause_id}"


def receive(draft: Draft, received: StockReceived) -> Decision:
    """Goods arrived: those who wait get them in turn, and who is left is told of again."""
    cause = cause_of(received)
    if _booked(draft, received.location, cause):
        return again(None)
    sku = draft.item.key
    draft.move(MovementKind.RECEIPT, sku, received.location, cause, on_hand=received.qty)
    book = draft.sku(sku)
    receipts = {**book.receipts, received.location: received.cause_id}
    draft.put_sku(sku, replace(book, receipts=receipts))
    if received.po_line:
        _arrived(draft, received)
    queueing.serve(draft, sku, goods_came=True)
    return draft.decision()


def count(draft: Draft, counted: StockCounted) -> Decision:
    """The shelf is right and the books are wrong: units that are not there cannot be reserved."""
    cause = cause_of(counted)
    if _booked(draft, counted.location, cause):
        return again(None)
    _cover(draft, counted, counted.counted_qty)
    sku = draft.item.key
    difference = counted.counted_qty - _shelf(draft, counted.location).on_hand
    draft.move(MovementKind.COUNT, sku, counted.location, cause, on_hand=difference)
    queueing.serve(draft, sku)
    return draft.decision()


def damage(draft: Draft, damaged: StockDamaged) -> Decision:
    """Units can no longer be sold; the books can lose no more than they had."""
    cause = cause_of(damaged)
    if _booked(draft, damaged.location, cause):
        return again(None)
    on_hand = _shelf(draft, damaged.location).on_hand
    lost = min(damaged.qty, on_hand)
    _cover(draft, damaged, on_hand - lost)
    draft.move(MovementKind.DAMAGE, draft.item.key, damaged.location, cause, on_hand=-lost)
    return draft.decision()


def expect(draft: Draft, bought: PurchaseOrderPlaced | PurchaseOrderConfirmed) -> Decision:
    """Goods are on order: whoever they will reach is told when.

    Where the supplier brings fewer than wait for them, what is missing is told again.
    """
    sku = draft.item.key
    book = draft.sku(sku)
    known = next((p for p in book.purchases if p.po_line == bought.po_line), None)
    confirmed = isinstance(bought, PurchaseOrderConfirmed)
    if known is None and confirmed:
        return late(None, "the purchase order line is no longer open")
    purchase = Purchase(
        bought.po_id, bought.po_line, bought.location, bought.qty, bought.eta,
        known.received_qty if known else 0, confirmed,
    )  # fmt: skip
    others = tuple(p for p in book.purchases if p.po_line != bought.po_line)
    purchases = (*others, purchase) if purchase.open_units else others
    draft.put_sku(sku, replace(book, purchases=purchases))
    queueing.promise(draft, sku)
    coming = sum(p.open_units for p in purchases if p.location == bought.location)
    if confirmed and coming < book.backordered(bought.location):
        queueing.raise_shortage(draft, sku, bought.location)
    return draft.decision()


def _booked(draft: Draft, location: str, cause: str) -> bool:
    """Whether this was booked before; if not, it is from now on."""
    sku = draft.item.key
    book = draft.sku(sku)
    place = f"{location}:{cause}"
    if place in book.booked:
        return True
    draft.put_sku(sku, replace(book, booked=book.booked | {place}))
    return False


def _shelf(draft: Draft, location: str) -> Shelf:
    return draft.sku(draft.item.key).shelves.get(location, Shelf())


def _arrived(draft: Draft, received: StockReceived) -> None:
    """Less is on order now; a line that is wholly delivered is forgotten."""
    sku = draft.item.key
    book = draft.sku(sku)
    purchases = (
        p._replace(received_qty=p.received_qty + received.qty)
        if p.po_line == received.po_line
        else p
        for p in book.purchases
    )
    draft.put_sku(sku, replace(book, purchases=tuple(p for p in purchases if p.open_units)))


def _cover(draft: Draft, fact: StockCounted | StockDamaged, on_hand: int) -> None:
    """Break as many reservations as `on_hand` units cannot cover: the last turn loses first."""
    missing = _shelf(draft, fact.location).reserved - on_hand
    if missing <= 0:
        return
    sku = draft.item.key
    for turn in draft.sku(sku).holders.get(fact.location, ()):
        missing -= _break(draft, fact, turn.order_id, missing)
        if missing == 0:
            return
    raise ValueError(f"no owner was loaded for {missing} units of {sku} at {fact.location}")


def _break(draft: Draft, fact: StockCounted | StockDamaged, order_id: str, qty: int) -> int:
    """Take up to `qty` units of the fact's shelf from an order, its last line first."""
    sku = draft.item.key
    reservation = draft.reservation(order_id)
    named: list[Allocation] = []
    for held in sorted(reservation.allocated, reverse=True):
        if (held.sku, held.location) == (sku, fact.location) and qty:
            named.append(held._replace(qty=min(qty, held.qty)))
            qty -= named[-1].qty
    if not named:
        return 0
    reservation, broken = reservation.give_up(named)
    draft.put_reservation(order_id, reservation)
    units = sum(a.qty for a in broken)
    cause = f"break:{cause_of(fact)}:{order_id}"
    draft.move(
        MovementKind.BREAK, sku, fact.location, cause, reserved=-units, order_id=order_id
    )  # fmt: skip
    draft.tell_order(order_id, ReservationBroken(alloc=told(broken), cause=fact.cause_id))
    return units
