"""Processes as the operating system sees them: spawned tied to us, told apart, ended for sure."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
# The kernel sends the parent-death signal when the *thread* that forked ends, so every
# child is forked by one thread that lives as long as this process.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="oms-spawner")
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Account:
    """The operating-system user a child runs as; None in its place means our own."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class ProcessRecord:
    """One process that cannot be confused with a later one of the same pid.

    `stop_signal` asks it to end in an orderly way.
    """

    pid: int
    started: str
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, pid: int, stop_signal: int = signal.SIGTERM) -> "ProcessRecord":
        """Record a live process; one that is already gone gets an empty start mark."""
        return cls(pid, start_mark(pid) or "", stop_signal)

    def alive(self) -> bool:
        """True while exactly this process runs (a zombie does not)."""
        return bool(self.started) and start_mark(self.pid) == self.started


def start_mark(pid: int) -> str | None:
    """What tells two processes of one pid apart, or None if no such process runs."""
    if sys.platform != "linux":
        shown = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return shown.stdout.strip() or None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name in parentheses may itself contain spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log_path: Path,
    death_signal: int = signal.SIGKILL,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, output appended to `log_path`.

    If this process dies, the kernel sends the child `death_signal` (Linux only). Raises
    OSError if the program cannot be executed.
    """

    def popen() -> subprocess.Popen[bytes]:
        with log_path.open("ab") as log:
            return subprocess.Popen(
                list(argv),
                env=None if env is None else dict(env),
                cwd="/" if account else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_tie_to_parent(death_signal, os.getpid()),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

    return _SPAWNER.submit(popen).result()


def _tie_to_parent(death_signal: int, parent: int) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it died before the line above could arm the signal
            os._exit(1)

    return in_child


async def run_command(
    argv: Sequence[str], *, cwd: Path | None = None, account: Account | None = None
) -> tuple[int, str]:
    """Run a short program to its end: its exit code and everything it printed."""

    def run() -> tuple[int, str]:
        done = subprocess.run(
            list(argv),
            cwd=cwd or "/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    return await asyncio.to_thread(run)


async def end_recorded(record: ProcessRecord, deadline_seconds: float) -> None:
    """End a process that need not be our child: its stop signal, then SIGKILL at the deadline.

    Never touches a process whose start mark differs from the recorded one.
    """
    for signum, seconds in ((record.stop_signal, deadline_seconds), (signal.SIGKILL, 5.0)):
        if not record.alive():
            return
        try:
            os.kill(record.pid, signum)
        except ProcessLookupError:
            return
        await until(lambda: not record.alive(), seconds)


async def until(condition: Callable[[], bool], deadline_seconds: float) -> bool:
    """Wait until `condition()` holds; False if it did not within the deadline."""
    give_up = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
