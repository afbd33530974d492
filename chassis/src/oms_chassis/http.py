"""The HTTP door of a service: who may come in, how errors read, and what every door has.

A route names its scope, `dependencies=[scope("warehouse:pick")]`, or the service does not start.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from oms_chassis.connections import Connection
from oms_chassis.decision import Ref
from oms_chassis.guards import OPEN_PATHS, BodyLimit, HeadLimit, InertPages
from oms_chassis.keys import Actor, ApiKeys, RequiredScope, actor, scope
from oms_chassis.problems import (
    DOCUMENTED,
    HANDLERS,
    CommandRefused,
    KeyParked,
    NotFound,
    Problem,
    Unavailable,
)
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings

__all__ = [
    "Actor", "Check", "CommandRefused", "Door", "KeyParked", "NotFound", "Problem", "Submit",
    "Unavailable", "UnscopedRoute", "actor", "application", "scope", "serve",
]  # fmt: skip

READ_POOL_SIZE = 2
"""Database connections for reads; they never queue behind the cycle's."""
KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies keep an idle connection (a minute at most, as a rule), or they
would now and then send a request into one that is just being closed."""
STOP_SECONDS = 10
"""How long requests under way may take once the service stops."""

Check = Callable[[], str]
"""What keeps the service from working, in a few words; empty if nothing does."""
Submit = Callable[[Ref, Any, str, UUID | None], Awaitable[Mapping[str, Any]]]
"""Runs a command, given its root, body, actor and id, and returns the decision's answer."""


class UnscopedRoute(Exception):
    """A route that would let anybody in."""


class Door:
    """What a service's routes get to see of the service."""

    def __init__(self, settings: Settings, ring: KeyRing, submit: Submit) -> None:
        self.settings, self.ring, self.tenant = settings, ring, settings.tenant
        self._submit = submit
        self._engine: AsyncEngine | None = None

    async def command(
        self, kind: str, key: str, body: Any, actor: str, id: UUID | None = None
    ) -> Mapping[str, Any]:
        """Have the core decide about a command and return its answer. The same `id` again gets
        the same answer. Raises CommandRefused, KeyParked or Unavailable."""
        return await self._submit((kind, key), body, actor, id)

    def sessions(self) -> AsyncSession:
        """A session for reading, to be used as a context manager: it can write nothing."""
        if self._engine is None:
            self._engine = create_async_engine(
                "postgresql+asyncpg://", async_creator=self._connect, pool_size=READ_POOL_SIZE
            )
        return AsyncSession(self._engine, expire_on_commit=False)

    async def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            await self._engine.dispose()

    async def _connect(self) -> asyncpg.Connection:
        limits = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(self.settings.statement_timeout_ms),
            "application_name": f"{self.settings.service} reads",
        }
        return await asyncpg.connect(self.settings.database_dsn, server_settings=limits)


def application(
    name: str,
    door: Door,
    router: APIRouter,
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
) -> FastAPI:
    """The service's HTTP application. Raises UnscopedRoute, naming the routes."""
    app = FastAPI(
        title=name,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        responses={"4XX": DOCUMENTED},
        # FastAPI's own would record inputs, and with them what is personal.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(HeadLimit)
    app.add_middleware(InertPages)
    app.state.keys = ApiKeys.load(door.settings.api_keys_file)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.include_router(_probes(checks, registry))
    app.include_router(router)
    unscoped = [
        f"{'/'.join(sorted(route.methods or ()))} {route.path}"
        for route in iter_route_contexts(app.routes)
        if route.path not in OPEN_PATHS and not _scoped(getattr(route, "dependant", None))
    ]
    if unscoped:
        raise UnscopedRoute(f"no scope named by {', '.join(unscoped)}")
    return app


def _scoped(dependant: Dependant | None) -> bool:
    if dependant is None:
        return False
    return isinstance(dependant.call, RequiredScope) or any(map(_scoped, dependant.dependencies))


def _probes(checks: Mapping[str, Check], registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/live")
    async def live() -> dict[str, bool]:
        return {"ok": True}

    @router.get("/ready")
    async def ready() -> JSONResponse:
        reasons = {name: check() for name, check in checks.items()}
        told = [{"name": n, "ok": not reason, "reason": reason} for n, reason in reasons.items()]
        return JSONResponse({"checks": told}, 503 if any(reasons.values()) else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


class _Server(uvicorn.Server):
    """Leaves signals to the process, and tells when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def serve(
    app: FastAPI, host: str, port: int, connection: type[Connection] = Connection
) -> AsyncIterator[int]:
    """Answer requests while the block runs; gives the port. Raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as bound:
        config = uvicorn.Config(
            app,
            http=connection,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = _Server(config)
        running = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            await server.up.wait()
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            await running
