"""The people around a `World`: they receive goods, pick, pack, and do what was planned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from world import TENANT, World, state

from oms_cli.generator import FLOOR, PICK_SHORT, PICK_SLOWLY, Deed, Planned, opening_stock
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_order.decisions import whose_move
from oms_order.domain import (
    ApproveCosts,
    CancelOrder,
    CancelState,
    NoOrder,
    Order,
    RejectCosts,
    ReleaseHold,
    Status,
    order_key,
)
from oms_warehouse.decisions import FULFILMENTS, GOODS
from oms_warehouse.domain import (
    ClosePacking,
    ConfirmPutBack,
    Fulfilment,
    ParcelMeasure,
    ReceiveStock,
    ReportShort,
    ScanPack,
    ScanPick,
    ShortReason,
    StartPick,
)
from oms_warehouse.domain import Status as Work

PATIENCE_SECONDS = 60.0
_WORK = "SELECT order_id, fulfilment_id FROM fulfilment WHERE location = $1 AND status <> ALL ($2)"
_BOUGHT = "SELECT po_line, location, ordered_qty FROM purchase_order_line WHERE sku = $1"


@dataclass
class People:
    """Everybody who has a part in the plan."""

    world: World
    plan: Sequence[Planned]

    async def play(self) -> dict[str, str]:
        """Receive, place, work until everything is as planned; order number → how it ended."""
        for sku, location, qty in opening_stock(self.plan):
            received = ReceiveStock(location, qty, f"opening-{location}")
            await self.world.command("warehouse", (GOODS, sku), received)
        while await self.world.step():
            pass
        for order in self.plan:
            self._place(order)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            for _ in range(self.world.chance.randint(1, 40)):
                if not await self.world.step():
                    break
            acted = await self._act()
            if acted or not self.world.quiet:
                continue
            ends = {order.external_id: await self.ending(order) for order in self.plan}
            planned = {order.external_id: order.expected.label for order in self.plan}
            if ends == planned or time.monotonic() > give_up:
                return ends
            await asyncio.sleep(0.02)

    def _place(self, order: Planned) -> None:
        for value in order.values:
            self._tell(order, value, OrderPlaced.TYPE)
        if order.deed is Deed.CUSTOMER_CANCELS:
            self._cancel(order)

    def _tell(self, order: Planned, value: bytes, type_: str) -> None:
        self.world.publish(f"oms.channel.{order.channel}.v1", order.external_id, value, type_)

    def _cancel(self, order: Planned) -> None:
        wish = CancellationRequested(external_id=order.external_id, reason="changed my mind")
        self._tell(order, wire.encode(wish), wish.TYPE)

    async def order(self, planned: Planned) -> Order | NoOrder | None:
        """The order as the order service has it."""
        return await state(self.world.members["order"], "order", _key(planned))

    async def ending(self, planned: Planned) -> str:
        """Where the order stands, in the words of the plan."""
        order = await self.order(planned)
        if not isinstance(order, Order):
            return order.status.value if order else "unknown"
        if order.status is Status.CANCELLED:
            return f"cancelled:{order.cancel.code}"
        if order.status is Status.COMPLETED:
            return "completed"
        return f"waits:{whose_move(order)}"

    async def _act(self) -> bool:
        acted = await self._work_on_the_floor()
        for planned in self.plan:
            if planned.deed is not None:
                acted = await self._do(planned) or acted
        return acted

    async def _do(self, planned: Planned) -> bool:
        order = await self.order(planned)
        if not isinstance(order, Order) or order.cancel.state is not CancelState.NO:
            return False
        match planned.deed:
            case Deed.RELEASE_HOLD | Deed.CORRECT_ADDRESS if order.body.holds:
                return await self._say(planned, self._release(planned, order))
            case Deed.APPROVE_COSTS if order.costs_hold():
                return await self._say(planned, ApproveCosts("worth it"))
            case Deed.REJECT_COSTS if order.costs_hold():
                return await self._say(planned, RejectCosts("too dear"))
            case Deed.CANCEL if order.body.holds:
                return await self._say(planned, CancelOrder(reason="the shop cannot add up"))
            case Deed.CUSTOMER_CANCELS_LATE:
                return await self._cancel_while_picking(planned)
            case Deed.DELIVER if any(line.backordered for line in order.lines):
                return await self._deliver(planned)
        return False

    async def _say(self, planned: Planned, command: Any) -> bool:
        await self.world.command("order", ("order", _key(planned)), command)
        return True

    def _release(self, planned: Planned, order: Order) -> ReleaseHold:
        hold_id = order.body.holds[0].hold_id
        if planned.corrected is None:
            return ReleaseHold(hold_id)
        ring = self.world.members["order"].cycle.ring
        sealed = ring.seal(planned.corrected.model_dump_json().encode(), hold_id.encode())
        return ReleaseHold(hold_id, ship_to=sealed, ship_country=planned.corrected.country)

    async def _cancel_while_picking(self, planned: Planned) -> bool:
        work = await state(self.world.members["warehouse"], FULFILMENTS, _key(planned))
        picking = (Work.PICKING, Work.PICKED)
        if work is None or not any(f.status in picking for f in work.fulfilments):
            return False
        self._cancel(planned)
        while await self.world.step():
            pass
        return True

    async def _deliver(self, planned: Planned) -> bool:
        [sku] = {s.sku for s in planned.stock if s.sku.endswith(f"-{planned.number:06}")}
        db = self.world.members["warehouse"].db
        bought = await db.fetchrow(_BOUGHT, sku)
        if bought is None or await db.fetchval(
            "SELECT true FROM goods_entry WHERE sku = $1 AND po_line = $2", sku, bought["po_line"]
        ):
            return False
        received = ReceiveStock(
            bought["location"], bought["ordered_qty"], "delivery", po_line=bought["po_line"]
        )
        await self.world.command("warehouse", (GOODS, sku), received)
        return True

    # The scanning floor

    async def _work_on_the_floor(self) -> bool:
        acted = False
        for row in await self.world.members["warehouse"].db.fetch(
            _WORK, FLOOR, ["packed", "stopped"]
        ):
            acted = await self._work_on(row["order_id"], row["fulfilment_id"]) or acted
        return acted

    async def _work_on(self, order_id: str, fulfilment_id: str) -> bool:
        work = await state(self.world.members["warehouse"], FULFILMENTS, order_id)
        found: Fulfilment = work.find(fulfilment_id)
        match found.status:
            case Work.RELEASED:
                await self._scan(order_id, StartPick(fulfilment_id))
            case Work.STOPPING:
                await self._scan(order_id, ConfirmPutBack(fulfilment_id))
            case Work.PICKING if PICK_SLOWLY in found.flags:
                return False
            case Work.PICKING:
                await self._pick(order_id, found)
            case Work.PICKED | Work.PACKING:
                await self._pack(order_id, found)
        return True

    async def _pick(self, order_id: str, work: Fulfilment) -> None:
        short = PICK_SHORT in work.flags and not any(line.short for line in work.lines)
        for line in work.lines:
            name = f"{work.fulfilment_id[-12:]}-{line.line_id}"
            if short:
                told = ReportShort(
                    work.fulfilment_id, line.line_id, 1, ShortReason.NOT_FOUND, f"short-{name}"
                )
                await self._scan(order_id, told)
            qty = line.to_pick - short
            scan = ScanPick(work.fulfilment_id, line.sku, f"pick-{name}", qty)
            await self._scan(order_id, scan)
            short = False

    async def _pack(self, order_id: str, work: Fulfilment) -> None:
        for line in work.lines:
            name = f"{work.fulfilment_id[-12:]}-{line.line_id}"
            scan = ScanPack(work.fulfilment_id, 1, line.sku, f"pack-{name}", line.picked)
            await self._scan(order_id, scan)
        closed = ClosePacking(work.fulfilment_id, (ParcelMeasure(1, 900),))
        await self._scan(order_id, closed)

    async def _scan(self, order_id: str, scan: Any) -> None:
        await self.world.command("warehouse", (FULFILMENTS, order_id), scan, "picker-1")


def _key(planned: Planned) -> str:
    return order_key(TENANT, planned.channel, planned.external_id)
