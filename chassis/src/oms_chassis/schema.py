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
    (
        4,
        """
        ALTER TABLE outbox RENAME TO outbox_by_fact;
        ALTER INDEX outbox_pkey RENAME TO outbox_by_fact_pkey;
        CREATE TABLE outbox (
            id bigint PRIMARY KEY DEFAULT nextval('outbox_id'),
            partition smallint NOT NULL,
            facts integer NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            writer text NOT NULL,
            body bytea NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0);
        ALTER TABLE outbox ALTER body SET STORAGE EXTERNAL;  -- it is deflated already

        CREATE TABLE open_call (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            call_id uuid NOT NULL,
            gateway text NOT NULL,
            partition smallint NOT NULL,
            kind text NOT NULL,
            key text NOT NULL,
            method text NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            cause uuid NOT NULL,
            traceparent text NOT NULL,
            writer text NOT NULL,
            body bytea NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                autovacuum_vacuum_cost_delay = 0);

        INSERT INTO outbox (id, partition, facts, at, writer, body)
        SELECT id, partition, 1, at, writer, convert_to(json_build_array(json_build_array(
            fact_id, destination, key, type, at, sequence, cause, traceparent,
            convert_from(body, 'UTF8')::json))::text, 'UTF8')
        FROM outbox_by_fact WHERE destination NOT LIKE 'gateway:%' ORDER BY id;
        INSERT INTO open_call (call_id, gateway, partition, kind, key, method, at, cause,
                               traceparent, writer, body)
        SELECT fact_id, substr(destination, length('gateway:') + 1), partition, kind, key, type, at,
            cause, traceparent, writer, body
        FROM outbox_by_fact WHERE destination LIKE 'gateway:%' ORDER BY id;
        ALTER SEQUENCE outbox_id OWNED BY outbox.id;
        DROP TABLE outbox_by_fact;
        """,
    ),
)

TABLES = ("inbox", "outbox", "open_call", "due", "parked", "dead_letter", "policy", "aged_out")
"""Tables of the machinery; partitions of the inbox are named `inbox_…`."""


def is_machinery(table: str) -> bool:
    """Whether a table is the chassis' own rather than the service's."""
    return table in TABLES or table.startswith("inbox_")
