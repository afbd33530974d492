"""Schema changes on a real PostgreSQL: once, in turn, and in step with the tables."""

import asyncio
import re
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from oms_chassis.http import Door
from oms_chassis.migrate import drift, migrate
from oms_chassis.schema import MACHINERY, TABLES
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings

FIRST = """
"Payments."
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None

def upgrade():
    op.create_table(
        "payment",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="amount_is_no_debt"),
    )

def downgrade():
    op.drop_table("payment")
"""
SECOND = """
"Payments by amount."
from alembic import op
revision, down_revision = "0002", "0001"

def upgrade():
    op.create_index("payment_by_amount", "payment", ["amount_minor"])

def downgrade():
    op.drop_index("payment_by_amount")
"""
BROKEN = SECOND.replace('"amount_minor"', '"no_such_column"')


def revisions(folder: Path, *texts: str) -> ModuleType:
    """A package of revisions."""
    for n, source in enumerate(texts, start=1):
        (folder / f"{n:04}_step.py").write_text(source)
    package = ModuleType("revisions")
    package.__path__ = [str(folder)]
    return package


def payment(*more: sa.schema.SchemaItem, amount: sa.types.TypeEngine | None = None) -> sa.MetaData:
    """The tables as the code has them, with something planted."""
    metadata = sa.MetaData()
    sa.Table(
        "payment",
        metadata,
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("amount_minor", amount or sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="amount_is_no_debt"),
        sa.Index("payment_by_amount", "amount_minor"),
        *more,
    )
    return metadata


async def tables(dsn: str) -> set[str]:
    db = await asyncpg.connect(dsn)
    rows = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await db.close()
    return {row["tablename"] for row in rows}


async def test_a_new_database_gets_machinery_and_revisions_and_says_so(
    dsn: str, tmp_path: Path
) -> None:
    said: list[str] = []
    await migrate(dsn, revisions(tmp_path, FIRST, SECOND), say=said.append)
    assert {"payment", *TABLES} <= await tables(dsn)
    machinery = [f"machinery {version}" for version, _ in MACHINERY]
    assert [step for step in said if not step.startswith("created inbox_")] == [
        *machinery, "revision 0001", "revision 0002",
    ]  # fmt: skip


async def test_a_second_run_finds_nothing_to_do(dsn: str, tmp_path: Path) -> None:
    package = revisions(tmp_path, FIRST)
    await migrate(dsn, package, say=lambda _: None)
    said: list[str] = []
    await migrate(dsn, package, say=said.append)
    assert said == ["nothing was to be done"]


async def test_later_versions_are_added_to_what_is_there(dsn: str, tmp_path: Path) -> None:
    await migrate(dsn, revisions(tmp_path, FIRST), say=lambda _: None)
    said: list[str] = []
    more = (*MACHINERY, (1_000, "CREATE TABLE inbox_extra (id int)"))
    await migrate(dsn, revisions(tmp_path, FIRST, SECOND), more, say=said.append)
    assert said == ["machinery 1000", "revision 0002"]


async def test_replicas_that_migrate_at_once_take_turns(dsn: str, tmp_path: Path) -> None:
    package, said = revisions(tmp_path, FIRST, SECOND), []
    await asyncio.gather(*(migrate(dsn, package, say=said.append) for _ in range(4)))
    assert said.count("nothing was to be done") == 3
    assert sum(line.startswith("revision") for line in said) == 2


async def test_a_revision_that_fails_leaves_the_ones_before_it(dsn: str, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(DBAPIError, match="no_such_column"):
        await migrate(dsn, revisions(tmp_path, FIRST, BROKEN), say=said.append)
    assert said[-1] == "revision 0001"
    said.clear()
    await migrate(dsn, revisions(tmp_path, FIRST, SECOND), say=said.append)
    assert said[0] == "revision 0002"


async def test_a_table_in_use_is_not_waited_for_long(dsn: str, tmp_path: Path) -> None:
    await migrate(dsn, revisions(tmp_path, FIRST), say=lambda _: None)
    db = await asyncpg.connect(dsn)
    async with db.transaction():
        await db.execute("LOCK TABLE payment IN ROW EXCLUSIVE MODE")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await migrate(dsn, revisions(tmp_path, FIRST, SECOND), lock_timeout_seconds=0.1)
    await db.close()


async def test_tables_and_revisions_agree(dsn: str, tmp_path: Path) -> None:
    await migrate(dsn, revisions(tmp_path, FIRST, SECOND), say=lambda _: None)
    assert await drift(dsn, payment()) == []


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        (payment(sa.Column("currency", sa.String)), "add_column.*currency"),
        (payment(sa.Index("by_tenant", "tenant")), "add_index.*by_tenant"),
        (payment(sa.CheckConstraint("tenant <> ''", name="t")), "check.*'t'|add_constraint"),
        (payment(sa.UniqueConstraint("amount_minor", name="u")), "add_constraint"),
        (payment(amount=sa.SmallInteger()), "modify_type.*amount_minor"),
        (sa.MetaData(), "remove_table.*payment"),
    ],
)
async def test_a_difference_between_tables_and_revisions_is_told(
    dsn: str, tmp_path: Path, planted: sa.MetaData, seen: str
) -> None:
    await migrate(dsn, revisions(tmp_path, FIRST, SECOND), say=lambda _: None)
    differences = await drift(dsn, planted)
    assert differences and re.search(seen, "\n".join(differences))


async def test_reads_over_http_see_the_data_and_can_change_nothing(
    dsn: str, tmp_path: Path
) -> None:
    await migrate(dsn, revisions(tmp_path, FIRST), say=lambda _: None)
    settings = Settings(
        service="billing", kafka_bootstrap="-", database_dsn=dsn, statement_timeout_ms=50
    )

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    door = Door(settings, KeyRing.create(tmp_path / "ring.json"), nothing)
    async with door.sessions() as session:
        assert list(await session.exec(sa.text("SELECT count(*) FROM payment"))) == [(0,)]
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with door.sessions() as session:
            await session.exec(sa.text("DELETE FROM payment"))
    with pytest.raises(DBAPIError, match="statement timeout"):
        async with door.sessions() as session:
            await session.exec(sa.text("SELECT pg_sleep(10)"))
    await door.close()
