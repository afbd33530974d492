"""Thousands of bad days in the life of a shop, each from one number, and all come to a good end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import saga
from hunt import RARE_SEEDS, hunt
from plan import Setup, quiet, setup
from plants import PLANTS
from simulation import attempt, run, run_quiet, shrink
from sweep import Sweep, sweep

from oms_contracts.catalogue import EVENTS

SEEDS = 2_000
LONG_SEEDS = 6
STORED_SEEDS = 60
PLANTED_SEEDS = 10
HUNTED_SEEDS = 400
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def days() -> Sweep:
    """All seeds, lived through once for all tests."""
    return sweep(range(SEEDS))


@pytest.fixture(scope="module")
def seen(days: Sweep) -> Counter[str]:
    """All that was said, and decided about with which verdict, in the course of all seeds."""
    return days.seen


def ends_well(chosen: Setup) -> None:
    """Fail with the shortest story that still goes wrong."""
    failure = attempt(chosen)
    if failure is not None:
        pytest.fail(str(shrink(chosen, failure)), pytrace=False)


def test_every_bad_day_ends_well(days: Sweep) -> None:
    if days.failed:
        ends_well(setup(days.failed[0]))
    assert days.seen["order Submission apply"] > SEEDS


UNSAID = {
    "OrderPlaced": "a channel's words come prepared: sealed, as a Submission",
    "CancellationRequested": "the same: a CancellationWish",
    "RefundRequested": "billing captures nothing that was not shipped, so nothing is given back",
    "RefundCompleted": "as no refund is asked for",
    "RefundFailed": "as no refund is asked for",
}
"""Events that no seed can bring about, and why."""


def test_every_event_there_is_was_said(seen: Counter[str]) -> None:
    said = {name.removeprefix("said ") for name in seen if name.startswith("said ")}
    assert {event.__name__ for event in EVENTS.values()} - said == set(UNSAID)


SOMETIMES = (
    "order CancellationWish apply",
    "order StockReserved again",
    "order FulfilmentStopRefused apply",
    "order ShipmentStopped apply",
    "order ShipmentStopRefused late",
    "order ReservationBroken apply",
    "order FulfilmentShort apply",
    "order PaymentCaptureFailed apply",
    "order RejectCosts apply",
    "billing AuthorisationReported apply",
    "billing PaymentRequested again",
    "billing Unknown apply",
    "billing PayerRetried apply",
    "billing MoneyReceived apply",
    "shipping Unknown apply",
    "shipping HandOver apply",
    "shipping ScanReported apply",
    "shipping ShipmentStopRequested apply",
    "warehouse RefusePutBack apply",
    "warehouse ConfirmPutBack apply",
    "warehouse ScanPick refuse",
    "warehouse OrderReleased again",
    "warehouse ConfirmPurchaseOrder apply",
    "inventory ReservationRequested again",
    "notify Refused apply",
    "notify Resend apply",
    "replicas died",
    "rolled back",
    "published again",
    "partitions moved",
    "clocks set",
    "parked",
    "parked behind",
    "redriven in vain",
    "skipped",
)
"""What a run must have witnessed, or its good end would prove little."""


@pytest.mark.parametrize("what", SOMETIMES)
def test_it_was_tried_and_happened(seen: Counter[str], what: str) -> None:
    assert seen[what]


@pytest.fixture(scope="module")
def moments(days: Sweep) -> Sweep:
    """The worst moments: for each cell of the saga table that chance did not reach, and those at
    which something that was said before is said anew.
    """
    table = saga.cells()
    missing = {cell for cell in table if ("order", *cell) not in days.cells}
    past = {cell for cell in table if saga.is_past(table[cell])}
    bag = hunt((*range(HUNTED_SEEDS), *RARE_SEEDS), missing, past)
    if bag.failures:
        pytest.fail(str(shrink(*bag.failures[0])), pytrace=False)
    return bag.sweep


def test_every_cell_of_the_saga_table_is_reached_or_listed(days: Sweep, moments: Sweep) -> None:
    """What cannot be reached and what merely was not are two lists; both are exact."""
    reached = {cell[1:] for cell in days.cells | moments.cells if cell[0] == "order"}
    cells, unreachable, unmet = saga.cells().keys(), saga.unreachable().keys(), saga.unmet().keys()
    assert unreachable & unmet == set()
    assert reached & (unreachable | unmet) == set(), "listed, and reached all the same"
    assert cells - reached == unreachable | unmet, "neither reached nor listed"
    print(f"{len(cells)} cells: {len(reached & cells)} reached, {len(unmet)} not met so far")


@pytest.mark.parametrize("seed", range(LONG_SEEDS))
def test_many_orders_fight_for_few_goods(seed: int) -> None:
    ends_well(setup(seed, orders=60))


@pytest.mark.parametrize("seed", range(STORED_SEEDS))
def test_states_and_facts_are_the_same_after_they_were_written_down(seed: int) -> None:
    ends_well(setup(seed, stored=True))


@pytest.mark.parametrize("wrong", PLANTS)
def test_a_planted_fault_is_found(wrong: str) -> None:
    """By the invariant that is there for it, and soon; `pytest -s` tells when."""
    plant, found_by, within = PLANTS[wrong]
    found = (attempt(setup(seed), plant) for seed in range(within))
    failure = next((failure for failure in found if failure is not None), None)
    assert failure is not None, f"{wrong}: unnoticed in {within} seeds"
    assert found_by in failure.wrong
    print(f"{wrong}: after {failure.seed + 1} seeds by {found_by!r}")


def test_the_story_of_a_failure_is_short() -> None:
    plant = PLANTS["a journal that loses a cent"].plant
    chosen, failure = next(
        (chosen, failure)
        for chosen in map(setup, range(PLANTED_SEEDS))
        if (failure := attempt(chosen, plant)) is not None
    )
    shrunk = shrink(chosen, failure, plant)
    assert shrunk.kind == failure.kind
    assert len(shrunk.plan) <= 10 < len(failure.plan)
    assert any("LedgerPosted" in line for line in shrunk.story)


def test_good_orders_on_a_good_day_are_all_delivered() -> None:
    world = run_quiet(quiet(seed=1, orders=50))
    seen = world.seen()
    assert seen["said OrderCompleted"] == 50
    assert not seen["said OrderCancelled"] + seen["said OrderHeld"]


def test_a_seed_tells_the_same_story_wherever_it_is_run() -> None:
    """Also where Python orders its sets otherwise, for no decision may depend on that."""
    stories = {_story_with_hash_seed(str(n)) for n in range(2)}
    assert len(stories) == 1
    assert run(setup(7)).now == run(setup(7)).now


def _story_with_hash_seed(hash_seed: str) -> str:
    command = [sys.executable, str(HERE / "run.py"), "--story", "--from", "7", "--orders", "4"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    return done.stdout
