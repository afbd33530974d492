"""What payments came to under a released version, they come to under today's rules."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from golden import FOLDER, core_of, differences, golden_of, recorded
from kinds import KINDS
from msgspec.structs import replace

from oms_billing.decisions import decide
from oms_billing.domain import Policy
from oms_chassis.decision import Decision, Input
from oms_chassis.fold import Core

CHANGELOG = Path(__file__).resolve().parents[3] / "CHANGELOG.md"
HISTORIES = sorted(FOLDER.glob("*/*.json"))
KINDS_MIN = 12
"""Kinds that the first release knew."""


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: f"{p.parent.name} {p.stem}")
def test_a_recorded_history_still_comes_to_what_it_came_to(path: Path) -> None:
    told = differences(recorded(path))
    assert not told, f"{path.name}: docs/adding-an-event.md says what to do\n{told}"


def test_every_released_version_has_its_histories_and_no_kind_is_forgotten() -> None:
    released = re.findall(r"^## (\d+\.\d+\.\d+)$", CHANGELOG.read_text(), re.MULTILINE)
    assert {path.parent.name for path in HISTORIES} == set(released)
    assert {path.stem for path in HISTORIES} <= set(KINDS)
    assert len(HISTORIES) >= len(released) * KINDS_MIN


def test_what_is_recorded_is_what_the_story_said() -> None:
    story = KINDS["refunded"]()
    came = golden_of(story).outcome
    assert [c.type for c in came if c.what == "fact"] == [fact.TYPE for fact in story.facts]


def hasty(policy: Policy) -> Core:
    """Gives a refused capture up at once."""
    honest = core_of(policy)

    def decide_hastily(world: Any, item: Input, now: datetime) -> Decision:
        return decide(replace(policy, capture_retry_seconds=()), world, item, now)

    return Core(honest.kinds, honest.roots_of, decide_hastily, honest.deadline)


def test_rules_that_changed_are_caught_and_the_difference_can_be_read() -> None:
    told = differences(golden_of(KINDS["owed"]()), hasty)
    assert '- "next_try": "2026-' in told, told


def test_rules_that_changed_elsewhere_are_not_blamed() -> None:
    assert differences(golden_of(KINDS["paid"]()), hasty) == ""
