"""Faults to put into a world: each is a mistake that somebody might make, and must be found.

Most are in the decisions of a service; some in what the chassis does for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from node import Node
from parking import Parking, Work
from replicas import Crew, Place, Record, Replica
from services import BILLING, INVENTORY, NOTIFY, ORDER, SHIPPING, WAREHOUSE
from world import Plant, World

from oms_billing.domain import JournalEntry
from oms_chassis.decision import Deadline, Decision, Input, Ref
from oms_chassis.fold import Held
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
from oms_inventory.domain import Sku
from oms_notify.domain import Messages
from oms_order.domain import Order, Status

Change = Callable[[Input, Decision], Decision]


def _in(name: str, change: Change) -> Plant:
    """Every decision of a service is changed by `change`."""

    def plant(world: World) -> None:
        core = world.nodes[name].core

        def faulty(state: Any, item: Input, now: datetime) -> Decision:
            return change(item, core.decide(state, item, now))

        world.nodes[name].core = replace(core, decide=faulty)

    return plant


# Mistakes in what is decided


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


def _keeps_no_key(item: Input, decision: Decision) -> Decision:
    """Whatever is tried again is a new wish to the other side."""
    effects = [
        replace(e, body={**e.body, "key": str(e.id)}) if e.method == "capture" else e
        for e in decision.effects
    ]
    return replace(decision, effects=effects)


def _counts_one_too_many(item: Input, decision: Decision) -> Decision:
    order = decision.state
    if not isinstance(order, Order) or not isinstance(item.body, StockReserved):
        return decision
    line = order.lines[0]._replace(open=order.lines[0].open + 1)
    return replace(decision, state=order.with_lines({0: line}))


def _waits_for_goods_for_ever(world: World) -> None:
    core = world.nodes[ORDER].core

    def deadline(state: Any) -> Deadline | None:
        return None if state.status is Status.BACKORDERED else core.deadline(state)

    world.nodes[ORDER].core = replace(core, deadline=deadline)


def _sells_by_an_old_list(world: World) -> None:
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


def _takes_any_answer_for_the_one_awaited(world: World) -> None:
    core = world.nodes[ORDER].core

    def faulty(state: Any, item: Input, now: datetime) -> Decision:
        awaited = state.stock.reserving if isinstance(state, Order) else None
        if awaited is not None and isinstance(item.body, StockReserved):
            body = item.body.model_copy(update={"request_id": awaited.request.request_id})
            item = replace(item, body=body)
        return core.decide(state, item, now)

    world.nodes[ORDER].core = replace(core, decide=faulty)


# Mistakes in what the chassis does


class _Forgetful(Crew):
    """Facts are handed over by heart alone: with the process they are gone."""

    def __init__(self, node: Node) -> None:
        super().__init__(len(node.crew.replicas))
        self._node = node

    def die(self, replica: Replica, rng: Random) -> dict[Place, list[Record]]:
        for place in self._node.unsent():
            if self.owner(place[1]) is replica:
                del self._node.outbox[place]
        return super().die(replica, rng)


class _ShortMemory(set[UUID]):
    """An inbox whose rows go too early."""

    def __contains__(self, id_: object) -> bool:
        return super().__contains__(id_) and len(self) < INBOX_ROWS


class _Overtaking(Parking):
    """A parked key holds nothing back."""

    def stuck(self, works: Sequence[Work]) -> set[Ref]:
        return set()


def _forgets_what_it_had_to_say(world: World) -> None:
    for node in world.nodes.values():
        node.crew = _Forgetful(node)


def _forgets_what_it_heard(world: World) -> None:
    for node in world.nodes.values():
        node.inbox = _ShortMemory()


def _overtakes_what_is_parked(world: World) -> None:
    for node in world.nodes.values():
        node.parking = _Overtaking()


def _skips_a_number(world: World) -> None:
    """As a sequence does whose numbers are drawn before the transaction rolls back."""
    memory = world.nodes[WAREHOUSE].memory
    save = memory.save

    def skipping(held: Mapping[Ref, Held], rows: Sequence[Any]) -> None:
        for root in held.values():
            root.seqs = [n + (n == 2) for n in root.seqs]
        save(held, rows)

    memory.save = skipping  # type: ignore[method-assign]


INBOX_ROWS = 40

PLANTS: Mapping[str, Plant] = {
    # The ten that the simulator is measured by, each of another kind.
    "an order that keeps its stock": _in(ORDER, _overlooks(ReservationReleaseRequested)),
    "a capture that is made twice": _in(BILLING, _keeps_no_key),
    "a bucket with a unit too many": _in(ORDER, _counts_one_too_many),
    "a void that never reaches the provider": _in(BILLING, _says_voided_and_calls_nobody),
    "a wait without an end": _waits_for_goods_for_ever,
    "stock that is sold by an old list": _sells_by_an_old_list,
    "a number that is skipped": _skips_a_number,
    "a customer who is written to twice": _in(NOTIFY, _writes_twice),
    "an answer that is taken for another": _takes_any_answer_for_the_one_awaited,
    "a fact that dies with its process": _forgets_what_it_had_to_say,
    # And more of them.
    "an inbox that forgets": _forgets_what_it_heard,
    "a parked key that is overtaken": _overtakes_what_is_parked,
    "an order that never lets promised money go": _in(ORDER, _overlooks(PaymentVoidRequested)),
    "an order that lets cancelled goods be packed": _in(ORDER, _overlooks(FulfilmentStopRequested)),
    "a receipt that is sent twice": _in(ORDER, _sends_the_receipt_twice),
    "stock that is handed out and not there": _in(INVENTORY, _hands_out_what_is_not_there),
    "a journal that loses a cent": _in(BILLING, _loses_a_cent),
    "a stop that is answered while picking goes on": _in(
        WAREHOUSE, _answers_before_it_is_done(FulfilmentStopped)
    ),
    "a stop that shipping cannot take": _in(SHIPPING, _cannot_stop_what_is_labelled),
    "a stop that shipping never answers": _in(SHIPPING, _stops_and_ships),
}
"""By what is wrong."""
