"""The whole table is walked: nothing is forgotten, nothing waits in silence."""

from __future__ import annotations

import pytest
from saga_inputs import INPUTS
from saga_states import STATES
from saga_table import FILE, Cell, table, walk

from oms_chassis.decision import Malformed, Woke
from oms_contracts.event import Event
from oms_order import inputs
from oms_order.decisions import waiting
from oms_order.decisions.waiting import RULES, Awaited, waits, whose_move
from oms_order.domain import CancellationWish, Order, Policy, Status, Submission

CELLS = list(walk())
FROM_CHANNELS = (Submission, CancellationWish, Malformed)


def must_be_impossible(cell: Cell) -> bool:
    """Participants answer what they were asked: about orders there are, parts that were released
    and shipments that were asked for."""
    story = STATES[cell.state]()
    body = INPUTS[cell.input](story)
    if not isinstance(story.state, Order):
        return isinstance(body, Event | Woke)
    fulfilment_id = getattr(body, "fulfilment_id", None)
    shipment_id = getattr(body, "shipment_id", None)
    if fulfilment_id is not None:
        return story.order.fulfilment(fulfilment_id) is None
    if shipment_id is not None and not hasattr(body, "amount_minor"):
        return story.order.shipment(shipment_id) is None
    return False


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.input} / {c.state}")
def test_every_input_is_decided_in_every_state_unless_it_cannot_happen(cell: Cell) -> None:
    assert cell.impossible == must_be_impossible(cell)


def test_what_comes_late_says_why_and_only_commands_are_refused() -> None:
    for cell in CELLS:
        if cell.verdict == "late":
            assert ": " in cell.outcome, cell
        if cell.verdict == "refuse":
            assert not isinstance(INPUTS[cell.input](STATES[cell.state]()), Event), cell


def test_every_fact_that_is_heard_stands_in_the_table() -> None:
    walked = {type(make(STATES["no order"]())) for make in INPUTS.values()}
    assert set(inputs.HEARS) <= walked


def test_the_states_show_every_status() -> None:
    shown = {s.status for build in STATES.values() if (s := build().state) is not None}
    assert shown == set(Status) - {Status.UNKNOWN}


@pytest.mark.parametrize("name", STATES)
def test_an_order_waits_for_something_by_a_time_and_somebody_until_it_is_finished(
    name: str,
) -> None:
    state = STATES[name]().state
    if not isinstance(state, Order):
        return
    awaited = waiting(Policy(), state)
    assert awaited or state.finished
    for one in awaited:
        assert one.until > one.since and one.owner and one.waits_for and one.then
    assert bool(whose_move(state)) == bool(awaited)


def test_everything_that_can_be_awaited_has_a_rule_and_is_seen_waiting() -> None:
    states = [build().state for build in STATES.values()]
    seen = {wait.what for s in states if isinstance(s, Order) for wait in waits(s)}
    assert seen == set(Awaited) == set(RULES)


def test_the_table_in_the_docs_is_what_the_code_does() -> None:
    assert FILE.read_text() == table(), "run: python services/order/tests/saga_table.py"
