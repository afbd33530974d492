"""What orders of every kind came to under a released version, they come to under today's rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from golden import FOLDER, Golden, differences, golden_of, recorded
from kinds import KINDS
from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again
from oms_chassis.fold import Core
from oms_contracts.billing import PaymentDeclined
from oms_order.decisions import decide
from oms_order.domain import Policy
from oms_order.history import core_of

CHANGELOG = Path(__file__).resolve().parents[3] / "CHANGELOG.md"
KINDS_MIN = 24
"""Kinds that the first release knew."""
HISTORIES = sorted(FOLDER.glob("*/*.json"))


def released() -> list[str]:
    """Versions in the changelog, the newest first."""
    return re.findall(r"^## (\d+\.\d+\.\d+)$", CHANGELOG.read_text(), re.MULTILINE)


def kept(kind: str) -> Golden:
    """The newest golden history of a kind."""
    return recorded(FOLDER / released()[0] / f"{kind}.json")


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: f"{p.parent.name} {p.stem}")
def test_a_recorded_history_still_comes_to_what_it_came_to(path: Path) -> None:
    told = differences(recorded(path))
    assert not told, f"{path.name}: docs/adding-an-event.md says what to do\n{told}"


def test_every_released_version_has_its_histories_and_no_kind_is_forgotten() -> None:
    assert {path.parent.name for path in HISTORIES} == set(released())
    assert {path.stem for path in HISTORIES} <= set(KINDS)
    assert len(HISTORIES) >= len(released()) * KINDS_MIN


def test_what_is_recorded_is_what_the_story_said() -> None:
    story = KINDS["cancelled_after_packing"]()
    golden = golden_of(story)
    assert [said.type for said in golden.facts] == [fact.TYPE for fact in story.said]


def under(decide: Callable[..., Decision]) -> Callable[[Policy], Core]:
    """A core that decides otherwise."""

    def core(policy: Policy) -> Core:
        honest = core_of(policy)
        return Core(honest.kinds, honest.roots_of, partial(decide, policy), honest.deadline)

    return core


def deaf_to_declines(policy: Policy, order: Any, item: Input, now: datetime) -> Decision:
    if isinstance(item.body, PaymentDeclined):
        return again(order)
    return decide(policy, order, item, now)


def strict(policy: Policy, order: Any, item: Input, now: datetime) -> Decision:
    return decide(replace(policy, cost_limits={}), order, item, now)


def broken(policy: Policy, order: Any, item: Input, now: datetime) -> Decision:
    if isinstance(item.body, PaymentDeclined):
        raise ValueError("planted")
    return decide(policy, order, item, now)


@pytest.mark.parametrize(
    ("planted", "kind", "seen"),
    [
        (deaf_to_declines, "declined", "-status cancelled, waiting for nothing"),
        (deaf_to_declines, "declined", "-oms.order.OrderCancelled.v1 about"),
        (strict, "happy", "+oms.order.OrderHeld.v1 about"),
        (broken, "declined", "+cannot decide PaymentDeclined: planted"),
    ],
)
def test_rules_that_changed_are_caught_and_the_difference_can_be_read(
    planted: Callable[..., Decision], kind: str, seen: str
) -> None:
    told = differences(kept(kind), under(planted))
    assert seen in told, told


def test_rules_that_changed_elsewhere_are_not_blamed() -> None:
    assert differences(kept("happy"), under(deaf_to_declines)) == ""
