"""What is read of orders: one page each, lists, and the queue of what waits for people.

A caller with a channel's key sees that channel's orders and no other: to it they do not exist.
"""

# Annotations here are read by FastAPI, hence not postponed.
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from oms_chassis.http import Actor, Door, NotFound, Problem, actor, scope
from oms_chassis.sealing import SealError
from oms_order import documents, views
from oms_order.api.past import Past, as_it_was
from oms_order.decisions import Owner
from oms_order.domain import NoOrder, Order, Policy, Status, order_key
from oms_order.page import NoOrderPage, Page, Personal, no_order_page, order_page

READ = [scope("orders:read")]
PERSONAL = "orders:personal"
Who = Annotated[Actor, Depends(actor)]
RowsMax = Annotated[int, Query(ge=1, le=views.PAGE_ROWS_MAX, alias="limit")]
Cursor = Annotated[str, Query(max_length=100, pattern=r"^(|[^|]+\|[0-9a-f-]{36})$")]
Moment = Annotated[AwareDatetime | None, Query(description="show the order as it was then")]
_MOMENT = TypeAdapter(AwareDatetime)


@dataclass(frozen=True)
class Listed:
    """A page of orders; `next` is what to give as `after` for the following one."""

    orders: list[views.OrderLine]
    next: str


def add(router: APIRouter, door: Door, policy: Policy) -> None:
    """Every route that reads."""
    _lists(router, door, policy)
    _pages(router, door, policy)


def _lists(router: APIRouter, door: Door, policy: Policy) -> None:
    @router.get("/orders", dependencies=READ)
    async def orders(
        who: Who,
        status: Status | None = None,
        waiting_for: Owner | Literal[""] = "",
        received_before: AwareDatetime | None = None,
        after: Cursor = "",
        rows_max: RowsMax = 50,
    ) -> Listed:
        """Orders, the newest first."""
        which = views.Filter(status, waiting_for, who.channel, received_before, _cursor(after))
        async with door.sessions() as session:
            rows = await views.listed(session, door.tenant, which, rows_max)
        last = rows[-1] if len(rows) == rows_max else None
        return Listed(rows, f"{last.received_at.isoformat()}|{last.order_id}" if last else "")

    @router.get("/queue", dependencies=READ)
    async def queue(
        who: Who, owner: Owner | Literal[""] = "", rows_max: RowsMax = 50
    ) -> list[views.QueueEntry]:
        """Orders that wait for a person, the oldest first."""
        async with door.sessions() as session:
            return await views.queue(session, door.tenant, policy, owner, who.channel, rows_max)


def _pages(router: APIRouter, door: Door, policy: Policy) -> None:
    async def page(order: Order | NoOrder, who: Actor, at: datetime | None) -> Page | NoOrderPage:
        if at is None:
            async with door.sessions() as session:
                told = await views.history(session, names_of(order)[0])
            was = Past(order, policy, told, None)
        else:
            was = await as_it_was(door, policy, names_of(order)[0], at)
        if isinstance(was.order, NoOrder):
            return no_order_page(was.order, was.history, was.rebuilt)
        personal = _opened(door, was.order) if PERSONAL in who.scopes else None
        return order_page(was.policy, was.order, was.history, personal, was.rebuilt)

    @router.get("/orders/{order}.html", dependencies=READ)
    async def sheet(order: str, who: Who) -> HTMLResponse:
        """An order, to read or to print."""
        shown = await page(await found(door, order, who), who, None)
        if isinstance(shown, Page):
            return HTMLResponse(documents.order_html(shown))
        return HTMLResponse(documents.no_order_html(shown))

    @router.get("/orders/{order}", dependencies=READ)
    async def by_name(order: str, who: Who, at: Moment = None) -> Page | NoOrderPage:
        """An order by its id or its number, as it is or as it was."""
        return await page(await found(door, order, who), who, at)

    @router.get("/orders/{channel}/{external_id:path}", dependencies=READ)
    async def by_channel(
        channel: str, external_id: str, who: Who, at: Moment = None
    ) -> Page | NoOrderPage:
        """An order by its channel's name for it, as it is or as it was."""
        order_id = order_key(door.tenant, channel, external_id)
        return await page(await found(door, order_id, who), who, at)


async def found(door: Door, name: str, who: Actor) -> Order | NoOrder:
    """The order of this id or number, if the caller may know of it; raises NotFound."""
    async with door.sessions() as session:
        order = await views.find(session, door.tenant, name)
    if order is None or who.channel not in ("", names_of(order)[1]):
        raise NotFound("there is no such order")
    return order


def names_of(order: Order | NoOrder) -> tuple[str, str]:
    """An order's id, and its channel."""
    if isinstance(order, NoOrder):
        return order.order_id, order.channel
    return order.head.order_id, order.placed.channel


def _opened(door: Door, order: Order) -> Personal:
    """What was sealed, in clear; nothing of what was erased."""

    def opened(sealed: str) -> str:
        try:
            return door.ring.open(sealed).decode() if sealed else ""
        except SealError:
            return ""

    def fields(sealed: str) -> dict[str, Any] | None:
        plain = opened(sealed)
        return json.loads(plain) if plain else None

    placed = order.placed
    return Personal(
        contact=fields(placed.contact),
        ship_to=fields(order.body.ship_to or placed.ship_to),
        bill_to=fields(placed.bill_to),
        note=opened(placed.note),
    )


def _cursor(after: str) -> tuple[Any, str] | None:
    at, _, order_id = after.partition("|")
    try:
        return (_MOMENT.validate_python(at), order_id) if after else None
    except ValidationError:
        raise Problem(422, "invalid", "`after` is what the page before gave as `next`") from None
