"""Deadlines: when a root is looked at, and that a wake-up is never taken for an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from oms_chassis.decision import Deadline, Decision, Input, Ref
from oms_chassis.due import WAKE_AGAIN_SECONDS, Moves, moves, wake_id
from oms_chassis.fold import Core, Held, Kind

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SOON, LATER = NOW + timedelta(seconds=5), NOW + timedelta(seconds=60)
PAST = NOW - timedelta(seconds=60)
REF: Ref = ("account", "a-1")


def _decide(state: object, item: Input, now: datetime) -> Decision:
    raise AssertionError("nothing is decided here")


def _deadline(state: datetime | str) -> Deadline | None:
    """A state here is its own deadline, or says that there is none."""
    return Deadline(state, "alarm", "nobody") if isinstance(state, datetime) else None


CORE = Core((Kind("account"),), lambda item: [], _decide, _deadline)


def _moved(
    before: object, after: object, *, woken: bool = False, calls: bool = False,
    answered: bool = False,
) -> Moves:  # fmt: skip
    held: Mapping[Ref, Held] = {REF: Held(after, 3, [], changed=True)}
    roots = [{REF} if says else set() for says in (woken, calls, answered)]
    return moves(CORE, {REF: before}, held, roots[0], NOW, *roots[1:])


def test_a_deadline_that_comes_nearer_is_lowered_and_one_that_moves_away_is_left() -> None:
    assert _moved(LATER, SOON).lower == [(*REF, 3, SOON)]
    assert _moved(None, SOON).lower == [(*REF, 3, SOON)]
    assert _moved(SOON, LATER) == Moves()


def test_what_waits_for_nothing_any_more_is_forgotten() -> None:
    assert _moved(SOON, "done").forget == [REF]
    assert _moved("idle", "done") == Moves()


def test_a_woken_root_is_put_to_its_next_deadline_or_looked_at_again_soon() -> None:
    again = NOW + timedelta(seconds=WAKE_AGAIN_SECONDS)
    assert _moved(PAST, LATER, woken=True).put == [(*REF, 3, LATER)]
    assert _moved(PAST, PAST, woken=True).put == [(*REF, 3, again)]


def test_a_deadline_that_is_set_in_the_past_is_due_now() -> None:
    """It may have been fired then: with the same id the inbox would drop it for ever."""
    assert _moved(LATER, PAST).lower == [(*REF, 3, NOW)]


@pytest.mark.parametrize("microseconds", [1, 999])
def test_two_moments_of_one_millisecond_are_two_wake_ups(microseconds: int) -> None:
    assert wake_id(REF, NOW) == wake_id(REF, NOW)
    assert wake_id(REF, NOW) != wake_id(REF, NOW + timedelta(microseconds=microseconds))


def test_while_a_call_is_open_no_row_is_written_and_its_answer_writes_what_is_left() -> None:
    assert _moved(None, SOON, calls=True) == Moves(calling=[(*REF, 3, SOON)])
    assert _moved(SOON, SOON, answered=True).lower == [(*REF, 3, SOON)]
    assert _moved(SOON, "done", answered=True).forget == [REF]


def test_a_wake_up_that_makes_a_call_still_moves_its_row() -> None:
    assert _moved(SOON, LATER, woken=True, calls=True).put == [(*REF, 3, LATER)]
