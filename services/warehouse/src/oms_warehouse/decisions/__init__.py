"""The whole business of the warehouse: what follows from each input, and what is awaited.

| what happened | decided in |
|---|---|
| OrderReleased | `releasing` |
| FulfilmentStopRequested, put-back confirmed or refused | `stopping` |
| pick list started, scans, packing closed | `scanning` |
| goods received, counted, damaged | `receiving` |
| BackorderRaised, purchase order confirmed | `purchasing` |
| a deadline has passed | `waiting` |
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from oms_chassis.decision import Decision, Input, Ref, Woke
from oms_contracts.order import FulfilmentStopRequested, OrderReleased
from oms_contracts.stock import BackorderRaised
from oms_warehouse.decisions.answers import FULFILMENTS, unknown_fulfilment
from oms_warehouse.decisions.purchasing import GOODS, confirm, order_what_is_missing
from oms_warehouse.decisions.receiving import enter
from oms_warehouse.decisions.releasing import release
from oms_warehouse.decisions.scanning import close_packing, scan, start_pick
from oms_warehouse.decisions.stopping import confirm_put_back, refuse_put_back, stop
from oms_warehouse.decisions.waiting import (
    SUPPLIER,
    WAREHOUSE,
    deadline,
    look_at_fulfilments,
    look_at_purchases,
)
from oms_warehouse.domain import (
    ClosePacking,
    ConfirmPurchaseOrder,
    ConfirmPutBack,
    CountStock,
    OrderFulfilments,
    Policy,
    ReceiveStock,
    RefusePutBack,
    ReportDamage,
    ReportShort,
    ScanPack,
    ScanPick,
    ScanPutBack,
    StartPick,
)

__all__ = ["FULFILMENTS", "GOODS", "SUPPLIER", "WAREHOUSE", "World", "deadline", "decide"]


class World(Protocol):
    """The locked roots by kind and key; None where unborn."""

    def __getitem__(self, ref: Ref) -> Any: ...


def decide(policy: Policy, world: World, input: Input, now: datetime) -> Decision:
    """What the warehouse does when told something."""
    match input.body:
        case OrderReleased():
            return release(policy, world[FULFILMENTS, input.key], input, now)
        case FulfilmentStopRequested():
            return stop(policy, world[FULFILMENTS, input.key], input, now)
        case BackorderRaised():
            return order_what_is_missing(policy, world[GOODS, input.key], input, now)
        case ReceiveStock() | CountStock() | ReportDamage():
            return enter(world[GOODS, input.key], input, now)
        case ConfirmPurchaseOrder():
            return confirm(policy, world[GOODS, input.key], input)
        case Woke(owner=owner) if owner == SUPPLIER:
            return look_at_purchases(policy, world[GOODS, input.key], now)
        case Woke(owner=owner) if owner == WAREHOUSE:
            return look_at_fulfilments(policy, world[FULFILMENTS, input.key], input, now)
    return _obey(world[FULFILMENTS, input.key], input, now)


def _obey(state: OrderFulfilments | None, input: Input, now: datetime) -> Decision:
    """What people do with a fulfilment."""
    if state is None:
        return unknown_fulfilment(input.body.fulfilment_id)
    match input.body:
        case StartPick():
            return start_pick(state, input)
        case ScanPick() | ReportShort() | ScanPack() | ScanPutBack():
            return scan(state, input, now)
        case ClosePacking():
            return close_packing(state, input, now)
        case ConfirmPutBack():
            return confirm_put_back(state, input)
        case RefusePutBack():
            return refuse_put_back(state, input)
    raise ValueError(f"the warehouse does not know what {type(input.body).__name__} means")
