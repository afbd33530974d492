"""The order service's HTTP door: callers place orders, people look after them."""

from __future__ import annotations

from fastapi import APIRouter

from oms_chassis.http import Door
from oms_chassis.settings import load_policy
from oms_order.api import commands, placing, reading
from oms_order.domain import Policy

__all__ = ["routes"]


def routes(door: Door) -> APIRouter:
    """Every route of the order service."""
    policy = load_policy(door.settings.policies_file, "order", Policy)
    router = APIRouter()
    placing.add(router, door)
    commands.add(router, door)
    reading.add(router, door, policy)
    return router
