"""Orders, and the idempotency keys of callers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("external_id", sa.String, nullable=False),
        sa.Column("order_no", sa.String, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("answer_seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("waiting_for", sa.String, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(
            "partition >= 0 AND seq >= 0 AND answer_seq >= 0", name="orders_counted"
        ),
    )
    # Out of line, the documents of long orders would be written twice.
    op.execute("ALTER TABLE orders ALTER COLUMN head SET STORAGE MAIN")
    op.execute("ALTER TABLE orders ALTER COLUMN doc SET STORAGE MAIN")
    op.create_index("orders_by_time", "orders", ["tenant", "received_at", "order_id"])
    op.create_index(
        "orders_open",
        "orders",
        ["tenant", "status", "received_at", "order_id"],
        postgresql_where=sa.text("status NOT IN ('completed', 'cancelled')"),
    )
    op.create_index(
        "orders_for_people",
        "orders",
        ["tenant", "received_at", "order_id"],
        postgresql_where=sa.text(
            "waiting_for IN ('customer_service', 'approver', 'receivables', 'operations')"
        ),
    )
    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("idempotency_key", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("idempotency")
    op.drop_table("orders")
