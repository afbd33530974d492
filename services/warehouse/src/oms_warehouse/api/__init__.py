"""The warehouse's HTTP door: the work queue, scanning, receiving, counts and purchase orders.

| scope | who |
|---|---|
| `warehouse:read` | whoever looks |
| `warehouse:pick` | pickers: pick lists, scans, short picks, put-backs |
| `warehouse:pack` | packers: parcels and packing slips |
| `warehouse:receive` | the receiving desk |
| `warehouse:count` | who counts shelves and writes off damage |
| `warehouse:purchase` | who speaks with suppliers |
"""

from __future__ import annotations

from fastapi import APIRouter

from oms_chassis.http import Door
from oms_warehouse.api.fulfilments import documents_to_print, put_backs, scanning, work_queue
from oms_warehouse.api.goods import purchasing, receiving

__all__ = ["routes"]


def routes(door: Door) -> APIRouter:
    """Every route of the warehouse."""
    router = APIRouter()
    for part in (work_queue, documents_to_print, scanning, put_backs, receiving, purchasing):
        router.include_router(part(door))
    return router
