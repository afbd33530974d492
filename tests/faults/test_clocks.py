"""Row 13: every service has a clock of its own, minutes apart, and the clocks jump."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rows import row
from trial import Trial

from oms_platform import SERVICES

LIBRARY = "faketime/libfaketime.so.1"
FIRST = {"order": "+9m", "inventory": "-4m", "billing": "-7m", "shipping": "-3m", "notify": "+2m"}
THEN = {"order": "-8m", "inventory": "+5m", "billing": "-1m", "shipping": "-6m", "notify": "-7m"}
"""What each clock says as against the database's; the warehouse has that one. Provider and carrier
live by the clocks of billing and shipping here, and what they wrote down is read up to now: so
these two are never ahead."""
APART_MIN = timedelta(minutes=5)


@row(13, "services' clocks are minutes apart from the database's and from each other, and jump")
async def test_clocks_differ_and_jump(trial: Trial, tmp_path: Path) -> None:
    library = _library()
    for name in FIRST:
        clock = tmp_path / name
        clock.write_text(FIRST[name])
        trial.rig.extra[name] |= {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
    await trial.rig.restart(*FIRST)
    try:
        async with trial.load(orders=90) as load:
            await load.reaches(0.4)
            for name, jump in THEN.items():
                (tmp_path / name).write_text(jump)
        ahead, behind = _apart(trial)
    finally:
        for name in FIRST:
            trial.rig.extra[name].clear()
        await trial.rig.restart(*FIRST)
    trial.witness("log lines from minutes ahead", ahead)
    trial.witness("log lines from minutes behind", behind)


def _apart(trial: Trial) -> tuple[int, int]:
    """How many lines were logged under a time that has not come yet, or was long over."""
    began, now = datetime.fromisoformat(trial.began), datetime.now(UTC)
    said = [
        datetime.fromisoformat(line["at"])
        for line in trial.rig.logged((began - 2 * APART_MIN).isoformat(), *SERVICES)
    ]
    return (
        sum(at > now + APART_MIN for at in said),
        sum(at < began - APART_MIN / 2 for at in said),
    )


def _library() -> Path:
    """libfaketime (GPL: it stays outside, in front of a process)."""
    if not (found := list(Path("/usr/lib").rglob(LIBRARY))):
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            pytest.skip("needs libfaketime, which nobody but root can install")
        subprocess.run(["apt-get", "install", "-y", "-qq", "libfaketime"], check=True)
        found = list(Path("/usr/lib").rglob(LIBRARY))
    return found[0]
