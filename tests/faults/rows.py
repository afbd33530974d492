"""The fault matrix: what can go wrong, which test breaks it, and what no test breaks yet.

@row(2, "every service killed at once")
async def test_…(trial: Trial) -> None:
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]

FAULTS = {
    1: "a service dies at any step",
    2: "all services die at once; stop under load; rolling restart",
    3: "the broker dies; a cluster loses one node, then two",
    4: "the broker's log is lost",
    5: "the database restarts, drops a session, loses the answer to COMMIT",
    6: "the database fails over to a standby",
    7: "everything is delivered again, many times",
    8: "records come late and out of order across topics",
    9: "partitions: service from database, service from broker, one way",
    10: "database, broker or provider are slow",
    11: "a disk is full",
    12: "a disk fails (EIO, fsync)",
    13: "clocks differ, jump, stand still",
    14: "poisoned records",
    15: "unknown types, versions, values",
    16: "rebalance storms",
    17: "a hot key",
    18: "many buyers of one unit",
    19: "racing commands, all pairs",
    20: "oversized and slow requests",
    21: "hostile amounts",
    22: "hostile text in every field",
    23: "webhooks in: forged, replayed, stale",
    24: "webhooks out: hostile receivers",
    25: "other people's orders, other people's rights",
    26: "the provider is silent, repeats itself, lies, is late",
    27: "leaks",
    28: "one store is restored to an earlier moment",
    29: "secrets rotate, rights are removed",
    30: "a process stands still past its session and comes back",
}
"""By number, what breaks."""

ELSEWHERE: dict[int, tuple[str, ...]] = {
    7: (
        "tests/integration/test_faults.py::"
        "test_topics_that_are_delivered_twice_and_replayed_wholly_change_nothing",
    ),
    8: ("tests/simulation/test_simulation.py::test_every_bad_day_ends_well",),
    14: (
        "tests/integration/test_poison.py::"
        "test_a_body_that_is_no_order_is_answered_or_kept_and_holds_nobody_up",
        "tests/integration/test_poison.py::test_a_record_that_is_no_event_is_kept_with_its_reason",
        "tests/integration/test_poison.py::"
        "test_garbage_on_a_topic_of_ours_is_kept_by_everybody_and_holds_nobody_up",
        "tests/integration/test_poison.py::"
        "test_a_fact_of_ours_that_cannot_be_read_parks_its_key_and_no_other",
    ),
    15: (
        "tests/integration/test_poison.py::test_a_type_nobody_knows_is_skipped_and_counted",
        "tests/integration/test_poison.py::"
        "test_a_newer_version_parks_its_key_and_a_missing_field_is_mended_by_hand",
        "tests/integration/test_poison.py::test_a_word_nobody_knows_yet_leads_to_a_hold",
    ),
    20: (
        "tests/integration/test_hostile_http.py::test_a_body_made_to_exhaust_is_refused_quickly",
        "tests/integration/test_hostile_http.py::test_memory_stays_bounded_under_all_of_it_at_once",
        "tests/integration/test_hostile_http.py::"
        "test_slow_callers_are_told_so_while_others_are_served",
    ),
    21: (
        "services/order/tests/test_hostile_money.py::"
        "test_what_is_no_amount_is_refused_wherever_it_stands",
        "services/order/tests/test_hostile_money.py::"
        "test_an_order_is_refused_or_its_amounts_are_whole_and_bounded",
        "tests/architecture/test_money.py::test_no_amount_goes_through_a_float",
    ),
    22: (
        "services/order/tests/test_hostile_text.py::"
        "test_a_text_is_kept_as_it_is_or_its_field_is_named",
        "tests/integration/test_hostile_text.py::"
        "test_a_text_is_stored_as_it_is_and_inert_wherever_it_is_shown",
        "tests/integration/test_hostile_http.py::test_no_name_in_a_path_or_query_trips_a_service",
    ),
    18: (
        "services/inventory/tests/test_store.py::"
        "test_many_buyers_of_few_units_at_two_replicas_get_exactly_those",
    ),
    25: ("tests/integration/test_privacy.py::test_a_channel_sees_its_own_orders_and_no_names",),
}
"""Rows that tests of other suites cover: `file::test`, from the root of the checkout."""

OPEN = {
    6: "needs a streaming standby; the local platform runs one server",
    12: "needs a library that injects EIO below PostgreSQL; not on every machine",
    19: "the simulator races commands; no trial fires all pairs at real processes yet",
    23: "there are no incoming webhooks: channels write to Kafka or post orders",
    24: "there are no outgoing webhooks: channels read their answers from Kafka",
    28: "a restore across stores is described in docs/operations.md and not exercised",
    29: "rotation and rights belong to a cluster with authorisation; loopback brokers run plain",
}
"""Rows that nothing covers, and why."""

SOMETIMES = {
    "something was done and had to be undone": "reservations and payments undone",
    "a record came again and changed nothing": "records absorbed as repeated",
    "partitions moved in the middle of a batch": "rebalances in the middle of a batch",
    "a commit was carried out and nobody heard of it": "commits of unknown outcome",
    "what had failed was tried again and succeeded": "messages that channels had to send again",
    "an input was parked, and redriven": "inputs parked and redriven",
}
"""What must have happened in some trial, or the trials were too kind; and what witnesses it."""

smoke = pytest.mark.smoke
"""Belongs to the few minutes that are played without `--all`."""


def row(number: int, name: str) -> pytest.MarkDecorator:
    """This test breaks what the row of that number says; `name` says how, in a few words."""
    if number not in FAULTS:
        raise ValueError(f"there is no row {number}")
    return pytest.mark.row(number, name)


class Declared(NamedTuple):
    """A row as its test declares it."""

    number: int
    name: str
    test: str
    """`file::function`."""


def declared() -> Iterator[Declared]:
    """Every row of every test here, found by reading the files."""
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number, name in map(_of_row, node.decorator_list):
                    if number:
                        yield Declared(number, name, f"{path.name}::{node.name}")


def _of_row(decorator: ast.expr) -> tuple[int, str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "row":
        number, name = map(ast.literal_eval, decorator.args)
        return number, name
    return 0, ""
