"""A month of movements is a partition; the old table, if anything is in it, becomes the first.

A key that is unique over partitions would have to hold the partition's key. So `number` is kept
unique by the shelf that counts it (see `statements.MOVE_SHELVES`), and a cause by the locked root
that knows it: reservations remember what they did, and causes of goods are looked up. Takes the
table while two indexes are built.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

NEVER_CHANGED = """
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
KEEP_WHAT_IS_THERE = """
DO $$
DECLARE following timestamp;
BEGIN
  SELECT date_trunc('month', max(booked_at) AT TIME ZONE 'UTC') + interval '1 month'
  INTO following FROM movement_before;
  IF following IS NULL THEN
    DROP TABLE movement_before;
  ELSE
    EXECUTE format('ALTER TABLE movement ATTACH PARTITION movement_before '
                   'FOR VALUES FROM (MINVALUE) TO (%L)', following AT TIME ZONE 'UTC');
  END IF;
END $$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE movement RENAME TO movement_before")
    op.execute("ALTER TABLE movement_before DROP CONSTRAINT movement_pkey")
    op.execute("DROP INDEX movement_once")
    op.execute(
        "CREATE TABLE movement (LIKE movement_before INCLUDING CONSTRAINTS, "
        "PRIMARY KEY (tenant, sku, location, number, booked_at)) PARTITION BY RANGE (booked_at)"
    )
    op.execute("CREATE TABLE movement_rest PARTITION OF movement DEFAULT")
    op.execute(
        "CREATE INDEX movement_of_goods ON movement (tenant, sku, location, cause) "
        "WHERE kind IN ('receipt', 'count', 'damage')"
    )
    op.execute(NEVER_CHANGED)
    op.execute(KEEP_WHAT_IS_THERE)


def downgrade() -> None:
    op.execute("ALTER TABLE movement RENAME TO movement_by_month")
    op.execute("ALTER TABLE movement_by_month DROP CONSTRAINT movement_pkey")
    op.execute(
        "CREATE TABLE movement (LIKE movement_by_month INCLUDING CONSTRAINTS, "
        "PRIMARY KEY (tenant, sku, location, number))"
    )
    op.execute("INSERT INTO movement SELECT * FROM movement_by_month")
    op.execute("DROP TABLE movement_by_month")
    op.execute("CREATE UNIQUE INDEX movement_once ON movement (tenant, sku, location, cause)")
    op.execute(NEVER_CHANGED)
