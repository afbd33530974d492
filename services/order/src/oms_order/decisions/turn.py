"""One turn of the saga: what an order was told, and all it says because of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from oms_chassis.decision import CHOSEN_IDS_MAX, Decision, Fact, Input, asks
from oms_contracts.event import Event
from oms_contracts.order import Gate, HoldReleased, HoldType, OrderHeld, VerdictInput
from oms_order.domain.order import NoOrder, Order
from oms_order.domain.policy import Policy
from oms_order.domain.regions import Hold, Request, Task, TaskKind


class Impossible(ValueError):
    """Something that cannot have happened, by the way the services talk: a person must look."""


class Turn:
    """Collects facts and rows in the order in which they follow, and numbers new ids."""

    __slots__ = ("_taken", "facts", "input", "now", "policy", "rows")

    def __init__(self, policy: Policy, told: Input, now: datetime) -> None:
        self.policy, self.input, self.now = policy, told, now
        self.facts: list[Event | Fact] = []
        self.rows: list[Any] = []
        self._taken = 0

    def new_id(self) -> str:
        """An id that is the same whenever this turn is taken again."""
        if self._taken >= CHOSEN_IDS_MAX:
            raise Impossible(f"one turn needs more than {CHOSEN_IDS_MAX} ids")
        self._taken += 1
        return str(self.input.new_id(self._taken - 1))

    def request(self) -> Request:
        """A question that is asked now."""
        return Request(self.new_id(), self.now, self.now)

    def say(self, fact: Event) -> None:
        """Tell everybody."""
        self.facts.append(fact)

    def ask(self, question: Event) -> None:
        """Ask for the first time. (Asked again it is merely said, under a new event id.)"""
        self.facts.append(asks(question))

    def answer_channel(self, order: Order | NoOrder, answer: Event) -> None:
        """Tell the channel, under the number it knows, unless it wants no answers."""
        known = order.placed if isinstance(order, Order) else order
        order_id = order.head.order_id if isinstance(order, Order) else order.order_id
        if known.channel not in self.policy.silent_channels:
            self.facts.append(Fact(answer, key=known.external_id, root=order_id))

    def hold(
        self,
        order: Order,
        kind: HoldType,
        gate: Gate,
        reason: str,
        inputs: tuple[tuple[str, str], ...] = (),
        actor: str = "",
    ) -> Order:
        """Keep the order from a gate until a person has looked, and say so."""
        hold = Hold(self.new_id(), kind, gate, reason, self.now, actor)
        self.say(held(hold, inputs))
        return order.hold(hold)

    def lift(self, order: Order, hold: Hold, actor: str, note: str, **regions: Any) -> Order:
        """Let the order pass, and say so."""
        self.say(HoldReleased(hold_id=hold.hold_id, actor=actor, note=note))
        return order.lift(hold, **regions)

    def queue(self, order: Order, kind: TaskKind, subject: str, text: str) -> Order:
        """Put something into a person's queue, unless it is there already."""
        if order.task_about(kind, subject) is not None:
            return order
        return order.add_task(Task(self.new_id(), kind, subject, text, self.now))

    def decision(self, order: Order | NoOrder, **more: Any) -> Decision:
        """Everything that follows."""
        return Decision(order, self.facts, rows=self.rows, **more)


def held(hold: Hold, inputs: tuple[tuple[str, str], ...] = ()) -> OrderHeld:
    """How a hold is told."""
    return OrderHeld(
        hold_id=hold.hold_id,
        type=hold.type,
        gate=hold.gate,
        reason=hold.reason,
        actor=hold.actor,
        inputs=tuple(VerdictInput(name=name, value=value) for name, value in inputs),
    )
