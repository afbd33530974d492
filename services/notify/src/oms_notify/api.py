"""Notify's HTTP door: what was sent, what failed, and sending once more."""

# Annotations here are read by FastAPI, hence not postponed.
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from oms_chassis.http import Door, NotFound, actor, scope
from oms_chassis.keys import Actor
from oms_chassis.sealing import SealError
from oms_contracts.channel import Contact
from oms_notify import views
from oms_notify.domain import Resend

PERSONAL = "notify:personal"
"""Who holds this scope besides sees whom a message went to."""


class Wish(BaseModel):
    """The message to send once more."""

    message_id: Annotated[str, Field(min_length=1, max_length=64)]


def routes(door: Door) -> APIRouter:
    """Every route of notify."""
    router = APIRouter()

    def reader(contact: str, who: Actor) -> str:
        if PERSONAL not in who.scopes:
            return ""
        try:
            opened = Contact.model_validate_json(door.ring.open(contact))
        except SealError:
            return "erased"
        return f"{opened.name} <{opened.email}>"

    @router.get("/messages/{order_id}", dependencies=[scope("notify:read")])
    async def messages(
        order_id: str, who: Annotated[Actor, Depends(actor)]
    ) -> Sequence[views.MessageView]:
        async with door.sessions() as session:
            found = await views.messages_of(session, door.tenant, order_id)
        if found is None:
            raise NotFound("nothing was ever sent about this order")
        return views.shown(found.bag, reader(found.head.contact, who))

    @router.get("/alerts/{sku:path}", dependencies=[scope("notify:read")])
    async def alerts(sku: str) -> Sequence[views.MessageView]:
        async with door.sessions() as session:
            found = await views.alerts_of(session, door.tenant, sku)
        if found is None:
            raise NotFound("nobody was ever alerted about this SKU")
        return views.shown(found.bag)

    @router.get("/failures", dependencies=[scope("notify:read")])
    async def failures() -> Sequence[views.FailureView]:
        async with door.sessions() as session:
            return await views.failures(session, door.tenant)

    @router.post("/messages/{order_id}/resend", dependencies=[scope("notify:write")])
    async def resend(order_id: str, wish: Wish, who: Annotated[Actor, Depends(actor)]) -> Any:
        return await door.command("messages", order_id, Resend(wish.message_id), who.name)

    return router
