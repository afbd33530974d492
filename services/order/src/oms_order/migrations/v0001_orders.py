"""Orders, and what idempotency keys were used for."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Both tables."""
    op.create_table(
        "orders",
        sa.Column("tenant", sa.String(), primary_key=True),
        sa.Column("order_id", sa.String(), primary_key=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("received_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("answer_seq", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("waits_for", sa.String(), nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
    )
    by_time = ["received_at", "order_id"]
    op.create_index("orders_by_status", "orders", ["tenant", "status", *by_time])
    op.create_index("orders_by_move", "orders", ["tenant", "waits_for", *by_time])
    op.create_index("orders_by_time", "orders", ["tenant", *by_time])
    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.String(), primary_key=True),
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("idempotency_key", sa.String(), primary_key=True),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
    )
    # Documents of long orders stay in their row: out of line they would be written twice.
    op.execute("ALTER TABLE orders ALTER COLUMN head SET STORAGE MAIN")
    op.execute("ALTER TABLE orders ALTER COLUMN doc SET STORAGE MAIN")


def downgrade() -> None:
    """Without them."""
    op.drop_table("idempotency")
    op.drop_table("orders")
