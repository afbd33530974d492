"""Row 5: the database restarts at once, drops sessions, loses the answer to COMMIT."""

import asyncio
import os
import signal

import asyncpg
from patience import until
from proxy import COMMIT
from rows import row, smoke
from trial import Trial

from oms_platform import PostgresServer

ROUNDS = 5
PAUSE_SECONDS = 1.0
COMMITS_LOST = 4
"""For each service."""
_END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname LIKE 'oms_%' AND usename <> 'oms_check' AND pid <> pg_backend_pid()
"""


def _server(trial: Trial) -> PostgresServer:
    assert trial.rig.platform.postgres is not None
    return trial.rig.platform.postgres


@row(5, "immediate restart of the database server, all sessions lost")
async def test_the_database_server_restarts_at_once(trial: Trial) -> None:
    server = _server(trial)
    async with trial.load() as load:
        await load.reaches(0.4)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGQUIT)  # immediate: as after a crash, the log is replayed
        await until(lambda: _ended(server))
        await server.restart()
    trial.witness("cycles suspended", len(trial.said("suspended")))
    trial.witness("clients told to come again", load.doors.tried_again)


async def _ended(server: PostgresServer) -> bool:
    return server.pid is None


@row(5, "every session is terminated, again and again")
async def test_sessions_are_terminated_under_load(trial: Trial) -> None:
    ended = 0
    async with trial.load() as load:
        await load.reaches(0.1)
        admin = await asyncpg.connect(trial.rig.platform.state.admin_dsn)
        for _ in range(ROUNDS):
            ended += await admin.fetchval(_END_SESSIONS)
            await asyncio.sleep(PAUSE_SECONDS)
        await admin.close()
    trial.witness("sessions terminated", ended)
    trial.witness("cycles suspended", len(trial.said("suspended")))


@smoke
@row(5, "the connection breaks in COMMIT: carried out, and nobody was told")
async def test_commits_of_which_nobody_hears_are_found_out_by_the_inbox(trial: Trial) -> None:
    names = ("order", "inventory", "billing")
    async with trial.rig.behind_proxies(*names) as proxies:
        async with trial.load() as load:
            await load.reaches(0.1)
            for name in names:
                proxies[name].database.reset_after(COMMIT, COMMITS_LOST)
            await load.reaches(0.8)
        lost = sum(proxies[name].database.resets for name in names)
    trial.witness("commits of unknown outcome", lost)
    trial.witness("records absorbed as repeated", trial.counts.of("oms_repeats_total"))
