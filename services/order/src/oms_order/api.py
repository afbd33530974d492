"""The order service's HTTP door: placing orders, looking at them, and deciding about them.

| scope | who |
|---|---|
| `orders:write` | channels without Kafka |
| `orders:read` | whoever looks; a channel's key sees that channel's orders alone |
| `orders:personal` | who may see names and addresses |
| `orders:cancel` | customer service, and channels for their own orders |
| `orders:hold` | who places and releases holds, and settles tasks |
| `orders:approve` | who approves costs |
"""

# Annotations here are read by FastAPI, hence not postponed.
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from oms_chassis.decision import mint_id
from oms_chassis.http import Actor, Door, NotFound, Problem, actor, scope
from oms_chassis.settings import load_policy
from oms_contracts.channel import Address, OrderPlaced
from oms_contracts.order import Gate
from oms_order import documents, views
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancelOrder,
    Command,
    NoOrder,
    Order,
    PlaceHold,
    Policy,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)
from oms_order.domain.numbers import order_key
from oms_order.inputs import seal

_HTML = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_REUSED = Problem(422, "idempotency_key_reused", "This Idempotency-Key was used for another order.")
Who = Annotated[Actor, Depends(actor)]
Name = Annotated[str, Path(min_length=1, max_length=64)]
Note = Annotated[str, Field(max_length=500)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", min_length=1, max_length=128, pattern=r"^[!-~]+$")
]


class Given(BaseModel):
    """A request body: unknown fields are faults, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Units(Given):
    """Units of a line."""

    line_id: Annotated[str, Field(min_length=1, max_length=64)]
    qty: Annotated[int, Field(ge=1)]


class Cancellation(Given):
    """What is to be cancelled; no lines means all."""

    lines: Annotated[tuple[Units, ...], Field(max_length=500)] = ()
    reason: Note = ""


class NewHold(Given):
    """Why somebody must look, and before which step."""

    gate: Gate
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Release(Given):
    """What was found; with the corrected address where that was wrong."""

    note: Note = ""
    ship_to: Address | None = None


class Verdict(Given):
    """What was decided about the costs, and why."""

    note: Note = ""


class Answer(Given):
    """Whether the customer waits on for backordered units."""

    choice: BackorderChoice


class Settled(Given):
    """How a task was settled; `give_up` where what was awaited will not come."""

    note: Note = ""
    give_up: bool = False


def routes(door: Door) -> APIRouter:
    """Every route of the order service."""
    router = APIRouter()
    for part in (_placing, _looking, _deciding):
        router.include_router(part(door))
    return router


def _placing(door: Door) -> APIRouter:
    router = APIRouter(tags=["placing"])

    @router.post("/orders", status_code=202, dependencies=[scope("orders:write")])
    async def place(
        order: Annotated[OrderPlaced, Body()], idempotency_key: IdempotencyKey, who: Who
    ) -> dict[str, Any]:
        """Place an order. The channel is the one whose key this is.

        The same Idempotency-Key with the same content gets the same answer; with other content
        it is refused.
        """
        if not who.channel:
            raise Problem(403, "no_channel", "This key speaks for no channel.")
        key = order_key(door.tenant, who.channel, order.external_id)
        input_id = mint_id(datetime.now(UTC), f"{key}|{idempotency_key}")
        placed = seal(door.ring, input_id.bytes, who.channel, order, idempotency_key)
        if faults := placed.faults():
            raise RequestValidationError(
                [
                    {"loc": ("body", *f.field.split(".")), "type": f.code, "msg": f.text}
                    for f in faults
                ]
            )
        async with door.sessions() as session:
            used = await views.used_for(session, door.tenant, who.channel, idempotency_key)
        if used is not None and (used.order_id, used.digest) != (key, placed.digest):
            raise _REUSED
        try:
            return dict(await door.command("order", key, placed, who.name))
        except asyncpg.UniqueViolationError:  # the key was used between the look and the deed
            raise _REUSED from None

    return router


def _looking(door: Door) -> APIRouter:
    router = APIRouter(tags=["looking"])
    policy = load_policy(door.settings.policies_file, "order", Policy)

    async def found(order: Order | NoOrder | None, who: Actor) -> Order | NoOrder:
        channel = order.placed.channel if isinstance(order, Order) else order and order.channel
        if order is None or (who.channel and channel != who.channel):
            raise NotFound("There is no order under this number.")
        return order

    async def shown(order: Order | NoOrder, who: Actor) -> dict[str, Any]:
        async with door.sessions() as session:
            page = await views.full_page(session, policy, order)
        if isinstance(order, Order) and "orders:personal" in who.scopes:
            page["personal"] = _personal(door, order)
        return page

    async def by_name(name: str, who: Actor) -> Order | NoOrder:
        async with door.sessions() as session:
            return await found(await views.find(session, door.tenant, name), who)

    @router.get("/orders", dependencies=[scope("orders:read")])
    async def orders(
        who: Who,
        status: Annotated[str | None, Query(max_length=32)] = None,
        whose_move: Annotated[str | None, Query(max_length=32)] = None,
        after_at: Annotated[AwareDatetime | None, Query()] = None,
        after_id: Annotated[str, Query(max_length=36)] = "",
        limit: Annotated[int, Query(ge=1, le=views.PAGE_ROWS_MAX)] = 50,
    ) -> list[dict[str, Any]]:
        """Orders, the oldest first; ask for the next by the last one's `received_at` and id."""
        if who.channel:
            raise Problem(403, "own_orders_only", "A channel asks for its orders one by one.")
        after = (after_at, after_id) if after_at is not None else None
        async with door.sessions() as session:
            rows = await views.listed(
                session, door.tenant, status=status, whose_move=whose_move, after=after,
                rows_max=limit,
            )  # fmt: skip
        return [
            {
                "order_id": row.order_id, "channel": row.channel, "external_id": row.external_id,
                "status": row.status, "whose_move": row.waiting_for, "received_at": row.received_at,
                "changed_at": row.changed_at,
            }
            for row in rows
        ]  # fmt: skip

    @router.get("/counts", dependencies=[scope("orders:read")])
    async def counts() -> list[dict[str, Any]]:
        """How many orders stand where, and whose move it is."""
        async with door.sessions() as session:
            return [
                {"status": status, "whose_move": whose, "orders": count}
                for status, whose, count in await views.counts(session, door.tenant)
            ]

    @router.get("/orders/{name}.html", dependencies=[scope("orders:read")])
    async def order_for_browsers(name: Name, who: Who) -> Response:
        """The order's page for a browser."""
        page = await shown(await by_name(name, who), who)
        return Response(documents.html(page), media_type="text/html", headers=_HTML)

    @router.get("/orders/{name}", dependencies=[scope("orders:read")])
    async def order(name: Name, who: Who) -> dict[str, Any]:
        """An order by its id or number: lines, money, parcels, history, and what it waits for."""
        return await shown(await by_name(name, who), who)

    @router.get("/orders/{channel}/{external_id:path}", dependencies=[scope("orders:read")])
    async def order_of_channel(channel: Name, external_id: Name, who: Who) -> dict[str, Any]:
        """An order by the number its channel knows it by."""
        async with door.sessions() as session:
            order = await views.of_channel(session, door.tenant, channel, external_id)
        return await shown(await found(order, who), who)

    return router


