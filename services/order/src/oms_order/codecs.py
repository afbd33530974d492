"""How an order becomes the columns of its row, and comes back from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oms_chassis.decision import Value
from oms_chassis.store import codec
from oms_order.decisions import whose_move
from oms_order.domain import Body, Head, NoOrder, Order, Status, order_no


class Resubmitted(Value, frozen=True):
    """An order under a number that was turned down before: its row was born without a head."""

    head: Head
    body: Body


_encode_head, _decode_head = codec(Head)
_encode_body, _decode_body = codec(Body)
_encode_both, _decode_both = codec(Resubmitted)
_encode_none, _decode_none = codec(NoOrder)

FIXED = ("channel", "external_id", "order_no", "received_at", "head")
MOVING = ("status", "waiting_for", "doc")
DOCUMENTS = ("head", "doc")
SEQUENCES = ("seq", "answer_seq")
"""Names of the columns, in the order in which their values are given."""

Fixed = tuple[str, str, str, datetime, bytes]
Moving = tuple[str, str, bytes]


def fixed_values(state: Order | NoOrder) -> Fixed:
    """What the row keeps from its birth on."""
    if isinstance(state, NoOrder):
        number = order_no(state.order_id)
        return state.channel, state.external_id, number, state.received_at, b""
    head, placed = state.head, state.placed
    document = b"" if state.body.resubmitted else _encode_head(head)
    return placed.channel, placed.external_id, head.order_no, head.accepted_at, document


def moving_values(state: Order | NoOrder) -> Moving:
    """What changes with the order."""
    if isinstance(state, NoOrder):
        return state.status, "", _encode_none(state)
    if state.body.resubmitted:
        document = _encode_both(Resubmitted(state.head, state.body))
    else:
        document = _encode_body(state.body)
    return state.status, whose_move(state), document


def read(row: Mapping[str, Any]) -> Order | NoOrder:
    """The state that a row stands for."""
    if row["status"] in (Status.REJECTED, Status.UNKNOWN):
        return _decode_none(row["doc"])
    if row["head"]:
        return Order(_decode_head(row["head"]), _decode_body(row["doc"]))
    both = _decode_both(row["doc"])
    return Order(both.head, both.body)
