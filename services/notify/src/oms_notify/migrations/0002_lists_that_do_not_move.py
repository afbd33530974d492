"""A message's steps touch no indexed column, so that its row is updated in place (HOT)."""

from alembic import op

revision = "0002"
down_revision = "0001"
KEYS = {"messages": "order_id", "alerts": "sku"}


def upgrade() -> None:
    op.execute("ALTER TABLE messages SET (fillfactor = 60)")
    for table, key in KEYS.items():
        op.execute(f"DROP INDEX {table}_with_attention")
        op.execute(
            f"CREATE INDEX {table}_with_attention ON {table} (tenant, {key}) WHERE attention <> ''"
        )


def downgrade() -> None:
    op.execute("ALTER TABLE messages RESET (fillfactor)")
    for table in KEYS:
        op.execute(f"DROP INDEX {table}_with_attention")
        op.execute(
            f"CREATE INDEX {table}_with_attention ON {table} (tenant, changed_at) "
            "WHERE attention <> ''"
        )
