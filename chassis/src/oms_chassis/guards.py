"""What every request passes on its way in, and every answer on its way out."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms_chassis.problems import Problem, answer

HEAD_MAX_BYTES = 16_384
BODY_MAX_BYTES = 1_048_576
"""Four times an order of 500 lines."""
OPEN_PATHS = frozenset({"/live", "/ready", "/metrics", "/openapi.json", "/docs"})
"""The only routes without a scope."""
_INERT = (
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    (b"x-content-type-options", b"nosniff"),
)


class HeadLimit:
    """Refuses heads that are too large (the server's own limit is for those that come in pieces),
    and NUL in a name: nothing has one, and PostgreSQL takes none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, query = scope["path"], scope["query_string"]
        size = len(path) + len(query) + sum(len(n) + len(v) for n, v in scope["headers"])
        if size > HEAD_MAX_BYTES:
            text = f"send at most {HEAD_MAX_BYTES} bytes before the body"
            refused = answer(431, "head_too_large", text)
        elif "\0" in path or b"%00" in query:
            refused = answer(400, "bad_request", "a path or query holds a NUL")
        else:
            return await self._app(scope, receive, send)
        await refused(scope, receive, send)


class BodyLimit:
    """Stops reading at the limit, whether or not the length was declared."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared_bytes = int(dict(scope.get("headers", ())).get(b"content-length", 0))
        read_bytes = 0

        async def limited() -> Message:
            nonlocal read_bytes
            message: Message = {} if declared_bytes > BODY_MAX_BYTES else await receive()
            read_bytes += len(message.get("body", b""))
            if max(declared_bytes, read_bytes) > BODY_MAX_BYTES:
                raise Problem(413, "body_too_large", f"send at most {BODY_MAX_BYTES} bytes")
            return message

        # Whoever hangs up amid a request is no fault of ours, and gets no answer.
        with suppress(ClientDisconnect):
            await self._app(scope, limited, send)


class InertPages:
    """What is served is never taken for a program: pages run nothing, files are what they say."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def inert(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"] not in OPEN_PATHS:
                message["headers"] = [*message["headers"], *_INERT]
            await send(message)

        await self._app(scope, receive, inert)
