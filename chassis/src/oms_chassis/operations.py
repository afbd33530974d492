"""What operators see of a service, and do to it: parked inputs, dead letters, backlog."""

# Annotations here are read by FastAPI, hence not postponed.
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query

from oms_chassis import parking
from oms_chassis.http import actor, scope
from oms_chassis.keys import Actor
from oms_chassis.problems import NotFound
from oms_chassis.sealing import KeyRing

LISTED_MAX = 200
"""Most parked inputs or dead letters listed at once; ask for the next by `after`."""

_LIST = """
SELECT position, kind, key, source, type, topic, happened_at, parked_at, reason, request
FROM parked WHERE position > $1 ORDER BY position LIMIT $2
"""
_ONE = "SELECT * FROM parked WHERE position = $1"
_DEAD = """
SELECT topic, partition, "offset", at, key, type, reason FROM dead_letter ORDER BY at DESC LIMIT $1
"""
_BACKLOG = """
SELECT (SELECT coalesce(sum(facts), 0) FROM outbox) AS outbox,
       (SELECT count(*) FROM open_call) AS calls,
       (SELECT min(at) FROM outbox) AS outbox_oldest,
       (SELECT count(*) FROM due) AS due, (SELECT min(at) FROM due) AS due_next,
       (SELECT count(*) FROM parked) AS parked,
       (SELECT count(DISTINCT (kind, key)) FROM parked) AS parked_keys,
       (SELECT count(*) FROM dead_letter) AS dead_letters
"""
POSITION_MAX = 2**63 - 1
Position = Annotated[int, Path(ge=1, le=POSITION_MAX)]
After = Annotated[int, Query(ge=0, le=POSITION_MAX)]


class Operations:
    """The routes that every service has. `pool` is its database, `ring` opens sealed bodies."""

    def __init__(self, pool: Any, ring: KeyRing, lag: Any) -> None:
        self._pool = pool
        self._ring = ring
        self._lag = lag

    def routes(self) -> APIRouter:
        """Reading needs `ops:read`; what changes something needs `ops:write`."""
        router = APIRouter(tags=["operations"])
        read, write = [scope("ops:read")], [scope("ops:write")]
        router.get("/status", dependencies=read)(self.status)
        router.get("/parked", dependencies=read)(self.parked)
        router.get("/parked/{position}", dependencies=[scope("ops:write")])(self.show)
        router.post("/parked/{position}/retry", dependencies=write)(self.retry)
        router.post("/parked/{position}/edit", dependencies=write)(self.edit)
        router.post("/parked/{position}/skip", dependencies=write)(self.skip)
        router.get("/dead-letters", dependencies=read)(self.dead_letters)
        return router

    async def _fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self._pool().acquire() as db:
            return [dict(row) for row in await db.fetch(statement, *values)]

    async def status(self) -> dict[str, Any]:
        """Backlog in the database and unread records in the log."""
        [backlog] = await self._fetch(_BACKLOG)
        lag: dict[str, int] = {}
        for place, records in self._lag().items():
            lag[place.topic] = lag.get(place.topic, 0) + records
        return {**backlog, "lag": lag}

    async def parked(
        self, after: Annotated[int, Query(ge=0, le=POSITION_MAX)] = 0
    ) -> list[dict[str, Any]]:
        """Parked inputs in order, without their bodies."""
        return await self._fetch(_LIST, after, LISTED_MAX)

    async def show(self, position: Position) -> dict[str, Any]:
        """One parked input with its body; may show personal data, hence the stronger scope."""
        found = await self._fetch(_ONE, position)
        if not found:
            raise NotFound("nothing is parked there")
        [row] = found
        row["body"] = self._ring.open(row["body"].decode()).decode(errors="replace")
        return row

    async def retry(
        self, position: Position, by: Annotated[Actor, Depends(actor)]
    ) -> dict[str, bool]:
        """Run a parked input, and what waits behind it, again."""
        async with self._pool().acquire() as db:
            return _found(await parking.ask_retry(db, position, by.name))

    async def edit(
        self, position: Position, by: Annotated[Actor, Depends(actor)],
        body: Annotated[dict[str, Any], Body()],
    ) -> dict[str, bool]:  # fmt: skip
        """Replace a parked fact's data, then run it again."""
        async with self._pool().acquire() as db:
            unique = f"{position}|{datetime.now(UTC)}".encode()
            sealed = self._ring.seal(msgspec.json.encode(body), unique).encode()
            return _found(await parking.ask_retry(db, position, by.name, sealed))

    async def skip(
        self, position: Position, by: Annotated[Actor, Depends(actor)]
    ) -> dict[str, bool]:
        """Set a parked input aside for good; it stays among the dead letters."""
        async with self._pool().acquire() as db:
            return _found(await parking.skip(db, position, by.name, datetime.now(UTC)))

    async def dead_letters(self) -> list[dict[str, Any]]:
        """The latest dead letters, without their bodies."""
        return await self._fetch(_DEAD, LISTED_MAX)


def _found(done: bool) -> dict[str, bool]:
    if not done:
        raise NotFound("nothing is parked there")
    return {"ok": True}
