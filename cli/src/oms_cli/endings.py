"""Where orders stand, in the words that predictions and reports use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from oms_cli.doors import Doors

Named = tuple[str, str]
"""Channel and external id."""

PEOPLE = ("customer_service", "approver", "receivables", "operations")
OUTSIDERS = ("supplier",)
AT_REST = (*PEOPLE, *OUTSIDERS)
"""Whose move may be the last for now: named people, and suppliers."""
_ENDED = ("completed", "rejected", "unknown")


def label(listed: Mapping[str, Any], code: str = "") -> str:
    """How a listed order stands: `completed`, `cancelled:customer`, `waits:supplier` …

    The code of a cancellation is not in the list; without it the label is `cancelled`.
    """
    status, owner = listed["status"], listed["waiting_for"]
    if status in _ENDED:
        return str(status)
    if status == "cancelled":
        return f"cancelled:{code}" if code else "cancelled"
    return f"waits:{owner}"


def at_rest(listed: Mapping[str, Any]) -> bool:
    """Whether nothing will happen to an order unless a person or a supplier does something."""
    return listed["status"] in (*_ENDED, "cancelled") or listed["waiting_for"] in AT_REST


async def find_orders(
    doors: Doors, wanted: Collection[Named], since: datetime | None = None
) -> dict[Named, dict[str, Any]]:
    """Those orders as the list shows them, as far as they are there.

    The list is read from the newest on, and no further than needed, or back to `since`.
    """
    found: dict[Named, dict[str, Any]] = {}
    if not wanted:
        return found
    async for listed in doors.orders():
        if since is not None and datetime.fromisoformat(listed["received_at"]) < since:
            break
        name = (listed["channel"], listed["external_id"])
        if name in wanted:
            found[name] = listed
            if len(found) == len(wanted):
                break
    return found
