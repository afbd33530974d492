"""What can go wrong with the local platform.

PlatformError
 ├── MissingToolError     a program is not on the machine; carries the command that brings it
 ├── PlatformBusyError    another process holds this run directory; carries its pid
 ├── StartError           a process ended before it was ready; carries the end of its log
 ├── DeadlineError        a process lives but did not become ready, or did not end, in time
 │    ├── PortTakenError  the chosen port was taken before the process could bind it
 │    └── JvmCrashError   the Java virtual machine itself crashed
 ├── TopicsFileError      topics.toml says something we do not understand
 └── TopicMismatchError   a topic exists with another number of partitions
"""

from pathlib import Path

LOG_TAIL_BYTES = 4000


class PlatformError(Exception):
    """Base of everything this package raises on purpose."""


class MissingToolError(PlatformError):
    """A program is missing; `command` is what a person types to install it."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} is missing; type: {command}")
        self.command = command


class PlatformBusyError(PlatformError):
    """The run directory is held by the live process `pid` (0 if it has not said yet)."""

    def __init__(self, run_dir: Path, pid: int) -> None:
        super().__init__(f"the platform in {run_dir} is already up, held by process {pid}")
        self.pid = pid


class StartError(PlatformError):
    """A process ended before it was ready."""


class DeadlineError(PlatformError):
    """Something did not happen within its deadline."""


class PortTakenError(StartError):
    """The port was free when chosen and taken when bound; choosing again mends it."""


class JvmCrashError(StartError):
    """The Java virtual machine crashed, as it does on a damaged class-data archive."""


class TopicsFileError(PlatformError, ValueError):
    """The topics file is not what `load_topics` documents."""


class TopicMismatchError(PlatformError):
    """A topic exists with another number of partitions than declared."""


def log_size(path: Path) -> int:
    """How many bytes the log has now; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def log_tail(path: Path, since_bytes: int = 0) -> str:
    """The last 4000 bytes written after `since_bytes`; empty where there are none."""
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        return ""
    return written[since_bytes:][-LOG_TAIL_BYTES:].decode(errors="replace")