def _personal(door: Door, order: Order) -> dict[str, Any]:
    placed, body = order.placed, order.body
    sealed = {"contact": placed.contact, "ship_to": body.ship_to or placed.ship_to}
    sealed |= {"bill_to": placed.bill_to} if placed.bill_to else {}
    shown = {name: msgspec.json.decode(door.ring.open(text)) for name, text in sealed.items()}
    return shown | ({"note": door.ring.open(placed.note).decode()} if placed.note else {})


def _deciding(door: Door) -> APIRouter:
    router = APIRouter(prefix="/orders/{name}", tags=["deciding"])

    async def tell(name: str, command: Command, who: Actor) -> dict[str, Any]:
        """Carry out a command about the order with this id or number."""
        async with door.sessions() as session:
            order = await views.find(session, door.tenant, name)
        if not isinstance(order, Order) or who.channel not in ("", order.placed.channel):
            raise NotFound("There is no order under this number.")
        return dict(await door.command("order", order.head.order_id, command, who.name))

    @router.post("/cancel", dependencies=[scope("orders:cancel")])
    async def cancel(name: Name, wish: Cancellation, who: Who) -> dict[str, Any]:
        """Cancel an order, or units of it, as far as the goods are still here."""
        lines = tuple((units.line_id, units.qty) for units in wish.lines)
        return await tell(name, CancelOrder(lines, wish.reason), who)

    @router.post("/holds", dependencies=[scope("orders:hold")])
    async def hold(name: Name, hold: NewHold, who: Who) -> dict[str, Any]:
        """Keep an order from a step until somebody has looked."""
        return await tell(name, PlaceHold(hold.gate, hold.reason), who)

    @router.post("/holds/{hold_id}/release", dependencies=[scope("orders:hold")])
    async def release(name: Name, hold_id: Name, found: Release, who: Who) -> dict[str, Any]:
        """Let an order go on, with its address corrected if need be."""
        command = ReleaseHold(hold_id, found.note)
        if found.ship_to is not None:
            text = found.ship_to.model_dump_json().encode()
            unique = f"{hold_id}|{datetime.now(UTC)}".encode()
            sealed = door.ring.seal(text, unique)
            command = ReleaseHold(hold_id, found.note, sealed, found.ship_to.country)
        return await tell(name, command, who)

    @router.post("/costs/approve", dependencies=[scope("orders:approve")])
    async def approve(name: Name, verdict: Verdict, who: Who) -> dict[str, Any]:
        """Accept costs beyond the limits."""
        return await tell(name, ApproveCosts(verdict.note), who)

    @router.post("/costs/reject", dependencies=[scope("orders:approve")])
    async def reject(name: Name, verdict: Verdict, who: Who) -> dict[str, Any]:
        """Turn costs down: the order is cancelled."""
        return await tell(name, RejectCosts(verdict.note), who)

    @router.post("/backorder-answer", dependencies=[scope("orders:hold")])
    async def answer(name: Name, answer: Answer, who: Who) -> dict[str, Any]:
        """Say whether the customer waits on."""
        return await tell(name, AnswerBackorder(answer.choice), who)

    @router.post("/tasks/{task_id}/resolve", dependencies=[scope("orders:hold")])
    async def resolve(name: Name, task_id: UUID, settled: Settled, who: Who) -> dict[str, Any]:
        """Take a task out of the queue."""
        return await tell(name, ResolveTask(str(task_id), settled.note, settled.give_up), who)

    return router
