"""A month of journals and their entries is a partition. The old tables become the first.

A journal's id follows from its natural key from now on (see `Draft.post`), so that the primary
key, which holds the partition's key, is what makes a second journal of one business event
impossible; `journal_once` is no longer needed. The balance is looked up journal by journal: a
join would be planned for small tables, and read all months.
"""

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = ("journal", "journal_entry")
KEYS = {"journal": "tenant, journal_id", "journal_entry": "tenant, journal_id, line"}
REQUIRE_BALANCE = """
CREATE OR REPLACE FUNCTION require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad text;
BEGIN
  SELECT string_agg(a.journal_id::text, ', ') INTO bad
  FROM (SELECT tenant, journal_id, count(*) AS entries, min(line) AS first, max(line) AS last,
               sum(debit_minor) AS debit_minor, sum(credit_minor) AS credit_minor
        FROM added GROUP BY tenant, journal_id) a
  WHERE (SELECT a.entries = j.entry_count AND a.first = 1 AND a.last = j.entry_count
            AND a.debit_minor = j.total_minor AND a.credit_minor = j.total_minor
         FROM journal j WHERE j.tenant = a.tenant AND j.journal_id = a.journal_id) IS NOT TRUE;
  IF bad IS NOT NULL THEN
    RAISE EXCEPTION 'journals are not complete and balanced: %', bad
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    newest = op.get_bind().scalar(
        sa.text("SELECT journal_id FROM journal ORDER BY journal_id DESC LIMIT 1")
    )
    for table in TABLES:
        partition(table)
    op.execute("CREATE INDEX journal_by_time ON journal (tenant, posted_at, journal_id)")
    op.execute(REQUIRE_BALANCE)
    guard()
    for table in TABLES:
        if newest is None:
            op.execute(f"DROP TABLE {table}_before")
        else:
            op.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {table}_before "
                f"FOR VALUES FROM (MINVALUE) TO ('{following_month(newest)}')"
            )
    op.create_table(
        "ledger_carried",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("currency", sa.String, primary_key=True),
        sa.Column("account", sa.String, primary_key=True),
        sa.Column("debit_minor", sa.Numeric, nullable=False),
        sa.Column("credit_minor", sa.Numeric, nullable=False),
    )


def partition(table: str) -> None:
    """Rename what is there, and put a partitioned table in its place."""
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    op.execute(f"ALTER INDEX {table}_pkey RENAME TO {table}_before_pkey")
    for trigger in ("has_entries", "balanced"):
        op.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {table}_before")
    if table == "journal":
        op.execute("ALTER INDEX journal_by_time RENAME TO journal_before_by_time")
        op.execute("ALTER TABLE journal_before DROP CONSTRAINT journal_once")
    op.execute(
        f"CREATE TABLE {table} (LIKE {table}_before INCLUDING CONSTRAINTS, "
        f"PRIMARY KEY ({KEYS[table]})) PARTITION BY RANGE (journal_id)"
    )
    op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")


def guard() -> None:
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER balanced AFTER INSERT ON journal_entry REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION require_balance()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER has_entries AFTER INSERT ON journal "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entries()"
    )


def following_month(newest: UUID) -> UUID:
    """The first id of the month after both the newest id and now."""
    at = max(datetime.fromtimestamp((newest.int >> 80) / 1000, UTC), datetime.now(UTC))
    months = at.year * 12 + at.month
    begin = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    return UUID(int=int(begin.timestamp() * 1000) << 80)


def downgrade() -> None:
    op.drop_table("ledger_carried")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_by_month")
        op.execute(f"ALTER TABLE {table}_by_month DROP CONSTRAINT {table}_pkey")
        op.execute(
            f"CREATE TABLE {table} (LIKE {table}_by_month INCLUDING CONSTRAINTS, "
            f"PRIMARY KEY ({KEYS[table]}))"
        )
        op.execute(f"INSERT INTO {table} SELECT * FROM {table}_by_month")
        op.execute(f"DROP TABLE {table}_by_month")
    once = "UNIQUE (tenant, order_id, cause, reference)"
    op.execute(f"ALTER TABLE journal ADD CONSTRAINT journal_once {once}")
    op.execute("CREATE INDEX journal_by_time ON journal (tenant, posted_at, journal_id)")
    guard()
