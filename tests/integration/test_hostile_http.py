"""Requests made to exhaust or to trip a service: refused quickly, while others are served."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psutil
import pytest
from merchant import Merchant
from ordering import line, placed, unique

from oms_chassis.connections import REQUEST_SECONDS
from oms_platform import SERVICES

QUICKLY_SECONDS = 5.0
RSS_GROWTH_MAX_BYTES = 64 * 2**20
SLOW_CALLERS = 200
MEBIBYTE = 2**20
JSON = {"Content-Type": "application/json"}
POSTS = {
    "order": "/orders", "inventory": "/stock", "warehouse": "/receipts",
    "billing": "/receivables/INV-1/payments", "shipping": "/tracking",
    "notify": "/messages/none/resend",
}  # fmt: skip
"""A route of each service that takes a body, or would if it were one."""
NAMES = {
    "NUL": "%00", "bad UTF-8": "%ff%fe", "surrogate": "%ed%a0%80", "long": "a" * 10_000,
    "up": "..%2f..%2f..%2fetc%2fpasswd", "SQL": "%27%20OR%201%3D1--", "line": "a%0d%0aX:%20y",
    "bidi": "%e2%80%ae", "template": "%7B%7B7*7%7D%7D%24%7Bx%7D", "number": "9" * 5_000,
}  # fmt: skip
"""What somebody may write where a path or a query names something."""


def _key(service: str) -> str:
    return "web" if service == "order" else "operator"


async def _post(merchant: Merchant, service: str, **sent: Any) -> httpx.Response:
    """Refused by status, or cut off; either way soon."""
    async with asyncio.timeout(QUICKLY_SECONDS):
        return await merchant.client(service, _key(service)).post(POSTS[service], **sent)


def _bombs() -> dict[str, tuple[bytes, dict[str, str]]]:
    packed = gzip.compress(b" " * 50 * MEBIBYTE)
    many = b'{"lines":[' + b",".join([b"{}"] * 100_000) + b"]}"
    return {
        "an inflating body": (packed, {**JSON, "Content-Encoding": "gzip"}),
        "a large body": (b" " * 5 * MEBIBYTE, JSON),
        "10^5 lines": (many, JSON),
        "10^5 whole lines": (many.replace(b"{}", b'{"line_id":"1","sku":"A","qty":1}'), JSON),
        "nested": (b"[" * MEBIBYTE, JSON),
        "nested objects": (b'{"a":' * 150_000, JSON),
        "a large number": (b'{"qty":' + b"9" * 500_000 + b"}", JSON),
        "a large exponent": (b'{"qty":1e400,"amount_minor":-1e999999}', JSON),
        "no number": (b'{"qty":NaN,"amount_minor":Infinity}', JSON),
        "NUL": (b'{"external_id":"\\u0000","sku":"\\u0000"}', JSON),
        "half a character": (b'{"external_id":"\\ud800","sku":"\\udc00"}', JSON),
        "bad UTF-8": (b'{"external_id":"\xff\xfe"}', JSON),
        "UTF-16": ('{"external_id":"1"}'.encode("utf-16"), JSON),
        "no JSON": (b"external_id=1", {"Content-Type": "application/x-www-form-urlencoded"}),
        "nothing": (b"", {}),
    }  # fmt: skip


BOMBS = _bombs()


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_body_made_to_exhaust_is_refused_quickly(
    merchant: Merchant, service: str, bomb: str
) -> None:
    body, headers = BOMBS[bomb]
    answer = await _post(merchant, service, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    if len(body) > MEBIBYTE and service != "inventory":  # which takes no bodies at all
        assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(merchant: Merchant) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65_536

    with pytest.raises((httpx.HTTPError, TimeoutError)):
        answer = await _post(merchant, "order", content=endless(), headers=JSON)
        assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        raise TimeoutError


async def test_memory_stays_bounded_under_all_of_it_at_once(merchant: Merchant) -> None:
    pid = merchant.stack.services["order"].pid
    before = psutil.Process(pid).memory_info().rss
    for _ in range(3):
        await asyncio.gather(
            *(_post(merchant, "order", content=body, headers=h) for body, h in BOMBS.values())
        )
    assert psutil.Process(pid).memory_info().rss - before < RSS_GROWTH_MAX_BYTES


@pytest.mark.parametrize("service", SERVICES)
async def test_heads_that_are_too_large_are_refused_at_once(
    merchant: Merchant, service: str
) -> None:
    heads = (
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    )
    for head in heads:
        async with asyncio.timeout(2 * QUICKLY_SECONDS):  # a connection is kept for a while
            answer = await _raw(merchant, service, head)
        assert answer[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 431")


async def _raw(merchant: Merchant, service: str, sent: bytes) -> bytes:
    """What comes back until the service hangs up; nothing if it did so amid our words."""
    url = httpx.URL(merchant.system.urls[service])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        async with asyncio.timeout(REQUEST_SECONDS + QUICKLY_SECONDS):
            writer.write(sent)
            await writer.drain()
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_slow_callers_are_told_so_while_others_are_served(merchant: Merchant) -> None:
    part = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    slow = [
        asyncio.create_task(_raw(merchant, "order", part[: 10 + n % 40]))
        for n in range(SLOW_CALLERS)
    ]
    began = time.monotonic()
    while not all(task.done() for task in slow):
        async with asyncio.timeout(QUICKLY_SECONDS):
            answer = await merchant.post_order(placed(line(unique("SLOW"))))
        assert answer.status_code == httpx.codes.CREATED
        await asyncio.sleep(1)
    assert time.monotonic() - began < REQUEST_SECONDS + QUICKLY_SECONDS
    assert {task.result()[:12] for task in slow} <= {b"HTTP/1.1 408"}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", NAMES)
async def test_no_name_in_a_path_or_query_trips_a_service(
    merchant: Merchant, service: str, name: str
) -> None:
    client = merchant.client(service)
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, verbs in paths.items():
        if "get" in verbs:
            queries = [p["name"] for p in verbs["get"].get("parameters", ()) if p["in"] == "query"]
            await _is_survived(client.get, _filled(path, NAMES[name], queries))
        if "post" in verbs and "{" in path:
            await _is_survived(client.post, _filled(path, NAMES[name], ()))


def _filled(path: str, name: str, queries: Any) -> str:
    query = "&".join(f"{q}={name[:2_000]}" for q in queries)
    return re.sub(r"\{\w+\}", name, path) + (f"?{query}" if query else "")


async def _is_survived(ask: Callable[[str], Awaitable[httpx.Response]], path: str) -> None:
    answer = await ask(path)
    assert answer.status_code < 500, f"{path[:200]}: {answer.status_code} {answer.text[:500]}"
