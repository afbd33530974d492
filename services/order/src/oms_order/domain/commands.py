"""What people tell an order by HTTP, and what channels wish. Everything personal is sealed."""

from __future__ import annotations

from oms_chassis.decision import Value
from oms_contracts.order import Gate
from oms_order.domain.policy import BackorderChoice


class CancellationWish(Value, frozen=True):
    """A channel asks for an order, or for the named units of it, to be cancelled."""

    channel: str
    external_id: str
    lines: tuple[tuple[str, int], ...] = ()
    """Line id and units; none means all."""
    reason: str = ""
    digest: str = ""
    """Fingerprint of what was sent, by which a repetition is known."""


class PlaceHold(Value, frozen=True):
    """Keep the order from passing a gate until somebody has looked."""

    gate: Gate
    reason: str


class ReleaseHold(Value, frozen=True):
    """Somebody has looked; `ship_to` is the corrected address, sealed, in `ship_country`."""

    hold_id: str
    note: str = ""
    ship_to: str = ""
    ship_country: str = ""


class ApproveCosts(Value, frozen=True):
    """The costs are accepted though they exceed the limits."""

    note: str = ""


class RejectCosts(Value, frozen=True):
    """The costs are not accepted: the order is cancelled."""

    reason: str = ""


class CancelOrder(Value, frozen=True):
    """Cancel the order, or the named units of it."""

    lines: tuple[tuple[str, int], ...] = ()
    """Line id and units; none means all."""
    reason: str = ""


class AnswerBackorder(Value, frozen=True):
    """What the customer wants to happen to units that wait for goods."""

    choice: BackorderChoice


class ResolveTask(Value, frozen=True):
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
