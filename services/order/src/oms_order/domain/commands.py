"""What people tell an order by HTTP, and what channels wish. Everything personal is sealed."""

from __future__ import annotations

from dataclasses import dataclass, field

from oms_contracts.order import Gate
from oms_order.domain.policy import BackorderChoice


@dataclass(frozen=True, slots=True)
class CancellationWish:
    """A channel asks for an order, or for the named units of it, to be cancelled."""

    channel: str
    external_id: str
    lines: tuple[tuple[str, int], ...] = ()
    """Line id and units; none means all."""
    reason: str = ""
    digest: str = ""
    """Fingerprint of what was sent, by which a repetition is known."""


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Keep the order from passing a gate until somebody has looked."""

    gate: Gate
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Somebody has looked; `ship_to` is the corrected address, sealed, in `ship_country`."""

    hold_id: str
    note: str = ""
    ship_to: str = field(default="", repr=False)
    ship_country: str = ""


@dataclass(frozen=True, slots=True)
class ApproveCosts:
    """The costs are accepted though they exceed the limits."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class RejectCosts:
    """The costs are not accepted: the order is cancelled."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel the order, or the named units of it."""

    lines: tuple[tuple[str, int], ...] = ()
    """Line id and units; none means all."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnswerBackorder:
    """What the customer wants to happen to units that wait for goods."""

    choice: BackorderChoice


@dataclass(frozen=True, slots=True)
class ResolveTask:
    """Somebody settled something in the person's queue.

    `give_up`: what was awaited will not come any more, as a parcel that was lost.
    """

    task_id: str
    note: str = ""
    give_up: bool = False


Command = (
    PlaceHold
    | ReleaseHold
    | ApproveCosts
    | RejectCosts
    | CancelOrder
    | AnswerBackorder
    | ResolveTask
)
