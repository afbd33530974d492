"""Where orders are kept."""

from __future__ import annotations

from oms_chassis.store import Root, Rows, Store
from oms_order.codecs import fixed_values, moving_values, read
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
            sequences=("seq", "answer_seq"),
            fixed=("channel", "external_id", "order_no", "received_at", "head"),
            moving=("status", "waiting_for", "doc"),
            fixed_values=fixed_values,
            moving_values=moving_values,
            read=read,
        ),
    ),
    rows={IdempotencyUsed: Rows(IdempotencyRow)},
    history=True,
)
