"""Messages about an order, and alerts about a SKU."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.TIMESTAMP(timezone=True)
WANTED = sa.text("attention <> ''")


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("attention", sa.String, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("attention", sa.String, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    for table in ("messages", "alerts"):
        op.create_index(
            f"{table}_with_attention", table, ["tenant", "changed_at"], postgresql_where=WANTED
        )


def downgrade() -> None:
    for table in ("alerts", "messages"):
        op.drop_table(table)
