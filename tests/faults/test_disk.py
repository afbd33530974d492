"""Row 11: the disk of the databases is full; then there is room again."""

import asyncio
from pathlib import Path

import pytest
from patience import until
from rows import row
from trial import Trial

from oms_platform.state import postgres_home

DISK_MEBIBYTES = 400
FULL_SECONDS = 6.0
CHUNK_BYTES = 64 * 1024
NO_SPACE = "No space left on device"


@pytest.mark.disk(DISK_MEBIBYTES)
@row(11, "the databases' disk is filled to the last byte under load, then there is room again")
async def test_a_full_disk_holds_everything_up_and_costs_nothing(fresh_trial: Trial) -> None:
    rig = fresh_trial.rig
    server = rig.platform.postgres
    assert server is not None
    ballast = postgres_home(Path(rig.run_dir)) / "ballast"
    async with fresh_trial.load(orders=120) as load:
        await load.reaches(0.3)
        _fill(ballast)
        await until(lambda: _says_so(fresh_trial))
        await asyncio.sleep(FULL_SECONDS)
        _fill(ballast)
        ballast.unlink()
        if server.pid is None:  # no room for its own log either: the server has given up
            await server.start()
    fresh_trial.witness("cycles suspended", len(fresh_trial.said("suspended")))
    fresh_trial.witness("clients told to come again", load.doors.tried_again)


def _fill(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(CHUNK_BYTES))
        except OSError:
            return


async def _says_so(trial: Trial) -> bool:
    log = Path(trial.rig.run_dir) / "logs/postgres.log"
    return NO_SPACE in log.read_text(errors="replace")
