"""The tables of the machinery: what every service's database holds besides its own.

Plain SQL for PostgreSQL 15 and up, by version; `migrate` runs what is missing. Identifiers of
inputs are shaped like UUIDv7, so the inbox is partitioned by the time inside the id (`ageing`).
"""

from __future__ import annotations

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
    (
        3,
        """
        CREATE SCHEMA IF NOT EXISTS aged;
        CREATE TABLE aged_out (
            partition text PRIMARY KEY, of text NOT NULL,
            begins timestamptz, ends timestamptz NOT NULL, at timestamptz NOT NULL DEFAULT now()
        );
        """,
    ),
)

TABLES = ("inbox", "outbox", "due", "parked", "dead_letter", "policy", "aged_out")
"""Tables of the machinery; partitions of the inbox are named `inbox_…`."""


def is_machinery(table: str) -> bool:
    """Whether a table is the chassis' own rather than the service's."""
    return table in TABLES or table.startswith("inbox_")
