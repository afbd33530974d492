"""PostgreSQL's programs, and that the account they run as can reach them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms_platform.postgres.binaries import (
    PostgresBinaries,
    bring_within_reach,
    server_account,
    wheel_folders,
)
from oms_platform.processes import run_command
from oms_platform.state import make_run_dir, postgres_home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The server's folder, which its account may pass through."""
    make_run_dir(tmp_path / "run")
    yield postgres_home(tmp_path / "run")
    shutil.rmtree(postgres_home(tmp_path / "run").parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a server as somebody else")
async def test_programs_of_a_private_home_are_brought_within_reach_of_their_account(
    home: Path, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wheel = next(wheel_folders()).parents[1]
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, private / folder.name)
    [*_, folder] = (private / wheel.name).glob("pginstall*/bin")
    found = PostgresBinaries(folder, 15, server_account())
    with pytest.raises(PermissionError):
        await run_command([str(folder / "postgres"), "--version"], account=found.account)

    reached = await bring_within_reach(found, home)
    for program in ("postgres", "initdb"):  # initdb needs the libraries beside the package
        argv = [str(reached.folder / program), "--version"]
        code, printed = await run_command(argv, account=found.account)
        assert (code, "PostgreSQL" in printed) == (0, True), printed
    assert await bring_within_reach(reached, home) == reached
