"""The generator's predictions, held against the services themselves."""

from __future__ import annotations

import pytest
from conftest import Played

from oms_cli.generator import CASES


@pytest.mark.asyncio(loop_scope="session")
async def test_every_order_comes_to_the_end_that_was_predicted(played: Played):
    plan = {order.external_id: order for order in played.people.plan}
    assert {order.case for order in plan.values()} == {case.name for case in CASES}
    wrong = {
        str(plan[name]): end
        for name, end in played.ends.items()
        if end != plan[name].expected.label
    }
    assert not wrong
