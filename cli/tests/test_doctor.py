"""What a machine is told that lacks something."""

import subprocess
import sys
from pathlib import Path


def test_the_command_that_helps_stands_on_one_line(tmp_path: Path) -> None:
    """It is to be copied: piped or in a narrow window it must not be broken in two."""
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path), "COLUMNS": "40"}
    argv = [sys.executable, "-m", "oms_cli", "doctor"]
    told = subprocess.run(argv, env=bare, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    [missing] = [n for n, t in enumerate(told.stderr.splitlines()) if t.startswith("missing java:")]
    command = told.stderr.splitlines()[missing + 1].strip()
    assert "apt-get install" in command
    assert command.endswith(" openjdk-17-jre-headless")
