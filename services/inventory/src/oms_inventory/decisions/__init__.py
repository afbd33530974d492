"""The whole business of inventory: what it does when told something, and when to wake it.

Whoever asks first is served first, and a unit is given to one order only: an input is decided
over the locked stock books of every SKU it touches, and what it changes is what the next input
of the batch sees.
"""

from __future__ import annotations

from datetime import datetime

from oms_chassis.decision import Deadline, Decision, Input, Woke, seconds
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
from oms_inventory.decisions import goods, queueing, requests
from oms_inventory.decisions.draft import Draft, World
from oms_inventory.domain import Policy, Reservation, Sku

__all__ = ["World", "deadline", "decide"]


def decide(policy: Policy, world: World, item: Input, now: datetime) -> Decision:
    """What inventory does when told something; every branch is one sentence."""
    draft = Draft(policy, world, item, now)
    match item.body:
        case OrderAccepted() | ReservationRequested() as asked:
            return requests.reserve(draft, asked)
        case ReservationReleaseRequested() as undo:
            return requests.release(draft, undo)
        case OrderShipped() as shipped:
            return requests.ship(draft, shipped)
        case StockReceived() as received:
            return goods.receive(draft, received)
        case StockCounted() as counted:
            return goods.count(draft, counted)
        case StockDamaged() as damaged:
            return goods.damage(draft, damaged)
        case PurchaseOrderPlaced() | PurchaseOrderConfirmed() as bought:
            return goods.expect(draft, bought)
        case Woke():
            return wake(draft)
    raise ValueError(f"inventory does not hear {type(item.body).__name__}")


def wake(draft: Draft) -> Decision:
    """Go on serving a queue that was longer than what was loaded, and publish what is due."""
    sku = draft.item.key
    draft.put_sku(sku, draft.sku(sku))  # laid open, so that a level that is due goes out
    if draft.sku(sku).serve_at is not None:
        queueing.serve(draft, sku)
    return draft.decision()


def deadline(policy: Policy, state: Sku | Reservation) -> Deadline | None:
    """When a stock book must be looked at again. An order's time is the order service's."""
    match state:
        case Reservation():
            return None
        case Sku(serve_at=datetime() as at):
            return Deadline(at, "orders wait for goods that are here", owner="inventory")
        case Sku(level_dirty=True, level_at=datetime() as at):
            due = at + seconds(policy.level_every_seconds)
            return Deadline(due, "the stock level is not published yet", owner="inventory")
        case Sku():
            return None
