"""What the five services around the order were at when they heard something: (state, input)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oms_chassis.decision import Done, Input, Refused, Unknown, Woke
from oms_contracts.order import OrderReleased
from oms_inventory.domain import Reservation, Sku
from oms_shipping.domain import ScanReported, Shipments
from oms_warehouse.domain import OrderFulfilments

Pair = tuple[str, str]
NONE = "none"
"""Nothing of the kind was ever heard of."""


def _billing(kind: str, payment: Any, item: Input) -> Iterable[Pair]:
    yield (str(payment.status) if payment is not None else NONE), _name(item)


def _warehouse(kind: str, state: Any, item: Input) -> Iterable[Pair]:
    if kind == "goods":
        yield _goods(state), _name(item)
        return
    fulfilments = state.fulfilments if isinstance(state, OrderFulfilments) else ()
    named = _named(item)
    if isinstance(item.body, Woke):
        named = [f.fulfilment_id for f in fulfilments if not f.finished]
    known = {f.fulfilment_id: str(f.status) for f in fulfilments}
    for fulfilment_id in named:
        yield known.get(fulfilment_id, NONE), _name(item)


def _named(item: Input) -> list[str]:
    if isinstance(item.body, OrderReleased):
        return [f.fulfilment_id for f in item.body.fulfilments]
    return [getattr(item.body, "fulfilment_id", "")]


def _goods(state: Any) -> str:
    if state is None:
        return "goods never heard of"
    return "goods on order" if state.purchases else "goods"


def _shipping(kind: str, state: Shipments | None, item: Input) -> Iterable[Pair]:
    shipments = state.shipments if state is not None else ()
    match item.body:
        case Done() | Refused() | Unknown():
            call = state.open_call if state is not None else None
            named = call.shipment_id if call is not None else ""
        case Woke():
            due = [s for s in shipments if s.look_at is not None and s.look_at <= item.at]
            named = due[0].shipment_id if due else ""
        case ScanReported():
            carrying = state.carrying(item.body.tracking_no) if state is not None else None
            named = carrying.shipment_id if carrying is not None else ""
        case _:
            named = item.body.shipment_id
    known = {s.shipment_id: str(s.status) for s in shipments}
    yield known.get(named, NONE), _name(item)


def _inventory(kind: str, state: Any, item: Input) -> Iterable[Pair]:
    if isinstance(state, Reservation):
        held, waits = bool(state.allocated), bool(state.waiting)
        yield _RESERVATIONS[held, waits], _name(item)
    elif isinstance(state, Sku):
        free = any(shelf.available for shelf in state.shelves.values())
        yield ("queued for" if state.waiting else "in stock" if free else "sold out"), _name(item)
    else:
        yield f"no {kind}", _name(item)


_RESERVATIONS = {
    (False, False): "nothing held", (True, False): "held", (False, True): "waiting",
    (True, True): "held and waiting",
}  # fmt: skip


def _notify(kind: str, state: Any, item: Input) -> Iterable[Pair]:
    if state is None:
        yield f"no {kind}", _name(item)
    elif state.bag.open_call:
        yield f"{kind}, sending", _name(item)
    else:
        yield f"{kind}, {'pausing' if state.bag.look_at else 'idle'}", _name(item)


def _name(item: Input) -> str:
    return type(item.body).__name__


PAIRS: Mapping[str, Callable[[str, Any, Input], Iterable[Pair]]] = {
    "billing": _billing,
    "warehouse": _warehouse,
    "shipping": _shipping,
    "inventory": _inventory,
    "notify": _notify,
}
