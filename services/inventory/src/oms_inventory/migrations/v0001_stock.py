"""Stock books, shelves, reservations, queues and movements."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """All tables."""
    _roots()
    op.create_table(
        "stock",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("location", sa.String, primary_key=True),
        sa.Column("on_hand", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("moves", sa.BigInteger, nullable=False),
        sa.CheckConstraint("0 <= reserved AND reserved <= on_hand", name="stock_not_oversold"),
    )
    op.create_table(
        "waiter",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("country", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
    )
    turn = ["tenant", "sku", "country", "rank", "accepted_at", "order_id"]
    op.create_index("waiter_in_turn", "waiter", turn)
    op.create_table(
        "movement",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("location", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("on_hand_delta", sa.Integer, nullable=False),
        sa.Column("reserved_delta", sa.Integer, nullable=False),
        sa.Column("on_hand_after", sa.BigInteger, nullable=False),
        sa.Column("reserved_after", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.CheckConstraint("on_hand_after >= 0", name="movement_on_hand"),
        sa.CheckConstraint(
            "0 <= reserved_after AND reserved_after <= on_hand_after", name="movement_reserved"
        ),
    )
    once = ["tenant", "sku", "location", "cause"]
    op.create_index("movement_once", "movement", once, unique=True)


def _roots() -> None:
    op.create_table(
        "sku",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("level_seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("backordered", sa.BigInteger, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "reservation",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """None of them."""
    for table in ("movement", "waiter", "stock", "reservation", "sku"):
        op.drop_table(table)
