"""What the generator hands out: an order as its channel sends it, and how it will end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from oms_contracts.channel import Address, OrderPlaced


class End(StrEnum):
    """How an order can end, as far as nobody does anything more."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    WAITS = "waits"


class Expectation(NamedTuple):
    """Where an order will come to rest, however the services' work interleaves.

    `why` is the code of a cancellation, or whose move it is. `charged_minor` is what the customer
    has paid, or owes, by then; None where nobody predicts it.
    """

    end: End
    why: str = ""
    charged_minor: int | None = None

    @property
    def label(self) -> str:
        """In one word: `completed`, `cancelled:customer`, `waits:supplier`."""
        return f"{self.end}:{self.why}" if self.why else str(self.end)


class Deed(StrEnum):
    """What a person does about an order for its prediction to come true."""

    RELEASE_HOLD = "release_hold"
    CORRECT_ADDRESS = "correct_address"
    """Release the hold to the address in `Planned.corrected`."""
    APPROVE_COSTS = "approve_costs"
    REJECT_COSTS = "reject_costs"
    CANCEL = "cancel"
    """Customer service cancels a held order."""
    CUSTOMER_CANCELS = "customer_cancels"
    """The channel asks for it in flight, while the order is held."""
    CUSTOMER_CANCELS_LATE = "customer_cancels_late"
    """The channel asks for it while somebody picks."""
    DELIVER = "deliver"
    """The supplier delivers what was bought for it."""


class Stocked(NamedTuple):
    """Units that must lie at a location before orders are placed."""

    sku: str
    location: str
    qty: int


@dataclass(frozen=True, slots=True)
class Planned:
    """One order: every message its channel sends about it, in order, and what will come of it."""

    number: int
    case: str
    """What is special about it, in the words of `cases`."""
    channel: str
    external_id: str
    values: tuple[bytes, ...]
    """Bodies to send under the order's number; a second one repeats or amends the first."""
    expected: Expectation
    placed: OrderPlaced | None = None
    """None for a body that no channel should ever send."""
    deed: Deed | None = None
    corrected: Address | None = None
    stock: tuple[Stocked, ...] = ()

    def __str__(self) -> str:
        return f"{self.channel} {self.external_id} ({self.case}): {self.expected.label}"


def opening_stock(orders: Iterable[Planned]) -> list[Stocked]:
    """Exactly what all these orders need together for their predictions to come true."""
    units: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for sku, location, qty in order.stock:
            units[sku, location] += qty
    return [Stocked(*place, qty) for place, qty in sorted(units.items()) if qty]


def predicted(orders: Iterable[Planned]) -> Counter[str]:
    """How many orders end how."""
    return Counter(order.expected.label for order in orders)


def charged(orders: Iterable[Planned]) -> Counter[str]:
    """What all customers whose charge is predicted pay together, by currency."""
    amounts: Counter[str] = Counter()
    for order in orders:
        if order.placed is not None and order.expected.charged_minor:
            amounts[order.placed.currency] += order.expected.charged_minor
    return amounts
