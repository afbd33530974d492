"""A shipment's steps touch no indexed column, so that its row is updated in place (HOT)."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE shipments SET (fillfactor = 60)")
    op.execute("DROP INDEX shipments_with_attention")
    op.execute(
        "CREATE INDEX shipments_with_attention ON shipments (tenant, order_id) "
        "WHERE attention <> ''"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE shipments RESET (fillfactor)")
    op.execute("DROP INDEX shipments_with_attention")
    op.execute(
        "CREATE INDEX shipments_with_attention ON shipments (tenant, changed_at) "
        "WHERE attention <> ''"
    )
