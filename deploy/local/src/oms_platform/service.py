"""One supervised process: start, ready, stop, kill, restart."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from oms_platform.errors import DeadlineError, StartError, log_tail
from oms_platform.processes import Account, ProcessRecord, spawn, until

_POLL_SECONDS = 0.05
_PROBE_TIMEOUT_SECONDS = 2.0


class ServiceProcess:
    """A long-running child of this process, in its own session, logging to one file.

    It dies with its supervisor: `death_signal` reaches it even if we are killed by SIGKILL.
    `on_start` is told the record of every new incarnation, so that leftovers can be found.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None,
        log_path: Path,
        *,
        on_start: Callable[[str, ProcessRecord], None] | None = None,
        stop_signal: int = signal.SIGTERM,
        death_signal: int = signal.SIGKILL,
        account: Account | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._argv, self._env = list(argv), env
        self._on_start = on_start
        self._stop_signal, self._death_signal = stop_signal, death_signal
        self._account = account
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """True while the process lives."""
        if self._popen is None or self._popen.returncode is not None:
            return False
        # WNOWAIT leaves an ended process unreaped: its pid, which is also the id of its
        # session, cannot be recycled before kill() has cleared the session.
        flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self._popen.pid, flags) is None

    @property
    def pid(self) -> int | None:
        """The pid of the living process, else None."""
        return self._popen.pid if self._popen is not None and self.running else None

    @property
    def exit_code(self) -> int | None:
        """How the last incarnation ended (minus the signal's number if by one), else None."""
        if self._popen is None or self.running:
            return None
        self.kill()
        return self._popen.returncode

    def start(self) -> int:
        """Start it and return its pid; raises StartError if it runs already or cannot."""
        if self.running:
            raise StartError(f"{self.name} is already running")
        self.kill()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._popen = spawn(
                self._argv,
                env=self._env,
                log_path=self.log_path,
                death_signal=self._death_signal,
                account=self._account,
            )
        except OSError as error:
            raise StartError(f"{self.name} cannot be started: {error}") from error
        if self._on_start is not None:
            self._on_start(self.name, ProcessRecord.of(self._popen.pid, self._stop_signal))
        return self._popen.pid

    async def stop(self, deadline_seconds: float = 15.0) -> int | None:
        """Ask it to end, kill it and its session at the deadline; its exit code."""
        if self._popen is None:
            return None
        if self.running:
            self._popen.send_signal(self._stop_signal)
            await until(lambda: not self.running, deadline_seconds)
        self.kill()
        return self._popen.returncode

    def kill(self) -> None:
        """SIGKILL to it and to every process left in its session; returns when it is gone."""
        if self._popen is None or self._popen.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    async def restart(self, deadline_seconds: float = 15.0) -> int:
        """Stop it, start it again, return the new pid."""
        await self.stop(deadline_seconds)
        return self.start()

    def check_running(self) -> None:
        """Raise StartError with the end of the log if the process has ended."""
        if not self.running:
            raise StartError(
                f"{self.name} ended with code {self.exit_code}; {self.log_path} ends:\n"
                f"{log_tail(self.log_path)}"
            )

    async def wait_ready(self, url: str, deadline_seconds: float) -> None:
        """Poll `url` until it answers 200.

        Raises StartError if the process ends first, DeadlineError after `deadline_seconds`.
        """
        give_up = time.monotonic() + deadline_seconds
        last = "no answer"
        # trust_env: a proxy of the user's environment must not be asked about loopback.
        async with httpx.AsyncClient(trust_env=False, timeout=_PROBE_TIMEOUT_SECONDS) as client:
            while time.monotonic() < give_up:
                self.check_running()
                try:
                    answer = await client.get(url)
                    if answer.status_code == httpx.codes.OK:
                        return
                    last = f"{answer.status_code} {answer.text[:200]}"
                except httpx.TransportError as error:
                    last = repr(error)
                await asyncio.sleep(_POLL_SECONDS)
        raise DeadlineError(
            f"{self.name} not ready after {deadline_seconds} s: {last}\n{log_tail(self.log_path)}"
        )
