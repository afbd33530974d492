"""The services' HTTP doors, opened with the key of a role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import httpx

from oms_cli.stack import System

TIMEOUT_SECONDS = 30.0
PAGE_ROWS = 200
"""Orders asked for at once."""


class Refused(Exception):
    """A service turned a request down; `code` is its own, `text` for people."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code, self.text = status, code, text


class Doors:
    """Requests to a running system; an async context manager."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}

    async def __aenter__(self) -> Doors:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for client in self._clients.values():
            await client.aclose()

    async def get(self, service: str, path: str, role: str = "operator", **query: Any) -> Any:
        """What a service shows; raises Refused, or httpx.HTTPError if it cannot be reached."""
        return _answer(await self._client(service, role).get(path, params=query))

    async def post(
        self, service: str, path: str, body: Any, role: str = "operator", key: str = ""
    ) -> Any:
        """Tell a service something; `key` is an idempotency key. Raises like `get`."""
        headers = {"Idempotency-Key": key} if key else {}
        client = self._client(service, role)
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
            return _answer(await client.post(path, content=body, headers=headers))
        return _answer(await client.post(path, json=body, headers=headers))

    async def orders(self, **which: str) -> AsyncIterator[dict[str, Any]]:
        """Orders as the order service lists them, the newest first."""
        after = ""
        while True:
            page = await self.get("order", "/orders", limit=PAGE_ROWS, after=after, **which)
            for order in page["orders"]:
                yield order
            after = page["next"]
            if not after:
                return

    def _client(self, service: str, role: str) -> httpx.AsyncClient:
        if (service, role) not in self._clients:
            self._clients[service, role] = httpx.AsyncClient(
                base_url=self.system.urls[service], headers=self.system.headers(role),
                timeout=TIMEOUT_SECONDS,
            )  # fmt: skip
        return self._clients[service, role]


def _answer(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    try:
        told = response.json()
        faults = "; ".join(f"{e['field']}: {e['text']}" for e in told.get("errors", ()))
        raise Refused(response.status_code, told["code"], faults or told["detail"])
    except (ValueError, KeyError):
        raise Refused(response.status_code, "unexpected", response.text[:200]) from None
