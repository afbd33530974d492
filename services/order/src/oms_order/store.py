"""Where orders are kept."""

from __future__ import annotations

from oms_chassis.store import Root, Rows, Store
from oms_order.codecs import FIXED, MOVING, SEQUENCES, fixed_values, moving_values, read
from oms_order.decisions import IdempotencyUsed
from oms_order.inputs import KIND
from oms_order.tables import Base, IdempotencyRow, OrderRow

STORE = Store(
    base=Base,
    roots=(
        Root(
            KIND,
            OrderRow,
            key="order_id",
            sequences=SEQUENCES,
            fixed=FIXED,
            moving=MOVING,
            fixed_values=fixed_values,
            moving_values=moving_values,
            read=read,
        ),
    ),
    rows={IdempotencyUsed: Rows(IdempotencyRow)},
    history=True,
)
