"""From where a request is served: rules and stock in, a plan out.

One location that holds everything is best. Otherwise the fewest locations are sought by the
greedy rule for covering sets: take the location that covers most of the units still missing,
the preferred one among equals, until nothing is missing or nothing helps. The rule may need one
location more than the very best plan, but it looks at each location at most once per step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oms_inventory.domain import Policy, Sku

Plan = dict[str, dict[str, int]]
"""Units by SKU and location; what is missing is not in it."""
Open = Mapping[str, Mapping[str, int]]
"""Units by SKU and location that a newcomer may have."""


def open_to_newcomers(policy: Policy, book: Sku, exclude: Sequence[str]) -> dict[str, int]:
    """Units by location that nobody who waits could use: a newcomer overtakes no one."""
    return {
        location: shelf.available
        for location, shelf in book.shelves.items()
        if shelf.available > 0
        and location not in exclude
        and not any(policy.serves(location, w.country) for w in book.waiting)
    }


def source(policy: Policy, country: str, wanted: Mapping[str, int], stock: Open) -> Plan:
    """Find locations for `wanted` units by SKU; each SKU gets as much as there is for it."""
    known = {location for units in stock.values() for location in units}
    preferred = policy.serving(country, known)
    for location in preferred:
        if all(stock[sku].get(location, 0) >= qty for sku, qty in wanted.items()):
            return {sku: {location: qty} for sku, qty in wanted.items()}
    return _greedy(preferred, wanted, stock, policy.split_locations_max)


def _greedy(
    preferred: Sequence[str], wanted: Mapping[str, int], stock: Open, locations_max: int
) -> Plan:
    plan: Plan = {sku: {} for sku in wanted}
    missing = dict(wanted)
    candidates = list(preferred)
    for _ in range(min(locations_max, len(candidates))):
        covers = [_cover(location, missing, stock) for location in candidates]
        best = max(covers, default=0)
        if best == 0:
            break
        location = candidates.pop(covers.index(best))
        for sku, qty in missing.items():
            part = min(qty, stock[sku].get(location, 0))
            if part:
                plan[sku][location] = part
                missing[sku] = qty - part
    return plan


def _cover(location: str, missing: Mapping[str, int], stock: Open) -> int:
    return sum(min(qty, stock[sku].get(location, 0)) for sku, qty in missing.items())
