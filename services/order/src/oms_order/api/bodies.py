"""What the door accepts from people: every field with its limit."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from oms_contracts.channel import Address, CancelledLine
from oms_contracts.event import ORDER_LINES_MAX
from oms_contracts.order import Gate
from oms_order.domain import BackorderChoice

Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Note = Annotated[str, Field(max_length=500)]
IdempotencyKey = Annotated[
    str, Header(min_length=1, max_length=128, pattern=r"^[ -~]+$", alias="Idempotency-Key")
]
"""Repeated by a caller who does not know whether it was heard."""


class HeldGate(StrEnum):
    """The steps that people can hold an order from."""

    PAY = Gate.PAY.value
    RELEASE = Gate.RELEASE.value
    SHIP = Gate.SHIP.value


class Body(BaseModel):
    """Nothing but what is named is accepted."""

    model_config = ConfigDict(extra="forbid")


class CancelBody(Body):
    """Cancel these units; no lines means all that can be cancelled."""

    lines: Annotated[tuple[CancelledLine, ...], Field(max_length=ORDER_LINES_MAX)] = ()
    reason: Note = ""


class HoldBody(Body):
    """Keep the order from passing a gate."""

    gate: HeldGate
    reason: Sentence


class ReleaseBody(Body):
    """What was found; `ship_to` corrects the address, within the same country."""

    note: Note = ""
    ship_to: Address | None = None


class VerdictBody(Body):
    """Why the costs are accepted, or are not."""

    note: Note = ""


class BackorderBody(Body):
    """What the customer wants to happen to units that wait for goods."""

    choice: BackorderChoice


class ResolveBody(Body):
    """What was done; `give_up`: what was awaited, as a lost parcel, will not come any more."""

    note: Note = ""
    give_up: StrictBool = False
