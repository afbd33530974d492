"""Slips in what a service decides: each wraps its core, and is a mistake somebody might make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from services import INVENTORY, ORDER
from world import Plant, World

from oms_billing.domain import JournalEntry
from oms_chassis.decision import Deadline, Decision, Input, Ref
from oms_contracts.inventory import StockReserved
from oms_contracts.order import (
    OrderCancelled,
    OrderShipped,
    ShipmentStopRequested,
)
from oms_contracts.shipping import ShipmentStopped
from oms_inventory.domain import Sku
from oms_notify.domain import Messages
from oms_order.domain import Order, Status

Change = Callable[[Input, Decision], Decision]


def in_service(name: str, change: Change) -> Plant:
    """Every decision of a service is changed by `change`."""

    def plant(world: World) -> None:
        core = world.nodes[name].core

        def faulty(state: Any, item: Input, now: datetime) -> Decision:
            return change(item, core.decide(state, item, now))

        world.nodes[name].core = replace(core, decide=faulty)

    return plant


def _says(decision: Decision, kind: type) -> bool:
    return any(isinstance(getattr(f, "body", f), kind) for f in decision.facts)


def _without(decision: Decision, kind: type) -> Decision:
    facts = [f for f in decision.facts if not isinstance(getattr(f, "body", f), kind)]
    return replace(decision, facts=facts)


def answers_before_it_is_done(kind: type) -> Change:
    """The answer goes out, and everything stays as it was."""

    def change(item: Input, decision: Decision) -> Decision:
        told = _says(decision, kind)
        return replace(decision, states={}, rows=()) if told else decision

    return change


def overlooks(kind: type) -> Change:
    """A question that is due is never asked."""
    return lambda item, decision: _without(decision, kind)


def hands_out_what_is_not_there(item: Input, decision: Decision) -> Decision:
    facts: list[Any] = []
    for fact in decision.facts:
        if isinstance(fact, StockReserved) and fact.alloc:
            more = fact.alloc[0].model_copy(update={"qty": fact.alloc[0].qty + 1})
            fact = fact.model_copy(update={"alloc": (more, *fact.alloc[1:])})
        facts.append(fact)
    return replace(decision, facts=facts)


def sends_the_receipt_twice(item: Input, decision: Decision) -> Decision:
    again = [f for f in decision.facts if isinstance(f, OrderCancelled)]
    return replace(decision, facts=[*decision.facts, *again])


def loses_a_cent(item: Input, decision: Decision) -> Decision:
    rows = [
        replace(row, credit_minor=row.credit_minor - 1)
        if isinstance(row, JournalEntry) and row.credit_minor > 1
        else row
        for row in decision.rows
    ]
    return replace(decision, rows=rows)


def says_voided_and_calls_nobody(item: Input, decision: Decision) -> Decision:
    voids = any(effect.method == "void" for effect in decision.effects)
    return replace(decision, effects=()) if voids else decision


def writes_twice(item: Input, decision: Decision) -> Decision:
    states: Mapping[Any, Any] = {
        ref: replace(state, bag=replace(state.bag, messages=state.bag.messages * 2))
        if isinstance(state, Messages) and isinstance(item.body, OrderShipped)
        else state
        for ref, state in decision.states.items()
    }
    return replace(decision, states=states)


def cannot_stop_what_is_labelled(item: Input, decision: Decision) -> Decision:
    if isinstance(item.body, ShipmentStopRequested):
        raise ValueError("no such state")
    return decision


def stops_and_ships(item: Input, decision: Decision) -> Decision:
    return _without(decision, ShipmentStopped)


def keeps_no_key(item: Input, decision: Decision) -> Decision:
    """Whatever is tried again is a new wish to the other side."""
    effects = [
        replace(e, body={**e.body, "key": str(e.id)}) if e.method == "capture" else e
        for e in decision.effects
    ]
    return replace(decision, effects=effects)


def counts_one_too_many(item: Input, decision: Decision) -> Decision:
    order = decision.state
    if not isinstance(order, Order) or not isinstance(item.body, StockReserved):
        return decision
    line = order.lines[0]._replace(open=order.lines[0].open + 1)
    return replace(decision, state=order.with_lines({0: line}))


def waits_for_goods_for_ever(world: World) -> None:
    core = world.nodes[ORDER].core

    def deadline(state: Any) -> Deadline | None:
        return None if state.status is Status.BACKORDERED else core.deadline(state)

    world.nodes[ORDER].core = replace(core, deadline=deadline)


def sells_by_an_old_list(world: World) -> None:
    """What is available is looked up where it is not locked: as it was a moment ago."""
    core, old = world.nodes[INVENTORY].core, dict[Ref, Any]()

    class Stale:
        def __init__(self, locked: Any) -> None:
            self._locked = locked

        def __contains__(self, ref: Ref) -> bool:
            return ref in self._locked

        def __getitem__(self, ref: Ref) -> Any:
            state = self._locked[ref]
            if not isinstance(state, Sku):
                return state
            before = old.get(ref, state)
            old[ref] = state
            return replace(state, shelves=before.shelves)

    def faulty(locked: Any, item: Input, now: datetime) -> Decision:
        return core.decide(Stale(locked), item, now)

    world.nodes[INVENTORY].core = replace(core, decide=faulty)


def takes_any_answer_for_the_one_awaited(world: World) -> None:
    core = world.nodes[ORDER].core

    def faulty(state: Any, item: Input, now: datetime) -> Decision:
        awaited = state.stock.reserving if isinstance(state, Order) else None
        if awaited is not None and isinstance(item.body, StockReserved):
            body = item.body.model_copy(update={"request_id": awaited.request.request_id})
            item = replace(item, body=body)
        return core.decide(state, item, now)

    world.nodes[ORDER].core = replace(core, decide=faulty)
