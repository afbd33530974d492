"""How an order becomes a row and comes back.

What was ordered is written once, in `head`; the regions are the document. A number under which
there is no order (it was turned down, or only asked about) has a document alone: should an
order come under it after all, its head is the document's first part from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from oms_chassis.store import Root, Rows, Store, codec
from oms_order.decisions import IdempotencyUsed, whose_move
from oms_order.domain import Body, Head, NoOrder, Order
from oms_order.tables import Base, IdempotencyRow, OrderRow

_encode_head, _decode_head = codec(Head)
_encode_body, _decode_body = codec(Body)
_encode_none, _decode_none = codec(NoOrder)
_encode_whole, _decode_whole = codec(Order)

_NO_HEAD = b""


def _fixed(state: Order | NoOrder) -> tuple[Any, ...]:
    if isinstance(state, Order):
        placed = state.placed
        head = _encode_head(state.head)
        return placed.channel, placed.external_id, state.head.accepted_at, head
    return state.channel, state.external_id, state.received_at, _NO_HEAD


def _moving(state: Order | NoOrder) -> tuple[Any, ...]:
    if isinstance(state, NoOrder):
        return state.status.value, "", _encode_none(state)
    doc = _encode_whole(state) if state.body.resubmitted else _encode_body(state.body)
    return state.status.value, str(whose_move(state)), doc


def read(row: Mapping[str, Any]) -> Order | NoOrder:
    """The state in a row."""
    doc: bytes = row["doc"]
    if row["head"] != _NO_HEAD:
        return Order(_decode_head(row["head"]), _decode_body(doc))
    whole = isinstance(msgspec.json.decode(doc).get("head"), dict)
    return _decode_whole(doc) if whole else _decode_none(doc)


STORE = Store(
    base=Base,
    roots=(
        Root(
            "order",
            OrderRow,
            key="order_id",
            sequences=("seq", "answer_seq"),
            fixed=("channel", "external_id", "received_at", "head"),
            fixed_values=_fixed,
            moving=("status", "waits_for", "doc"),
            moving_values=_moving,
            read=read,
        ),
    ),
    rows={IdempotencyUsed: Rows(IdempotencyRow)},
    history=True,
)
