"""What people do with an order: cancel, hold, release, approve, answer, settle."""

# Annotations here are read by FastAPI, hence not postponed.
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from oms_chassis.http import Actor, Door, actor, scope
from oms_contracts.order import Gate
from oms_order.api.bodies import (
    BackorderBody,
    CancelBody,
    HoldBody,
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
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)
from oms_order.inputs import KIND

Who = Annotated[Actor, Depends(actor)]
Answer = Mapping[str, Any]
Tell = Callable[[str, Actor, Command], Awaitable[Answer]]
HOLD, CANCEL, APPROVE = scope("orders:hold"), scope("orders:cancel"), scope("orders:approve")


def add(router: APIRouter, door: Door) -> None:
    """Every route that changes an order."""

    async def tell(order: str, who: Actor, command: Command) -> Answer:
        order_id = names_of(await found(door, order, who))[0]
        return await door.command(KIND, order_id, command, who.name)

    _cancelling(router, tell)
    _holding(router, door, tell)
    _approving(router, tell)


def _cancelling(router: APIRouter, tell: Tell) -> None:
    @router.post("/orders/{order}/cancel", dependencies=[CANCEL])
    async def cancel(order: str, body: CancelBody, who: Who) -> Answer:
        lines = tuple((line.line_id, line.qty) for line in body.lines)
        return await tell(order, who, CancelOrder(lines, body.reason))

    @router.post("/orders/{order}/backorder-answer", dependencies=[CANCEL])
    async def backorder_answer(order: str, body: BackorderBody, who: Who) -> Answer:
        return await tell(order, who, AnswerBackorder(body.choice))


def _holding(router: APIRouter, door: Door, tell: Tell) -> None:
    @router.post("/orders/{order}/holds", dependencies=[HOLD])
    async def hold(order: str, body: HoldBody, who: Who) -> Answer:
        return await tell(order, who, PlaceHold(Gate(body.gate.value), body.reason))

    @router.post("/orders/{order}/holds/{hold_id}/release", dependencies=[HOLD])
    async def release(order: str, hold_id: str, body: ReleaseBody, who: Who) -> Answer:
        ship_to, country = "", ""
        if body.ship_to is not None:
            plain = body.ship_to.model_dump_json().encode()
            ship_to = door.ring.seal(plain, sha256(f"{order}|{hold_id}".encode()).digest())
            country = body.ship_to.country
        return await tell(order, who, ReleaseHold(hold_id, body.note, ship_to, country))

    @router.post("/orders/{order}/tasks/{task_id}/resolve", dependencies=[HOLD])
    async def resolve(order: str, task_id: str, body: ResolveBody, who: Who) -> Answer:
        return await tell(order, who, ResolveTask(task_id, body.note, body.give_up))


def _approving(router: APIRouter, tell: Tell) -> None:
    @router.post("/orders/{order}/costs/approve", dependencies=[APPROVE])
    async def approve(order: str, body: VerdictBody, who: Who) -> Answer:
        return await tell(order, who, ApproveCosts(body.note))

    @router.post("/orders/{order}/costs/reject", dependencies=[APPROVE])
    async def reject(order: str, body: VerdictBody, who: Who) -> Answer:
        return await tell(order, who, RejectCosts(body.note))
