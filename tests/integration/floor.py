"""People on the scanning floor, through the warehouse's HTTP door with a picker's key."""

from __future__ import annotations

from typing import Any

import httpx
from merchant import FLOOR, Known, Merchant
from ordering import unique, until


class Floor:
    """One picker at work on the fulfilments of one order."""

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant

    async def worksheet(self, known: Known, location: str = FLOOR) -> Any:
        """The order's pick list, once the warehouse has it."""

        async def found() -> Any:
            page = await self._merchant.order(known)
            if page is None:
                return None
            queue = await self._merchant.see(
                "warehouse", f"/fulfilments?location={location}&limit=500", "picker"
            )
            return next((w for w in queue if w["order_id"] == page["order_id"]), None)

        return await self.show((await until(found))["fulfilment_id"])

    async def show(self, fulfilment_id: str) -> Any:
        """A fulfilment as its picker sees it."""
        return await self._merchant.see("warehouse", f"/fulfilments/{fulfilment_id}", "picker")

    async def scan(self, fulfilment_id: str, step: str, body: dict[str, Any]) -> httpx.Response:
        """One scan, or one press of a button; whatever the answer."""
        return await self._merchant.client("warehouse", "picker").post(
            f"/fulfilments/{fulfilment_id}/{step}",
            json=body,
            headers={"Idempotency-Key": unique("SCAN")},
        )

    async def does(self, fulfilment_id: str, step: str, body: dict[str, Any]) -> Any:
        """One scan that must be taken."""
        response = await self.scan(fulfilment_id, step, body)
        assert response.is_success, f"{step}: {response.status_code} {response.text}"
        return response.json()

    async def picks(self, work: Any) -> None:
        """Takes every unit still wanted from its bin, one scan a unit."""
        await self.does(work["fulfilment_id"], "start", {})
        for line in work["lines"]:
            for _ in range(line["wanted"] - line["picked"]):
                await self.does(work["fulfilment_id"], "pick", {"sku": line["sku"]})

    async def packs(self, work: Any) -> None:
        """Lays everything that was picked into one parcel and closes it."""
        work = await self.show(work["fulfilment_id"])
        for line in work["lines"]:
            for _ in range(line["picked"] - line["packed"]):
                await self.does(work["fulfilment_id"], "pack", {"sku": line["sku"], "parcel_no": 1})
        closed = {"parcels": [{"parcel_no": 1, "weight_grams": 700}]}
        await self.does(work["fulfilment_id"], "close-packing", closed)

    async def picks_and_packs(self, known: Known) -> Any:
        """The whole work on an order's fulfilment."""
        work = await self.worksheet(known)
        await self.picks(work)
        await self.packs(work)
        return work

    async def puts_back(self, fulfilment_id: str) -> None:
        """Returns what was picked to its bins, once the put-back is asked for."""

        async def asked() -> Any:
            return (await self.show(fulfilment_id))["status"] == "stopping"

        await until(asked)
        await self._merchant.do("warehouse", f"/put-backs/{fulfilment_id}/confirm", role="picker")

    async def reports_short(self, work: Any, line: Any, qty: int) -> None:
        """Says that units are not where they should lie."""
        told = {"line_id": line["line_id"], "qty": qty, "reason": "not_found"}
        await self.does(work["fulfilment_id"], "short", told)
