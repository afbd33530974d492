"""Faults to put into a core: each is a mistake that somebody might make, and must be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace
from services import BILLING, INVENTORY, NOTIFY, ORDER, SHIPPING, WAREHOUSE, Decide, Plant

from oms_billing.domain import JournalEntry
from oms_chassis.decision import Decision, Input
from oms_contracts.inventory import StockReserved
from oms_contracts.order import (
    FulfilmentStopRequested,
    OrderCancelled,
    OrderShipped,
    PaymentVoidRequested,
    ReservationReleaseRequested,
    ShipmentStopRequested,
)
from oms_contracts.shipping import ShipmentStopped
from oms_contracts.warehouse import FulfilmentStopped
from oms_notify.domain import Messages

Change = Callable[[Input, Decision], Decision]


def _planted(change: Change) -> Plant:
    """A core whose every decision is changed by `change`."""

    def plant(decide: Decide) -> Decide:
        def faulty(world: Any, item: Input, now: Any) -> Decision:
            return change(item, decide(world, item, now))

        return faulty

    return plant


def _says(decision: Decision, kind: type) -> bool:
    return any(isinstance(getattr(f, "body", f), kind) for f in decision.facts)


def _without(decision: Decision, kind: type) -> Decision:
    facts = [f for f in decision.facts if not isinstance(getattr(f, "body", f), kind)]
    return replace(decision, facts=facts)


def _answers_before_it_is_done(kind: type) -> Change:
    """The answer goes out, and everything stays as it was."""

    def change(item: Input, decision: Decision) -> Decision:
        told = _says(decision, kind)
        return replace(decision, states={}, rows=()) if told else decision

    return change


def _overlooks(kind: type) -> Change:
    """A question that is due is never asked."""
    return lambda item, decision: _without(decision, kind)


def _hands_out_what_is_not_there(item: Input, decision: Decision) -> Decision:
    facts: list[Any] = []
    for fact in decision.facts:
        if isinstance(fact, StockReserved) and fact.alloc:
            more = fact.alloc[0].model_copy(update={"qty": fact.alloc[0].qty + 1})
            fact = fact.model_copy(update={"alloc": (more, *fact.alloc[1:])})
        facts.append(fact)
    return replace(decision, facts=facts)


def _sends_the_receipt_twice(item: Input, decision: Decision) -> Decision:
    again = [f for f in decision.facts if isinstance(f, OrderCancelled)]
    return replace(decision, facts=[*decision.facts, *again])


def _loses_a_cent(item: Input, decision: Decision) -> Decision:
    rows = [
        replace(row, credit_minor=row.credit_minor - 1)
        if isinstance(row, JournalEntry) and row.credit_minor > 1
        else row
        for row in decision.rows
    ]
    return replace(decision, rows=rows)


def _says_voided_and_calls_nobody(item: Input, decision: Decision) -> Decision:
    voids = any(effect.method == "void" for effect in decision.effects)
    return replace(decision, effects=()) if voids else decision


def _writes_twice(item: Input, decision: Decision) -> Decision:
    states: Mapping[Any, Any] = {
        ref: replace(state, bag=replace(state.bag, messages=state.bag.messages * 2))
        if isinstance(state, Messages) and isinstance(item.body, OrderShipped)
        else state
        for ref, state in decision.states.items()
    }
    return replace(decision, states=states)


def _cannot_stop_what_is_labelled(item: Input, decision: Decision) -> Decision:
    if isinstance(item.body, ShipmentStopRequested):
        raise ValueError("no such state")
    return decision


def _stops_and_ships(item: Input, decision: Decision) -> Decision:
    return _without(decision, ShipmentStopped)


PLANTS: Mapping[str, tuple[str, Plant]] = {
    "an order that never lets promised money go": (
        ORDER, _planted(_overlooks(PaymentVoidRequested)),
    ),
    "an order that keeps its stock": (ORDER, _planted(_overlooks(ReservationReleaseRequested))),
    "an order that lets cancelled goods be packed": (
        ORDER, _planted(_overlooks(FulfilmentStopRequested)),
    ),
    "a receipt that is sent twice": (ORDER, _planted(_sends_the_receipt_twice)),
    "stock that is handed out and not there": (INVENTORY, _planted(_hands_out_what_is_not_there)),
    "a journal that loses a cent": (BILLING, _planted(_loses_a_cent)),
    "a void that never reaches the provider": (BILLING, _planted(_says_voided_and_calls_nobody)),
    "a stop that is answered while picking goes on": (
        WAREHOUSE, _planted(_answers_before_it_is_done(FulfilmentStopped)),
    ),
    "a stop that shipping cannot take": (SHIPPING, _planted(_cannot_stop_what_is_labelled)),
    "a stop that shipping never answers": (SHIPPING, _planted(_stops_and_ships)),
    "a customer who is written to twice": (NOTIFY, _planted(_writes_twice)),
}  # fmt: skip
"""By what is wrong: the service that has the fault, and the fault."""
