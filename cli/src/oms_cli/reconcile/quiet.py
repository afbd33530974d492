"""Waiting until nothing is on its way: what is then found at rest can be compared in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from oms_cli.reconcile.log import positions
from oms_platform import SERVICES
from oms_platform.topics import TopicSpec

LOOK_SECONDS = 0.5
REST_SECONDS = 3.0
"""So long is watched whether a system at rest does anything. The database counts up to a second
late."""

_BUSY = """
SELECT (SELECT coalesce(sum(facts), 0) FROM outbox) AS outgoing,
       (SELECT count(*) FROM open_call) AS calling,
       (SELECT count(*) FROM due WHERE at <= now() AND NOT EXISTS
         (SELECT FROM parked p WHERE p.kind = due.kind AND p.key = due.key)) AS due
"""


_WRITTEN = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables
"""


@dataclass(frozen=True)
class Rest:
    """What went on although nothing should: what kept moving, and what grew meanwhile."""

    moved: Sequence[str] = ()
    grew: Sequence[str] = ()


async def watch(
    dsns: Mapping[str, str], bootstrap: str, topics: Iterable[TopicSpec], moved: Sequence[str]
) -> Rest:
    """Look whether a system at rest writes anything; one that is still moving may."""
    if moved:
        return Rest(moved)
    topics = list(topics)
    before = await _sizes(dsns, bootstrap, topics)
    await asyncio.sleep(REST_SECONDS)
    after = await _sizes(dsns, bootstrap, topics)
    grew = [f"{n}: {after[n] - before[n]} more" for n in after if after[n] != before[n]]
    return Rest((), grew)


async def _sizes(
    dsns: Mapping[str, str], bootstrap: str, topics: list[TopicSpec]
) -> dict[str, int]:
    """Rows ever written, by database, and records, by topic."""
    sizes: dict[str, int] = {}
    for name in SERVICES:
        db = await asyncpg.connect(dsns[name])
        try:
            sizes[f"rows written by {name}"] = await db.fetchval(_WRITTEN)
        finally:
            await db.close()
    ends, _ = await positions(bootstrap, topics)
    for (topic, _), end in ends.items():
        sizes[topic] = sizes.get(topic, 0) + end
    return sizes


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
            reasons.append(f"{name}: {row['outgoing']} facts in the outbox")
        if row["calling"]:
            reasons.append(f"{name}: {row['calling']} open calls")
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
