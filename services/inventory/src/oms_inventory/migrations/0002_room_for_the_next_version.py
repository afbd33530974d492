"""Room on the page for a row's next version, so that it is updated in place (HOT)."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE reservation SET (fillfactor = 70)")


def downgrade() -> None:
    op.execute("ALTER TABLE reservation RESET (fillfactor)")
