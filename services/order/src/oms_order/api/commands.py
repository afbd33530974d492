"""What people do with an order: cancel, hold, release, approve, answer, settle."""

# Annotations here are read by FastAPI, hence not postponed.
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from oms_chassis.decision import mint_id
from oms_chassis.http import Actor, Door, actor, scope
from oms_contracts.order import Gate
from oms_order.api.bodies import (
    BackorderBody,
    CancelBody,
    HoldBody,
    IdempotencyKey,
    ReleaseBody,
    ResolveBody,
    VerdictBody,
)
from oms_order.api.reading import found, names_of
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    CancelOrder,
    Command,
    Order,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)
from oms_order.inputs import KIND

Answer = Mapping[str, Any]
Tell = Callable[[Command], Awaitable[Answer]]
HOLD, CANCEL, APPROVE = scope("orders:hold"), scope("orders:cancel"), scope("orders:approve")


def add(router: APIRouter, door: Door) -> None:
    """Every route that changes an order."""

    async def teller(
        order: str, who: Annotated[Actor, Depends(actor)], key: IdempotencyKey = ""
    ) -> Tell:
        """Tells the order in the path; the same idempotency key does so once."""
        known = await found(door, order, who)
        order_id, _ = names_of(known)
        since = known.head.accepted_at if isinstance(known, Order) else known.received_at
        command_id = mint_id(since, f"{order_id}|{who.name}|{key}") if key else None

        async def tell(command: Command) -> Answer:
            return await door.command(KIND, order_id, command, who.name, command_id)

        return tell

    _cancelling(router, teller)
    _holding(router, door, teller)
    _approving(router, teller)


def _cancelling(router: APIRouter, teller: Any) -> None:
    @router.post("/orders/{order}/cancel", dependencies=[CANCEL])
    async def cancel(body: CancelBody, tell: Annotated[Tell, Depends(teller)]) -> Answer:
        """Cancel an order, or units of it, as far as the goods are still here."""
        lines = tuple((line.line_id, line.qty) for line in body.lines)
        return await tell(CancelOrder(lines, body.reason))

    @router.post("/orders/{order}/backorder-answer", dependencies=[CANCEL])
    async def backorder_answer(
        body: BackorderBody, tell: Annotated[Tell, Depends(teller)]
    ) -> Answer:
        """Say for the customer whether to wait on for goods."""
        return await tell(AnswerBackorder(body.choice))


def _holding(router: APIRouter, door: Door, teller: Any) -> None:
    @router.post("/orders/{order}/holds", dependencies=[HOLD])
    async def hold(body: HoldBody, tell: Annotated[Tell, Depends(teller)]) -> Answer:
        """Keep an order from passing a gate until somebody has looked."""
        return await tell(PlaceHold(Gate(body.gate.value), body.reason))

    @router.post("/orders/{order}/holds/{hold_id}/release", dependencies=[HOLD])
    async def release(
        hold_id: str, body: ReleaseBody, tell: Annotated[Tell, Depends(teller)]
    ) -> Answer:
        """Let an order go on, to a corrected address if need be."""
        ship_to, country = "", ""
        if body.ship_to is not None:
            ship_to = door.ring.seal(body.ship_to.model_dump_json().encode(), hold_id.encode())
            country = body.ship_to.country
        return await tell(ReleaseHold(hold_id, body.note, ship_to, country))

    @router.post("/orders/{order}/tasks/{task_id}/resolve", dependencies=[HOLD])
    async def resolve(
        task_id: str, body: ResolveBody, tell: Annotated[Tell, Depends(teller)]
    ) -> Answer:
        """Take a task out of the queue."""
        return await tell(ResolveTask(task_id, body.note, body.give_up))


def _approving(router: APIRouter, teller: Any) -> None:
    @router.post("/orders/{order}/costs/approve", dependencies=[APPROVE])
    async def approve(body: VerdictBody, tell: Annotated[Tell, Depends(teller)]) -> Answer:
        """Accept costs beyond the limits."""
        return await tell(ApproveCosts(body.note))

    @router.post("/orders/{order}/costs/reject", dependencies=[APPROVE])
    async def reject(body: VerdictBody, tell: Annotated[Tell, Depends(teller)]) -> Answer:
        """Turn the costs down: the order is cancelled."""
        return await tell(RejectCosts(body.note))
