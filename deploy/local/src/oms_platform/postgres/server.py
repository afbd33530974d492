"""One PostgreSQL server of our own: its folder, its settings, its process."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg

from oms_platform.errors import DeadlineError, PortTakenError, StartError, log_size, log_tail
from oms_platform.ports import LOOPBACK, free_port
from oms_platform.postgres.binaries import PostgresBinaries
from oms_platform.postgres.folder import (
    ADMIN_ROLE,
    SETTINGS_FILE,
    make_data_folder,
    role_password,
)
from oms_platform.processes import ProcessRecord
from oms_platform.service import ServiceProcess

READY_DEADLINE_SECONDS = 30.0
STOP_DEADLINE_SECONDS = 20.0
_PORT_TRIES = 3
_POLL_SECONDS = 0.05


def render_settings(port: int, socket_dir: Path, shared_buffers_mb: int) -> str:
    """The server's settings, added to what initdb writes. Pure."""
    settings = {
        "listen_addresses": LOOPBACK,
        "port": port,
        "unix_socket_directories": socket_dir,
        "shared_buffers": f"{shared_buffers_mb}MB",
        "max_connections": 200,
        # Never off, here neither: an acknowledged order must survive kill -9 and power loss.
        "fsync": "on",
        "synchronous_commit": "on",
        "max_wal_size": "2GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        # Queue tables are small and rewritten all the time: clean them often and at once.
        "autovacuum_naptime": "5s",
        "autovacuum_vacuum_scale_factor": 0.01,
        "autovacuum_vacuum_threshold": 500,
        "autovacuum_analyze_scale_factor": 0.05,
        "autovacuum_vacuum_cost_delay": 0,
        # Parallel plans cost more than they bring for queries of a few rows on two cores.
        "max_parallel_workers_per_gather": 0,
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
    }
    return "".join(f"{key} = '{value}'\n" for key, value in settings.items())


class PostgresServer:
    """A server below `home`, which it shares with nothing else.

    `home` is ours; `home/data` and `home/socket` belong to the account that runs the server.
    """

    def __init__(
        self,
        binaries: PostgresBinaries,
        home: Path,
        log_path: Path,
        *,
        shared_buffers_mb: int = 256,
        on_start: Callable[[str, ProcessRecord], None] | None = None,
    ) -> None:
        self.port = 0
        self._binaries, self._home, self._log_path = binaries, home, log_path
        self._shared_buffers_mb = shared_buffers_mb
        self._process = ServiceProcess(
            "postgres",
            [str(binaries.folder / "postgres"), "-D", str(home / "data")],
            None,
            log_path,
            on_start=on_start,
            stop_signal=signal.SIGINT,  # fast: sessions are ended, nothing waits for clients
            # Not SIGKILL: a killed postmaster leaves its shared memory behind.
            death_signal=signal.SIGINT,
            account=binaries.account,
        )

    @property
    def pid(self) -> int | None:
        """The pid of the living server, else None."""
        return self._process.pid

    def admin_dsn(self) -> str:
        """The superuser's DSN, valid after start()."""
        return f"postgresql://{ADMIN_ROLE}:{self.password(ADMIN_ROLE)}@{self.address}/postgres"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{LOOPBACK}:{self.port}"

    def password(self, role: str) -> str:
        """The role's password: the same for the life of the data folder."""
        return role_password(self._home, role)

    async def start(self) -> None:
        """Make the data folder if it is new, start, wait until it takes connections.

        Raises StartError or DeadlineError with the end of the server's log.
        """
        await make_data_folder(self._home, self._binaries)
        for attempt in range(1, _PORT_TRIES + 1):
            self.port = free_port()
            settings = render_settings(self.port, self._home / "socket", self._shared_buffers_mb)
            settings_file = self._home / SETTINGS_FILE
            settings_file.write_text(settings)
            settings_file.chmod(0o644)  # whatever the umask: the server's account reads it
            log_start_bytes = log_size(self._log_path)
            self._process.start()
            try:
                await self._wait_ready()
            except StartError as error:
                if "could not bind" not in log_tail(self._log_path, log_start_bytes):
                    raise
                if attempt == _PORT_TRIES:
                    raise PortTakenError(f"postgres: port {self.port} was taken") from error
            else:
                return

    async def stop(self) -> None:
        """Stop it in order; SIGKILL at the deadline."""
        await self._process.stop(STOP_DEADLINE_SECONDS)

    def kill(self) -> None:
        """SIGKILL to the server; its sessions notice and end by themselves."""
        self._process.kill()

    async def restart(self) -> None:
        """Stop it if it runs, start it on the same port and data, wait until it answers."""
        await self._process.restart(STOP_DEADLINE_SECONDS)
        await self._wait_ready()

    async def _wait_ready(self) -> None:
        give_up = time.monotonic() + READY_DEADLINE_SECONDS
        while True:
            self._process.check_running()
            try:
                connection = await asyncpg.connect(self.admin_dsn(), timeout=5, ssl=False)
            except (OSError, asyncpg.CannotConnectNowError, TimeoutError) as error:
                if time.monotonic() > give_up:
                    raise DeadlineError(f"postgres: {error}\n{log_tail(self._log_path)}") from error
                await asyncio.sleep(_POLL_SECONDS)
            else:
                await connection.close()
                return
