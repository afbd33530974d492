"""Waiting until nothing is on its way: what is then found at rest can be compared in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping

import asyncpg

from oms_cli.reconcile.log import positions
from oms_platform import SERVICES
from oms_platform.topics import TopicSpec

LOOK_SECONDS = 0.5

_BUSY = """
SELECT (SELECT count(*) FROM outbox) AS outgoing,
       (SELECT count(*) FROM due WHERE at <= now() AND NOT EXISTS
         (SELECT FROM parked p WHERE p.kind = due.kind AND p.key = due.key)) AS due
"""


async def until_quiet(
    dsns: Mapping[str, str], bootstrap: str, topics: Iterable[TopicSpec], deadline_seconds: float
) -> list[str]:
    """Return once nothing is in any outbox, due or unread; what still is, when time is up."""
    topics = list(topics)
    give_up = time.monotonic() + deadline_seconds
    connections = {name: await asyncpg.connect(dsns[name]) for name in SERVICES}
    try:
        while True:
            busy = await _busy(connections) + await _unread(bootstrap, topics)
            if not busy or time.monotonic() > give_up:
                return busy
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        for db in connections.values():
            await db.close()


async def _busy(connections: Mapping[str, asyncpg.Connection]) -> list[str]:
    reasons = []
    for name, db in connections.items():
        row = await db.fetchrow(_BUSY)
        if row["outgoing"]:
            reasons.append(f"{name}: {row['outgoing']} rows in the outbox")
        if row["due"]:
            reasons.append(f"{name}: {row['due']} deadlines due")
    return reasons


async def _unread(bootstrap: str, topics: list[TopicSpec]) -> list[str]:
    ends, heard = await positions(bootstrap, topics)
    readers = {topic.name: [r for r in topic.readers if r in SERVICES] for topic in topics}
    unread: dict[str, int] = {}
    for (topic, partition), end in ends.items():
        for reader in readers[topic]:
            lag = end - heard[reader].get((topic, partition), 0)
            unread[reader] = unread.get(reader, 0) + max(lag, 0)
    return [f"{reader}: {records} records unread" for reader, records in unread.items() if records]
