"""Nobody waits in silence: what is due when, whose move it is, and what happens if nothing does."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Deadline, Decision, Input, late, seconds
from oms_warehouse.decisions.answers import moved
from oms_warehouse.decisions.purchasing import GOODS, purchase_row
from oms_warehouse.domain import Fulfilment, Goods, OrderFulfilments, Policy, PurchaseLine, Status

WAREHOUSE = "warehouse"
"""Owner of what people in the warehouse have to do."""
SUPPLIER = "supplier"
"""Owner of a delivery that has not come."""


def deadline(policy: Policy, state: OrderFulfilments | Goods) -> Deadline | None:
    """When somebody must look again. None when all work is finished and nothing is on order."""
    match state:
        case OrderFulfilments():
            open_ = [f for f in state.fulfilments if not f.finished]
            first = min(open_, key=lambda f: f.due_at, default=None)
            return Deadline(first.due_at, _awaited(first), WAREHOUSE) if first else None
        case Goods():
            line = min(state.purchases, key=lambda p: p.due_at, default=None)
            return Deadline(line.due_at, f"{line.po_line} has not come", SUPPLIER) if line else None


def _awaited(fulfilment: Fulfilment) -> str:
    missing = "put back" if fulfilment.status is Status.STOPPING else "packed"
    return f"fulfilment {fulfilment.fulfilment_id} is not {missing}"


def look_at_fulfilments(
    policy: Policy, state: OrderFulfilments, input: Input, now: datetime
) -> Decision:
    """Work that was not done in time is shown as overdue, and looked at again later."""
    next_look = now + seconds(policy.look_again_seconds)
    seen = tuple(
        f if f.finished or f.due_at > now else _overdue(f, now, next_look)
        for f in state.fulfilments
    )
    if seen == state.fulfilments:
        return late(None, "the work was done in the meantime")
    return moved(input, state, replace(state, fulfilments=seen))


def _overdue(fulfilment: Fulfilment, now: datetime, next_look: datetime) -> Fulfilment:
    since = fulfilment.overdue_since or now
    return replace(fulfilment, overdue_since=since, due_at=next_look)


def look_at_purchases(policy: Policy, goods: Goods, now: datetime) -> Decision:
    """A delivery that did not come in time is shown as overdue, and looked at again later."""
    next_look = now + seconds(policy.look_again_seconds)
    late_lines = [line for line in goods.purchases if line.due_at <= now]
    if not late_lines:
        return late(None, "the goods came in the meantime")
    rows = []
    for line in late_lines:
        overdue: PurchaseLine = replace(
            line, overdue_since=line.overdue_since or now, due_at=next_look
        )
        goods = goods.with_purchase(overdue)
        rows.append(purchase_row(goods.sku, overdue))
    return Decision(states={(GOODS, goods.sku): goods}, rows=tuple(rows))
