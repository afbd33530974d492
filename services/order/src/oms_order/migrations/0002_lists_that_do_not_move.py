"""An order's steps touch no indexed column, so that its row is updated in place (HOT).

Which orders have not ended, and which wait for a person, are columns of their own: they change
once or twice in an order's life, where status and whose move it is change with every step.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE orders SET (fillfactor = 50)")
    op.execute(
        "ALTER TABLE orders "
        "ADD ended boolean NOT NULL GENERATED ALWAYS AS "
        "(status IN ('completed', 'cancelled')) STORED, "
        "ADD for_people boolean NOT NULL GENERATED ALWAYS AS "
        "(waiting_for IN ('customer_service', 'approver', 'receivables', 'operations')) STORED"
    )
    op.execute("DROP INDEX orders_open, orders_for_people")
    op.execute("CREATE INDEX orders_open ON orders (tenant, received_at, order_id) WHERE NOT ended")
    op.execute(
        "CREATE INDEX orders_for_people ON orders (tenant, received_at, order_id) WHERE for_people"
    )


def downgrade() -> None:
    op.execute("DROP INDEX orders_open, orders_for_people")
    op.execute("ALTER TABLE orders DROP ended, DROP for_people")
    op.execute("ALTER TABLE orders RESET (fillfactor)")
    op.execute(
        "CREATE INDEX orders_open ON orders (tenant, status, received_at, order_id) "
        "WHERE status NOT IN ('completed', 'cancelled')"
    )
    op.execute(
        "CREATE INDEX orders_for_people ON orders (tenant, received_at, order_id) WHERE "
        "waiting_for IN ('customer_service', 'approver', 'receivables', 'operations')"
    )
