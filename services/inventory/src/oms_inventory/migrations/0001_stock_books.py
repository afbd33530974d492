"""Stock books: shelves that cannot be oversold, movements that never change, and who holds what."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.TIMESTAMP(timezone=True)

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is never changed: correct it by another movement', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""
NEVER_CHANGED = """
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    """Make the tables of release 1."""
    _skus()
    _stock()
    _reservations()
    op.execute(REFUSE_CHANGE)
    op.execute(NEVER_CHANGED)


def downgrade() -> None:
    """Remove them with everything in them."""
    for table in ("backorder", "allocation", "reservation", "movement", "stock", "sku"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")


def _skus() -> None:
    op.create_table(
        "sku",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("stock_seq", sa.BigInteger, nullable=False),
        sa.Column("level_seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("location", sa.String, primary_key=True),
        sa.Column("on_hand", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("moves", sa.BigInteger, nullable=False),
        sa.CheckConstraint("0 <= reserved AND reserved <= on_hand", name="stock_not_oversold"),
        # A shelf changes all the time and no index with it: room on its page keeps that cheap.
        postgresql_with={"fillfactor": 70},
    )
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
        sa.CheckConstraint(
            "0 <= reserved_after AND reserved_after <= on_hand_after", name="movement_not_oversold"
        ),
    )
    place_and_cause = ["tenant", "sku", "location", "cause"]
    op.create_index("movement_once", "movement", place_and_cause, unique=True)


def _reservations() -> None:
    op.create_table(
        "reservation",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "allocation",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("location", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("line_id", sa.String, primary_key=True),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("qty", sa.Integer, nullable=False),
        sa.CheckConstraint("qty > 0", name="allocation_of_something"),
    )
    op.create_table(
        "backorder",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("line_id", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("country", sa.String, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("location", sa.String, nullable=False),
        sa.Column("qty", sa.Integer, nullable=False),
        sa.Column("eta", INSTANT, nullable=True),
        sa.Column("po_line", sa.String, nullable=False),
        sa.CheckConstraint("qty > 0", name="backorder_of_something"),
    )
    turn = ["rank", "accepted_at", "order_id", "line_id", "request_id"]
    op.create_index("backorder_in_turn", "backorder", ["tenant", "sku", "country", *turn])
