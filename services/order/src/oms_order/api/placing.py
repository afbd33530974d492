"""Placing an order over HTTP: the same body as on a channel's topic, and an answer at once."""

# Annotations here are read by FastAPI, hence not postponed.
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

from asyncpg import UniqueViolationError
from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.exceptions import RequestValidationError

from oms_chassis.http import Actor, Door, Problem, actor, scope
from oms_contracts import wire
from oms_contracts.channel import OrderPlaced
from oms_contracts.event import Reason
from oms_order import views
from oms_order.api.bodies import IdempotencyKey
from oms_order.domain import Submission, order_key
from oms_order.inputs import KIND, seal

# With an id of its own the schema's references stay within it, wherever it is embedded.
_SCHEMA = {"$id": f"urn:oms:{OrderPlaced.TYPE}"} | OrderPlaced.model_json_schema()
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}
_STATUS = {"accepted": status.HTTP_201_CREATED, "amendment": status.HTTP_202_ACCEPTED}


def add(router: APIRouter, door: Door) -> None:
    """The one route that takes orders."""

    @router.post("/orders", dependencies=[scope("orders:write")], openapi_extra=_BODY)
    async def place(
        request: Request,
        response: Response,
        who: Annotated[Actor, Depends(actor)],
        idempotency_key: IdempotencyKey = "",
    ) -> Mapping[str, Any]:
        """Take an order. The same again is answered again (200); other content under a known
        number is for a person to look at (202)."""
        submission = _submission(door, await request.body(), who, idempotency_key)
        order_id = order_key(door.tenant, submission.channel, submission.external_id)
        await _refuse_reused(door, submission, order_id)
        try:
            answer = await door.command(KIND, order_id, submission, who.name)
        except UniqueViolationError:
            # The key was used for another order in this very moment.
            await _refuse_reused(door, submission, order_id)
            raise
        response.status_code = _STATUS.get(answer["outcome"], status.HTTP_200_OK)
        return answer


def _submission(door: Door, body: bytes, who: Actor, idempotency_key: str) -> Submission:
    """Everything wrong with the body is told at once. The key says which channel it is."""
    if not who.channel:
        raise Problem(403, "no_channel", "orders are placed with the API key of a channel")
    try:
        placed = wire.decode(OrderPlaced, body)
    except wire.InvalidBody as invalid:
        raise _unprocessable(invalid.reasons) from None
    unique = sha256(body).digest()
    submission = seal(door.ring, unique, who.channel, placed, idempotency_key)
    if faults := submission.faults():
        raise _unprocessable(faults)
    return submission


def _unprocessable(reasons: tuple[Reason, ...]) -> RequestValidationError:
    return RequestValidationError(
        [{"type": r.code, "loc": ("body", r.field), "msg": r.text} for r in reasons]
    )


async def _refuse_reused(door: Door, submission: Submission, order_id: str) -> None:
    """An idempotency key stands for one order with one content."""
    if not submission.idempotency_key:
        return
    async with door.sessions() as session:
        used = await views.idempotency(
            session, door.tenant, submission.channel, submission.idempotency_key
        )
    if used is not None and (used.order_id, used.digest) != (order_id, submission.digest):
        text = "this idempotency key was used for another request: use a new one"
        raise Problem(422, "idempotency_key_reused", text)
