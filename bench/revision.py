"""What was measured, and on what."""

from __future__ import annotations

import os
import platform
import subprocess

from bench.places import CHECKOUT


def revision() -> str:
    """The commit that was measured, marked where the tree differs from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=CHECKOUT, capture_output=True, text=True
    )
    return told.stdout.strip() or "unknown"


def machine() -> str:
    """What it ran on."""
    with open("/proc/cpuinfo") as told:
        names = [line.partition(":")[2].strip() for line in told if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return f"{os.cpu_count()} x {name}, Python {platform.python_version()}"
