"""Inputs that a database refuses to save, so that they are parked; and people who redrive them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from patience import PatientDoors, until
from rig import Rig

from oms_cli.doors import Refused
from oms_cli.reconcile.stores import service

_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF abs(hashtext(OLD.{key})) % 100 < {percent} THEN RAISE 'refused, as a test wants it'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON "{table}" FOR EACH ROW EXECUTE FUNCTION refuse();
"""
_TAKE = 'DROP TRIGGER refuse ON "{table}"; DROP FUNCTION refuse();'


@asynccontextmanager
async def refusing(rig: Rig, name: str, percent: int) -> AsyncIterator[None]:
    """While this lasts, a service can change some of its aggregates, and never others."""
    root = service(name).store.roots[-1]
    place = {"table": root.table.__tablename__, "key": root.key, "percent": percent}
    db = await asyncpg.connect(rig.platform.state.dsn(name))
    try:
        await db.execute(_REFUSE.format(**place))
        try:
            yield
        finally:
            await db.execute(_TAKE.format(**place))
    finally:
        await db.close()


async def parked(doors: PatientDoors, name: str) -> list[dict[str, Any]]:
    """The first parked input of each aggregate: whoever redrives it, redrives all behind it."""
    heads: dict[Any, dict[str, Any]] = {}
    for line in await doors.get(name, "/parked"):
        heads.setdefault((line["kind"], line["key"]), line)
    return list(heads.values())


async def are_parked(doors: PatientDoors, name: str, count: int) -> list[dict[str, Any]]:
    """Return once so many aggregates of a service are parked: the first input of each."""

    async def enough() -> list[dict[str, Any]]:
        found = await parked(doors, name)
        return found if len(found) >= count else []

    return await until(enough)


async def redrive(doors: PatientDoors, name: str, line: dict[str, Any]) -> None:
    """A person asks for one more try; somebody else may have done so before."""
    try:
        await doors.post(name, f"/parked/{line['position']}/retry", {})
    except Refused as no:
        if no.status != 404:
            raise


async def comes_through(doors: PatientDoors, name: str, line: dict[str, Any]) -> None:
    """Return once an input is parked no longer."""

    async def gone() -> bool:
        lines = await doors.get(name, "/parked")
        return line["position"] not in {other["position"] for other in lines}

    await until(gone)


async def redrive_all(doors: PatientDoors, name: str) -> None:
    """Return once nothing of a service is parked any more."""

    async def none_left() -> bool:
        lines = await parked(doors, name)
        for line in lines:
            await redrive(doors, name, line)
        return not lines

    await until(none_left)
