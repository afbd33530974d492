"""Shipments of an order, the parcels people search, and carriers' scans."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shipments",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, primary_key=True),
        sa.Column("partition", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("attention", sa.String, nullable=False),
        sa.Column("doc", sa.LargeBinary, nullable=False),
    )
    op.create_index(
        "shipments_with_attention", "shipments", ["tenant", "changed_at"],
        postgresql_where=sa.text("attention <> ''"),
    )  # fmt: skip
    op.create_table(
        "parcel",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("tracking_no", sa.String, primary_key=True),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("shipment_id", sa.String, nullable=False),
        sa.Column("parcel_id", sa.String, nullable=False),
        sa.Column("carrier", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("scanned_at", INSTANT),
        sa.Column("problem", sa.String, nullable=False),
        sa.CheckConstraint("label IN ('bought', 'voided', 'unclear')", name="parcel_label_known"),
    )
    op.create_index("parcel_by_id", "parcel", ["tenant", "parcel_id"])
    op.create_index("parcel_by_shipment", "parcel", ["tenant", "shipment_id"])
    op.create_index(
        "parcel_with_problem", "parcel", ["tenant", "scanned_at"],
        postgresql_where=sa.text("problem <> ''"),
    )  # fmt: skip
    op.create_table(
        "scan",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("tracking_no", sa.String, primary_key=True),
        sa.Column("event_id", sa.String, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
    )


def downgrade() -> None:
    for table in ("scan", "parcel", "shipments"):
        op.drop_table(table)
