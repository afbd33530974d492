"""A process dies where it was told to, and nowhere unless it was told to."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oms_chassis
from oms_chassis.crashpoints import EXIT_CODE, POINTS, reach

SOURCES = Path(oms_chassis.__file__).parent


def _run(armed: str, *steps: str) -> tuple[int, str]:
    """A process that comes to these steps: how it ended, and the last it came past."""
    walk = "; ".join(f"c.reach('{step}'); print('{step}', flush=True)" for step in steps)
    done = subprocess.run(
        [sys.executable, "-c", f"from oms_chassis import crashpoints as c; {walk}"],
        env=os.environ | {"OMS_CRASH_AT": armed}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, (done.stdout or done.stderr).strip().rpartition("\n")[2]


def test_it_dies_at_the_step_and_the_time_named() -> None:
    steps = ("before_tx", "after_commit", "before_tx", "before_tx")
    assert _run("before_tx:2", *steps) == (EXIT_CODE, "after_commit")
    assert _run("after_commit", *steps) == (EXIT_CODE, "before_tx")
    assert _run("", *steps) == (0, "before_tx")


def test_a_step_that_does_not_exist_is_refused_at_start() -> None:
    code, told = _run("nowhere:1", "before_tx")
    assert code == 1 and "'nowhere'" in told


@pytest.mark.parametrize("point", POINTS)
def test_without_being_told_nothing_happens(point: str) -> None:
    reach(point)


def test_every_step_is_come_to_in_one_place_of_the_code() -> None:
    texts = (path.read_text() for path in SOURCES.glob("*.py") if path.name != "crashpoints.py")
    reached = [name for text in texts for name in re.findall(r'\breach\("(\w+)"\)', text)]
    assert sorted(reached) == sorted(POINTS)
