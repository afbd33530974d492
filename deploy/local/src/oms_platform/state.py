"""What a running platform is, written down: the run directory, its lock and its state file."""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from oms_platform.errors import PlatformBusyError, PlatformError
from oms_platform.processes import ProcessRecord

_BASE = Path("/var/tmp")
_STATE_FILE = "state.json"
_LOCK_FILE = "lock"


@dataclass(frozen=True)
class PlatformState:
    """Addresses and processes of one platform. DSNs hold passwords: never log them.

    `supervisor` is the process that called up(); while it lives, the platform is up.
    """

    run_dir: Path
    supervisor: ProcessRecord
    bootstrap: str = ""
    admin_dsn: str = field(default="", repr=False)
    dsns: Mapping[str, str] = field(default_factory=dict, repr=False)
    check_dsns: Mapping[str, str] = field(default_factory=dict, repr=False)
    processes: Mapping[str, ProcessRecord] = field(default_factory=dict)

    def dsn(self, service: str) -> str:
        """The service's own database, as its owner. Raises KeyError for an unknown service."""
        return self.dsns[service]

    def check_dsn(self, service: str) -> str:
        """The service's database, as the read-only role. Raises KeyError likewise."""
        return self.check_dsns[service]

    @property
    def pids(self) -> dict[str, int]:
        """Pids by process name: postgres, kafka-1, ..., and the services."""
        return {name: record.pid for name, record in self.processes.items()}

    def with_process(self, name: str, record: ProcessRecord) -> "PlatformState":
        """This state with one more, or one replaced, process."""
        return replace(self, processes={**self.processes, name: record})


def service_env(state: PlatformState, name: str) -> dict[str, str]:
    """What a service is told about the platform. Raises KeyError for an unknown service."""
    return {"OMS_KAFKA_BOOTSTRAP": state.bootstrap, "OMS_DATABASE_DSN": state.dsn(name)}


def default_run_dir(checkout: Path | None = None) -> Path:
    """OMS_RUN_DIR, else a folder named by the checkout's path (default: around the cwd)."""
    if given := os.environ.get("OMS_RUN_DIR"):
        return Path(given).resolve()
    return _base_dir() / _short_hash(checkout or find_checkout(Path.cwd()))


def postgres_home(run_dir: Path) -> Path:
    """Where PostgreSQL lives: in the run directory, or beside it under /var/tmp.

    As root the server runs as another account, which may not reach a run directory below
    somebody's home; and a socket's path must stay under 108 bytes.
    """
    base = _base_dir()
    if run_dir.parent == base:
        return run_dir / "postgres"
    return base / _short_hash(run_dir) / "postgres"


def find_checkout(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds deploy/topics.toml or .git."""
    for folder in (start, *start.parents):
        if (folder / "deploy" / "topics.toml").exists() or (folder / ".git").exists():
            return folder
    return start


def make_run_dir(run_dir: Path) -> None:
    """Make the folders of this run; others may pass through them, not look.

    Raises PlatformError if the folder under /var/tmp exists and is not ours.
    """
    base = _base_dir()
    _make_passable(base)
    found = base.lstat()
    # Anyone may make folders in /var/tmp, also one of this name with a trap in it.
    if found.st_uid != os.geteuid() or base.is_symlink():
        raise PlatformError(f"{base} is not ours; set OMS_RUN_DIR or remove it")
    for folder in (run_dir, postgres_home(run_dir).parent, postgres_home(run_dir)):
        _make_passable(folder)


def _make_passable(folder: Path) -> None:
    """Make a folder that others may pass through, also under a strict umask."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True)
        folder.chmod(0o711)


class RunLock:
    """The right to run a platform in one directory, held until release() or our death."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take it; raises PlatformBusyError with the holder's pid."""
        fd = os.open(self._run_dir / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode().strip()
            os.close(fd)
            raise PlatformBusyError(self._run_dir, int(holder or 0)) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give it back; nothing happens if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def write_state(state: PlatformState) -> None:
    """Write the state file, whole or not at all, readable by us only."""
    path = state.run_dir / _STATE_FILE
    staged = path.with_suffix(".partial")
    staged.unlink(missing_ok=True)
    with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(state) | {"run_dir": str(state.run_dir)}, file, indent=1)
    staged.replace(path)


def read_state(run_dir: Path) -> PlatformState | None:
    """The last state written there, of a platform that may be gone; None if there is none."""
    try:
        stored = json.loads((run_dir / _STATE_FILE).read_text())
    except FileNotFoundError:
        return None
    processes = {name: ProcessRecord(**record) for name, record in stored["processes"].items()}
    supervisor = ProcessRecord(**stored["supervisor"])
    return PlatformState(
        **{**stored, "run_dir": run_dir, "processes": processes, "supervisor": supervisor}
    )


def running_state(run_dir: Path) -> PlatformState | None:
    """The state of the platform that is up there now (or on its way), else None."""
    state = read_state(run_dir)
    return state if state is not None and state.supervisor.alive() else None


def remove_state(run_dir: Path) -> None:
    """Remove the state file."""
    (run_dir / _STATE_FILE).unlink(missing_ok=True)


def _base_dir() -> Path:
    return _BASE / f"oms-{os.geteuid()}"


def _short_hash(path: Path) -> str:
    return sha256(str(path.resolve()).encode()).hexdigest()[:12]
