"""Goods, fulfilments, what people look up, and the evidence of scans and receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    _roots()
    _fulfilments()
    _evidence()
    _goods()


def downgrade() -> None:
    for table in (
        "purchase_order_line", "bin", "goods_entry", "misscan", "scan", "delivery_address",
        "fulfilment", "order_fulfilments", "goods",
    ):  # fmt: skip
        op.drop_table(table)


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, primary_key=True) for name in ("tenant", *names)]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def _roots() -> None:
    for table, key in (("goods", "sku"), ("order_fulfilments", "order_id")):
        op.create_table(
            table,
            *_keys(key),
            sa.Column("partition", sa.SmallInteger, nullable=False),
            sa.Column("seq", sa.BigInteger, nullable=False),
            sa.Column("changed_at", _INSTANT, nullable=False),
            sa.Column("doc", sa.LargeBinary, nullable=False),
        )


def _fulfilments() -> None:
    op.create_table(
        "fulfilment",
        *_keys("fulfilment_id"),
        *_texts("order_id", "order_no", "location", "status", "service_level"),
        sa.Column("ship_by", _INSTANT, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        *_whole("units"),
        *_texts("flags", "picker", "stop_reason"),
        sa.Column("due_at", _INSTANT),
        sa.Column("overdue_since", _INSTANT),
        sa.CheckConstraint("units >= 0", name="fulfilment_units"),
    )
    op.create_index(
        "fulfilment_queue",
        "fulfilment",
        ["tenant", "location", "ship_by", "rank", "fulfilment_id"],
        postgresql_where=sa.text("status NOT IN ('packed', 'stopped')"),
    )
    op.create_table("delivery_address", *_keys("fulfilment_id"), *_texts("address"))


def _evidence() -> None:
    op.create_table(
        "scan",
        *_keys("order_id", "scan_id"),
        *_texts("fulfilment_id", "verb"),
        *_whole("qty"),
        *_texts("sku", "line_id"),
        sa.Column("parcel_no", sa.SmallInteger, nullable=False),
        *_texts("reason", "person"),
        sa.Column("at", _INSTANT, nullable=False),
        *_texts("answer"),
        sa.CheckConstraint("qty > 0", name="scan_qty"),
    )
    op.create_table(
        "misscan",
        *_keys("misscan_id"),
        *_texts("fulfilment_id", "location", "verb", "sku"),
        *_whole("qty"),
        *_texts("code", "person"),
        sa.Column("at", _INSTANT, nullable=False),
    )
    op.create_index("misscan_by_time", "misscan", ["tenant", "at"])
    op.create_table(
        "goods_entry",
        *_keys("sku", "cause_id"),
        *_texts("kind", "location"),
        *_whole("qty"),
        *_texts("po_line", "lot", "bin", "reason", "person"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.CheckConstraint("qty > 0 OR (qty = 0 AND kind = 'counted')", name="goods_entry_qty"),
    )


def _goods() -> None:
    op.create_table("bin", *_keys("location", "sku"), *_texts("bin"))
    op.create_table(
        "purchase_order_line",
        *_keys("po_line"),
        *_texts("po_id", "sku", "location", "supplier", "status"),
        *_whole("ordered_qty", "received_qty"),
        sa.Column("eta", _INSTANT, nullable=False),
        sa.Column("placed_at", _INSTANT, nullable=False),
        sa.Column("overdue_since", _INSTANT),
        sa.CheckConstraint("ordered_qty > 0 AND received_qty >= 0", name="purchase_order_line_qty"),
    )
    op.create_index(
        "purchase_order_line_open",
        "purchase_order_line",
        ["tenant", "location", "eta", "po_line"],
        postgresql_where=sa.text("status <> 'received'"),
    )
