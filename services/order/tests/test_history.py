"""The history of an order, folded by today's rules, is the order as it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import repeat
from random import Random

import pytest
from kinds import KINDS
from recorded import portions, works_of
from running import Running
from story import ORDER_ID

from oms_order.domain import Policy
from oms_order.history import COLUMNS, Heard, Rebuilt, Rules, rebuild


@asynccontextmanager
async def serving(
    dsn: str, factory: pytest.TempPathFactory, policy: Policy
) -> AsyncIterator[Running]:
    """The service under a policy."""
    async with Running.start(dsn, factory.mktemp("service"), policy) as running:
        yield running


async def heard(running: Running) -> list[Heard]:
    """The history as it is kept."""
    rows = await running.rows(f"SELECT {COLUMNS} FROM inbox WHERE key = $1", ORDER_ID)
    return [Heard(**row) for row in rows]


async def agrees(running: Running) -> Rebuilt:
    """The whole history makes the stored row, column by column."""
    policies = await running.rows("SELECT number, rules FROM policy")
    built = rebuild(Rules.kept(Policy(), policies), await heard(running))
    rows = await running.rows("SELECT * FROM orders WHERE order_id = $1", ORDER_ID)
    assert built.differs_from(rows[0] if rows else None) == []
    assert not built.outcome.failed
    return built


def _sizes(way: str) -> Iterator[int]:
    if way == "one by one":
        return repeat(1)
    if way == "at once":
        return repeat(1_000)
    random = Random(way)
    return (random.randint(1, 4) for _ in repeat(None))


@pytest.mark.parametrize("way", ["one by one", "at once", "seed 1", "seed 2"])
@pytest.mark.parametrize("kind", KINDS)
async def test_of_every_kind_of_order_the_fold_of_the_history_is_the_stored_row(
    dsn: str, tmp_path_factory: pytest.TempPathFactory, kind: str, way: str
) -> None:
    story = KINDS[kind]()
    async with serving(dsn, tmp_path_factory, story.policy) as running:
        works = works_of(story)
        for batch in portions(works, _sizes(way)):
            await running.run(batch)
        built = await agrees(running)
        facts = [(f.topic, f.body.TYPE.split(".")[2], f.sequence) for f in built.outcome.facts]
        assert facts == await running.facts()
