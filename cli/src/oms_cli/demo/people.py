"""The people that some orders need: they do what the plan says, as soon as it can be done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from oms_cli.channels import Channels
from oms_cli.doors import Doors, Refused
from oms_cli.generator import Deed, Planned
from oms_contracts.channel import CancellationRequested

LOOK_SECONDS = 0.5
"""How often somebody looks whether it is their turn."""
_NOT_YET = (httpx.codes.NOT_FOUND, httpx.codes.SERVICE_UNAVAILABLE)
_TRY_AGAIN = (httpx.codes.CONFLICT, httpx.codes.SERVICE_UNAVAILABLE)


class People:
    """Everybody with something to do about `orders`."""

    def __init__(self, doors: Doors, channels: Channels, orders: Sequence[Planned]) -> None:
        self._doors = doors
        self._channels = channels
        self._todo = {o.external_id: o for o in orders if o.deed is not None}

    async def work(self) -> None:
        """Do every deed once; returns when all are done."""
        while self._todo:
            for order in list(self._todo.values()):
                page = await self._page(order)
                if page is not None and await self._does(order, page):
                    del self._todo[order.external_id]
            await asyncio.sleep(LOOK_SECONDS)

    async def _page(self, order: Planned) -> Any:
        try:
            return await self._doors.get("order", f"/orders/{order.channel}/{order.external_id}")
        except Refused as no:
            if no.status not in _NOT_YET:
                raise
            return None

    async def _does(self, order: Planned, page: Any) -> bool:
        """Whether the deed could be done; if not, it is tried again later."""
        path = f"/orders/{page['order_id']}"
        match order.deed:
            case Deed.RELEASE_HOLD | Deed.CORRECT_ADDRESS:
                return await self._release(order, page)
            case Deed.CANCEL:
                return bool(page["holds"]) and await self._tell(
                    f"{path}/cancel", {"reason": "the totals cannot be explained"}
                )
            case Deed.APPROVE_COSTS:
                return bool(page["holds"]) and await self._tell(f"{path}/costs/approve", {})
            case Deed.REJECT_COSTS:
                verdict = {"note": "too much discount"}
                return bool(page["holds"]) and await self._tell(f"{path}/costs/reject", verdict)
            case Deed.CUSTOMER_CANCELS:
                return await self._wish(order)
            case Deed.CUSTOMER_CANCELS_LATE:
                return await self._is_being_picked(page) and await self._wish(order)
            case Deed.DELIVER:
                return await self._deliver(page)
        raise ValueError(order.deed)

    async def _release(self, order: Planned, page: Any) -> bool:
        corrected = order.corrected.model_dump() if order.corrected is not None else None
        for hold in page["holds"]:
            if (hold["type"] == "address") == (corrected is not None):
                path = f"/orders/{page['order_id']}/holds/{hold['hold_id']}/release"
                body = {"note": "looked at"} | ({"ship_to": corrected} if corrected else {})
                return await self._tell(path, body)
        return False

    async def _wish(self, order: Planned) -> bool:
        wish = CancellationRequested(external_id=order.external_id, reason="changed my mind")
        await self._channels.tell(order.channel, wish, order.external_id)
        return True

    async def _is_being_picked(self, page: Any) -> bool:
        for fulfilment in page["fulfilments"]:
            name = fulfilment["fulfilment_id"]
            try:
                sheet = await self._doors.get("warehouse", f"/fulfilments/{name}")
            except Refused:
                continue  # the warehouse has not heard of it yet
            if any(line["picked"] for line in sheet["lines"]):
                return True
        return False

    async def _deliver(self, page: Any) -> bool:
        """The supplier brings what was bought for this order, line by line."""
        wanted = {x["sku"] for x in page["lines"] if x["buckets"]["backordered"]}
        lines = await self._doors.get("warehouse", "/purchase-orders", limit=500)
        bought = [line for line in lines if line["sku"] in wanted]
        for line in bought:
            receipt = {
                "sku": line["sku"], "location": line["location"], "qty": line["ordered_qty"],
                "po_line": line["po_line"], "cause_id": f"GR-{line['po_line']}"[:64],
            }  # fmt: skip
            await self._tell("/receipts", receipt, "warehouse")
        return bool(wanted) and {line["sku"] for line in bought} == wanted

    async def _tell(self, path: str, body: Any, service: str = "order") -> bool:
        try:
            await self._doors.post(service, path, body)
        except Refused as no:
            if no.status not in _TRY_AGAIN:
                raise
            return False
        return True
