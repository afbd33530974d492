"""Errors as problem details (RFC 9457): a stable code and a sentence, never what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from starlette.exceptions import HTTPException

from oms_chassis import outages

ERRORS_MAX = 1_000
FIELD_MAX_CHARS = 200
OPAQUE = "this value is not acceptable"
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    431: {"Connection": "close"},
    503: {"Retry-After": "1"},
}


class Problem(HTTPException):
    """A request that cannot be met: a stable code, and a sentence that says what to do."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(status, text)
        self.code = code


class NotFound(Problem):
    """There is no such thing, or none that the caller may know of."""

    def __init__(self, text: str) -> None:
        super().__init__(404, "not_found", text)


class CommandRefused(Problem):
    """The core turned the command down."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(409, code, text)


class KeyParked(Problem):
    """The aggregate waits for a person; nothing can be done to it before."""

    def __init__(self, reason: str) -> None:
        super().__init__(409, "parked", reason)


class Unavailable(Problem):
    """Something the service needs is away; the same request may be sent again."""

    def __init__(self, text: str) -> None:
        super().__init__(503, "unavailable", text)


def answer(status: int, code: str, text: str, **more: Any) -> JSONResponse:
    """A problem as a response."""
    title = HTTPStatus(status).phrase
    told = {"type": f"urn:oms:problem:{code}", "title": title, "status": status, "code": code}
    content = told | {"detail": text} | more
    return JSONResponse(content, status, _HEADERS.get(status), "application/problem+json")


def _problem(_: Request, problem: Any) -> Response:
    return answer(problem.status_code, problem.code, problem.detail)


def _framework(_: Request, error: Any) -> Response:
    status = HTTPStatus(error.status_code)
    told = answer(status, status.name.lower(), status.description or status.phrase)
    told.headers.update(error.headers or {})
    return told


def _invalid(_: Request, invalid: Any) -> Response:
    errors = [
        {"field": _field(error), "code": error["type"], "text": _text(error)}
        for error in invalid.errors()[:ERRORS_MAX]
    ]
    return answer(422, "invalid", "see errors for every fault found", errors=errors)


def _internal(_: Request, error: Exception) -> Response:
    return answer(500, "internal", "a fault of ours; it has been logged")


def _database(request: Request, error: DBAPIError) -> Response:
    """A read that broke because the database is away is no fault of ours."""
    cause = getattr(error.orig, "__cause__", None)
    lost = isinstance(error, InterfaceError | InternalError | OperationalError)
    if lost or error.connection_invalidated or isinstance(cause, outages.AWAY):
        return _problem(request, Unavailable(outages.TEXT))
    raise error


def _disconnected(request: Request, _: Exception) -> Response:
    return _problem(request, Unavailable(outages.TEXT))


def _field(error: Mapping[str, Any]) -> str:
    place = () if error["type"] == "json_invalid" else error["loc"]
    return ".".join(map(str, place[1:] if place[:1] == ("body",) else place))[:FIELD_MAX_CHARS]


def _text(error: Mapping[str, Any]) -> str:
    """pydantic's sentence, unless it quotes what was sent."""
    sent, text = error.get("input"), str(error["msg"])
    quoted = isinstance(sent, str) and len(sent) > 2 and sent in text
    return OPAQUE if quoted or error["type"] == "union_tag_invalid" else text


HANDLERS: dict[type[Exception], Callable[[Request, Any], Response]] = {
    Problem: _problem,
    HTTPException: _framework,
    RequestValidationError: _invalid,
    DBAPIError: _database,
    ConnectionError: _disconnected,
    asyncpg.PostgresConnectionError: _disconnected,
    Exception: _internal,
}

_FAULT = {"type": "object", "required": ["field", "code", "text"]}
_MEMBERS = {"errors": {"type": "array", "items": _FAULT}}
_SCHEMA = {"type": "object", "required": ["code", "detail"], "properties": _MEMBERS}
DOCUMENTED: dict[str, Any] = {
    "description": "Problem details (RFC 9457); with `errors` where the request is malformed",
    "content": {"application/problem+json": {"schema": _SCHEMA}},
}
"""How OpenAPI describes them."""
