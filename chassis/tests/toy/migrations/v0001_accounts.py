"""Accounts and their books."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE account (
            tenant varchar NOT NULL, account varchar NOT NULL,
            partition smallint NOT NULL, seq bigint NOT NULL, changed_at timestamptz NOT NULL,
            balance integer NOT NULL, doc bytea NOT NULL, PRIMARY KEY (tenant, account));
        """)
    op.execute("""
        CREATE TABLE entry (
            tenant varchar NOT NULL, input_id varchar NOT NULL, account varchar NOT NULL,
            amount integer NOT NULL CHECK (amount <> 666), PRIMARY KEY (tenant, input_id));
        """)


def downgrade() -> None:
    op.execute("DROP TABLE entry")
    op.execute("DROP TABLE account")
