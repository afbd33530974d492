"""Aggregates that have ended leave their tables, some at a time: `python -m oms_<name> retire`.

One leaves when nothing can refer to it any more: it has not changed for longer than anything
can come back, it awaits nothing, none of its inputs is parked and nothing of it is to be sent.
It is moved to the schema `aged`, from where it is exported and dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType

import asyncpg

from oms_chassis.ageing import AGED_SCHEMA, Period

ROWS_MAX = 1_000
"""Most aggregates that leave in one transaction; whoever wants more asks again."""
MONTHS_MIN = 6
"""Longer than the inbox remembers, than any topic keeps, and than goods may be sent back."""
GRACE_MONTHS = 3
"""The others keep what belongs to an order longer than the order itself is kept."""


@dataclass(frozen=True)
class Ended:
    """Roots of a kind in `table`, by `key`. `where` is what must hold for a row `r` besides.

    `along` are tables whose rows leave with them, each with its condition on the keys `$2`;
    a condition may look into those that come after it.
    """

    kind: str
    table: str
    key: str
    where: str
    grace_months: int = GRACE_MONTHS
    along: Mapping[str, str] = field(default_factory=dict)

    @property
    def oldest(self) -> str:
        """Selects the keys that may leave, and locks them against the service."""
        return (
            f"SELECT r.{self.key} FROM {self.table} r "
            f"WHERE r.tenant = $1 AND r.changed_at < $2 AND ({self.where}) "
            f"AND NOT EXISTS (SELECT FROM due WHERE kind = $3 AND key = r.{self.key}) "
            f"AND NOT EXISTS (SELECT FROM parked WHERE kind = $3 AND key = r.{self.key}) "
            f"AND NOT EXISTS (SELECT FROM open_call WHERE kind = $3 AND key = r.{self.key}) "
            # What an aggregate has to say was written when it last changed.
            "AND NOT EXISTS (SELECT FROM outbox WHERE at < $2) "
            f"ORDER BY r.{self.key} LIMIT $4 FOR UPDATE OF r SKIP LOCKED"
        )


def of_service(revisions: ModuleType) -> Sequence[Ended]:
    """What may leave in a service: what its `migrations` declare as `ENDED`."""
    return getattr(revisions, "ENDED", ())


async def retire(
    db: asyncpg.Connection, tenant: str, ended: Ended, now: datetime, months: int,
    rows_max: int = ROWS_MAX,
) -> int:  # fmt: skip
    """Move at most `rows_max` aggregates that have not changed for `months`; returns how many.

    Raises ValueError for fewer months than are safe.
    """
    if months < MONTHS_MIN:
        raise ValueError(f"what has ended stays {MONTHS_MIN} months at least, not {months}")
    until = Period.MONTH.shift(Period.MONTH.begin(now), -months - ended.grace_months)
    async with db.transaction():
        rows = await db.fetch(ended.oldest, tenant, until, ended.kind, rows_max)
        keys = [row[0] for row in rows]
        own = {ended.table: f"{ended.key} = ANY($2::text[])"}
        for table, of_keys in (dict(ended.along) | own).items() if keys else ():
            await db.execute(
                f"CREATE TABLE IF NOT EXISTS {AGED_SCHEMA}.{table} (LIKE public.{table})"
            )
            await db.execute(
                f"WITH gone AS (DELETE FROM {table} WHERE tenant = $1 AND {of_keys} RETURNING *) "
                f"INSERT INTO {AGED_SCHEMA}.{table} SELECT * FROM gone",
                tenant, keys,
            )  # fmt: skip
    return len(keys)


async def run(dsn: str, tenant: str, revisions: ModuleType, now: datetime, months: int) -> int:
    """One pass over all that a service declares."""
    db = await asyncpg.connect(dsn)
    try:
        return sum(
            [await retire(db, tenant, ended, now, months) for ended in of_service(revisions)]
        )
    finally:
        await db.close()
