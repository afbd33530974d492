"""The guard: what an order takes does not grow unseen."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from bench.cycles import Node
from bench.guard import COUNTS, count_afresh, grown, read, text

from oms_chassis.cycle import Committed, Cycle


async def test_an_order_takes_no_more_than_is_written_down() -> None:
    known, _ = read()
    larger = grown(known, await count_afresh())
    assert not larger, "say why with `python -m bench.guard --write WHY`, or mend it"


class Wasteful(Cycle):
    """Asks the database one thing more in every cycle, and writes a row that nobody needs."""

    async def run(self, db: asyncpg.Connection, *given: Any) -> Committed:
        await db.execute("INSERT INTO due VALUES ('waste', $1, 0, 'infinity')", str(id(given)))
        return await super().run(db, *given)


async def test_the_guard_sees_waste() -> None:
    def plant(node: Node) -> None:
        if node.name == "shipping":
            c = node.cycle
            node.cycle = Wasteful(c.core, c.store, c.writer, c.ring, c.tenant, c.partitions)

    known, _ = read()
    larger = grown(known, await count_afresh(plant))
    assert {line.partition(":")[0] for line in larger} == {
        "statements of shipping", "row_writes of shipping",
    }  # fmt: skip


def test_the_file_is_as_the_guard_writes_it() -> None:
    known, raised = read()
    assert text(known, raised) == COUNTS.read_text()


def test_only_growth_is_told() -> None:
    known, _ = read()
    fewer = {kind: {name: n - 1 for name, n in by.items()} for kind, by in known.items()}
    assert not grown(known, fewer) and grown(fewer, known)


@pytest.mark.parametrize("why", ['a "quoted" reason', "back\\slash"])
def test_reasons_survive_the_file(why: str) -> None:
    import tomllib

    known, _ = read()
    assert tomllib.loads(text(known, [why]))["raised"] == [why]
