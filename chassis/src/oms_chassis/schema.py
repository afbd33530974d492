"""The tables of the machinery: what every service's database holds besides its own.

Plain SQL for PostgreSQL 15 and up, by version; `migrate` runs what is missing. Identifiers of
inputs are shaped like UUIDv7, so the inbox is partitioned by the time inside the id.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

INBOX_WEEKS_AHEAD = 4
"""Inbox partitions that exist before they are needed; a service may sleep that long."""
INBOX_WEEKS_KEPT = 8
"""Longer than any way an id can come back: topic retention, a parked input, a replay."""

MACHINERY: tuple[tuple[int, str], ...] = (
    (
        1,
        """
        CREATE TABLE inbox (
            id uuid PRIMARY KEY,
            key text, at timestamptz, happened_at timestamptz,
            type text, actor text, topic text, body bytea
        ) PARTITION BY RANGE (id);
        CREATE TABLE inbox_rest PARTITION OF inbox DEFAULT;
        CREATE INDEX inbox_by_key ON inbox (key, at) WHERE key IS NOT NULL;

        CREATE SEQUENCE outbox_id CACHE 1;
        CREATE TABLE outbox (
            id bigint PRIMARY KEY DEFAULT nextval('outbox_id'),
            fact_id uuid NOT NULL,
            destination text NOT NULL,
            partition smallint NOT NULL,
            kind text NOT NULL,
            key text NOT NULL,
            type text NOT NULL,
            at timestamptz NOT NULL,
            sequence bigint NOT NULL,
            cause uuid NOT NULL,
            traceparent text NOT NULL,
            body bytea NOT NULL,
            writer text NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0);

        CREATE TABLE due (
            kind text, key text, partition smallint NOT NULL, at timestamptz NOT NULL,
            PRIMARY KEY (kind, key)
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0);
        CREATE INDEX due_by_time ON due (partition, at);

        CREATE TABLE parked (
            position bigserial PRIMARY KEY,
            kind text NOT NULL, key text NOT NULL,
            source text NOT NULL CHECK (source IN ('record', 'outcome', 'wake')),
            id uuid NOT NULL, input_key text NOT NULL, partition smallint NOT NULL,
            topic text NOT NULL, type text NOT NULL, happened_at timestamptz NOT NULL,
            traceparent text NOT NULL, body bytea NOT NULL, reason text NOT NULL,
            parked_at timestamptz NOT NULL DEFAULT now(),
            request text CHECK (request IN ('retry', 'edit', 'skip')),
            requested_by text, requested_at timestamptz
        );
        CREATE UNIQUE INDEX parked_once ON parked (id, kind, key);
        CREATE INDEX parked_by_key ON parked (kind, key, position);

        CREATE TABLE dead_letter (
            topic text, partition integer, "offset" bigint,
            at timestamptz NOT NULL DEFAULT now(), key text, type text, reason text NOT NULL,
            sealed text NOT NULL,
            PRIMARY KEY (topic, partition, "offset")
        );
        """,
    ),
    (
        2,
        """
        -- 0 is what replicas that do not know the column yet write: decided, nobody knows in
        -- which turn.
        ALTER TABLE inbox ADD COLUMN place integer DEFAULT 0, ADD COLUMN decided_at timestamptz,
            ADD COLUMN policy smallint;
        CREATE TABLE policy (
            number smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            digest text UNIQUE NOT NULL,
            version text NOT NULL,
            rules bytea NOT NULL,
            since timestamptz NOT NULL DEFAULT now()
        );
        """,
    ),
)

TABLES = ("inbox", "outbox", "due", "parked", "dead_letter", "policy")
"""Tables of the machinery; partitions of the inbox are named `inbox_<year>w<week>`."""


def is_machinery(table: str) -> bool:
    """Whether a table is the chassis' own rather than the service's."""
    return table in TABLES or table.startswith("inbox_")


async def keep_inbox_partitions(db: asyncpg.Connection, now: datetime, *, drop: bool) -> list[str]:
    """Create the coming weeks' inbox partitions and, with `drop`, remove those past keeping.

    A service whose inbox is its history passes `drop=False`. Returns what was done.
    """
    done: list[str] = []
    monday = (now - timedelta(days=now.weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    existing = {
        r["relname"]
        for r in await db.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'inbox'::regclass"
        )
    }
    for week in range(-1, INBOX_WEEKS_AHEAD + 1):
        start = monday + timedelta(weeks=week)
        if _name(start) not in existing:
            await _create(db, start)
            done.append(f"created {_name(start)}")
    oldest = _name(monday - timedelta(weeks=INBOX_WEEKS_KEPT))
    for name in sorted(existing - {"inbox_rest"}) if drop else ():
        if name < oldest:
            await db.execute(f"DROP TABLE {name}")
            done.append(f"dropped {name}")
    return done


async def _create(db: asyncpg.Connection, start: datetime) -> None:
    """Rows that came too early for a partition of their own move into it."""
    low, high = _first_id(start), _first_id(start + timedelta(weeks=1))
    name = _name(start)
    async with db.transaction():
        await db.execute(
            f"CREATE TABLE {name} (LIKE inbox INCLUDING ALL);"
            f"WITH early AS (DELETE FROM inbox_rest "
            f"WHERE id >= '{low}' AND id < '{high}' RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM early;"
            f"ALTER TABLE inbox ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')"
        )


def _name(start: datetime) -> str:
    year, week, _ = start.isocalendar()
    return f"inbox_{year}w{week:02}"


def _first_id(start: datetime) -> UUID:
    return UUID(int=int(start.astimezone(UTC).timestamp() * 1000) << 80)
