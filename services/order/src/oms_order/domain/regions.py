"""The regions of an order's state, each with its own small life: holds, stock, payment, cancel.

They are orthogonal: a fact moves one of them, whatever the others are at.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from oms_chassis.decision import Value
from oms_contracts.order import Gate, HoldType
from oms_order.domain.ordered import Placed, Units

GATES = (Gate.PAY, Gate.RELEASE, Gate.SHIP)
"""The steps a hold can keep an order from, in the order in which they are taken."""


class Request(NamedTuple):
    """Something asked of somebody and not answered yet; asked again it keeps its id."""

    request_id: str
    since: datetime
    asked_at: datetime
    repeats: int = 0

    def again(self, now: datetime) -> Request:
        """Asked once more."""
        return self._replace(asked_at=now, repeats=self.repeats + 1)


class Hold(Value, frozen=True):
    """A person must look before the order passes `gate`, or anything after it."""

    hold_id: str
    type: HoldType
    gate: Gate
    reason: str
    since: datetime
    actor: str = ""
    raised_at: datetime | None = None
    """When it was last brought up again."""

    def blocks(self, gate: Gate) -> bool:
        """Whether the order may not pass this gate."""
        return GATES.index(self.gate) <= GATES.index(gate)


class ApprovalState(StrEnum):
    """Whether the costs are accepted."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"


class Approval(Value, frozen=True):
    """The verdict on an order's costs; the figures it was reached on are in the head."""

    state: ApprovalState
    actor: str = ""
    """Empty where no person was needed."""


class Reservation(Value, frozen=True):
    """Units that inventory was asked for. `shorts` were set aside and not found."""

    request: Request
    units: Units
    shorts: Placed = ()


class Release(Value, frozen=True):
    """Units that inventory was asked to take back."""

    request: Request
    placed: Placed
    backordered: Units


class StockState(StrEnum):
    """What is going on with inventory."""

    IDLE = "idle"
    ASKED = "asked"
    SETTLED = "settled"
    RELEASING = "releasing"


class Stock(Value, frozen=True):
    """What was asked of inventory. One question at a time, so that answers cannot cross."""

    reserving: Reservation | None = None
    releasing: Release | None = None
    answered: tuple[str, ...] = ()
    """Reservation requests that were answered: backorders are filled in their names."""
    shorts: Placed = ()
    """Units set aside and not found, of which inventory has not been told."""

    @property
    def asked(self) -> bool:
        """Whether an answer is awaited."""
        return self.reserving is not None or self.releasing is not None

    def answer(self) -> Stock:
        """The reservation was answered."""
        assert self.reserving is not None
        known = (*self.answered, self.reserving.request.request_id)
        return replace(self, reserving=None, answered=known)


class CancelState(StrEnum):
    """Whether units are being taken back."""

    NO = "no"
    WANTED = "wanted"
    DONE = "done"


class Cancel(Value, frozen=True):
    """Taking back what is no longer wanted: one episode, from the wish to the receipt."""

    state: CancelState = CancelState.NO
    code: str = ""
    reason: str = ""
    since: datetime | None = None
    raised_at: datetime | None = None
    """When its taking long was last brought up."""
    before: tuple[int, ...] = ()
    """Units of each line that were cancelled when the episode began."""
    refused: tuple[str, ...] = ()
    """Fulfilments that could not be stopped."""
    undone: tuple[str, ...] = ()
    """The receipt: what was stopped, given back or voided, by id."""
    channel_asked: bool = False
    """The channel asked for it and is told what became of its wish."""

    def undo(self, *ids: str) -> Cancel:
        """More was undone."""
        return replace(self, undone=(*self.undone, *ids))


class TaskKind(StrEnum):
    """What a person has to do."""

    GOODS = "goods"
    MONEY = "money"
    PARCEL = "parcel"
    MESSAGE = "message"
    AMENDMENT = "amendment"


class Task(Value, frozen=True):
    """Something that only a person can settle; `subject` is the id of what it is about."""

    task_id: str
    kind: TaskKind
    subject: str
    text: str
    since: datetime
    raised_at: datetime | None = None
