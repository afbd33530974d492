"""Named steps at which a test may have the process die, as if the power failed right there.

`OMS_CRASH_AT=after_commit:3` ends the process when it comes to that step for the third time:
nothing is flushed, nobody is told. Without it a step costs one look at a variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

EXIT_CODE = 86
"""How the process ends, so that whoever restarts it knows that it was meant to."""

POINTS: Mapping[str, str] = {
    "before_tx": "a batch was taken, no transaction begun",
    "after_inbox": "inputs stand in the inbox, nothing is decided",
    "after_decide": "everything is decided, nothing saved",
    "before_commit": "everything is written, not committed",
    "after_commit": "committed, and neither relay nor gateways know",
    "after_send": "the broker has acknowledged facts, nobody noted it",
    "before_delete": "acknowledged rows are about to be deleted",
    "after_call": "the outside world has acted, nobody noted what it answered",
    "before_offsets": "inputs are committed, offsets are not",
    "after_offsets": "offsets are committed",
    "in_redrive": "parked inputs were carried out, not committed",
    "in_wake_up": "a deadline was acted on, not committed",
    "in_revoke": "partitions are being given up",
}
"""Every step, and what has happened by then."""

_point, _, _times = os.environ.get("OMS_CRASH_AT", "").partition(":")
_left = int(_times or 1)
_armed = bool(_point)
if _armed and _point not in POINTS:
    raise SystemExit(f"OMS_CRASH_AT names {_point!r}, which is none of {', '.join(POINTS)}")


def reach(point: str) -> None:
    """The process has come to this step; it ends here if it was told to."""
    if _armed and point == _point:
        _end_in_time()


def _end_in_time() -> None:
    global _left
    _left -= 1
    if _left <= 0:
        os._exit(EXIT_CODE)
