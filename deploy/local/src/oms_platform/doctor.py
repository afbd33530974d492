"""What would keep the platform from starting here, each with the command that mends it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from oms_platform.errors import MissingToolError
from oms_platform.kafka.install import cache_dir, install_home, kafka_version
from oms_platform.ports import free_ports
from oms_platform.postgres.binaries import find_postgres
from oms_platform.state import default_run_dir, running_state
from oms_platform.tools import JAVA_MAJOR_MIN, JAVA_PACKAGE, MAVEN_PACKAGE, apt_command, find_java

DISK_FREE_MIN_MB = 2_000
_PORTS_NEEDED = 3


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `command` is what to type when it is not `ok`, empty otherwise."""

    name: str
    ok: bool
    detail: str
    command: str = ""


async def doctor(run_dir: Path | None = None) -> list[Finding]:
    """Look at Java, Maven, PostgreSQL, ports, disk and the run directory; changes nothing."""
    place = run_dir or default_run_dir()
    return [
        *([] if os.environ.get("OMS_KAFKA_BOOTSTRAP") else [await _java(), _maven()]),
        *([] if os.environ.get("OMS_POSTGRES_DSN") else [await _postgres()]),
        _ports(),
        _disk("disk of the run directory", place),
        _disk("disk of the cache", cache_dir()),
        _run_dir(place),
    ]


async def _java() -> Finding:
    java = await find_java()
    if java is None:
        detail = f"no Java {JAVA_MAJOR_MIN} or newer"
        return Finding("java", False, detail, apt_command(JAVA_PACKAGE))
    return Finding("java", True, f"{java.version} at {java.path}")


def _maven() -> Finding:
    if (install_home() / "libs").exists():
        return Finding("maven", True, f"not needed: Kafka {kafka_version()} is in the cache")
    path = shutil.which("mvn")
    if path is None:
        return Finding("maven", False, "no mvn to fetch Kafka with", apt_command(MAVEN_PACKAGE))
    return Finding("maven", True, path)


async def _postgres() -> Finding:
    try:
        found = await find_postgres()
    except MissingToolError as error:
        return Finding("postgres", False, str(error), error.command)
    account = f" as {found.account.name}" if found.account else ""
    return Finding("postgres", True, f"{found.major} at {found.folder}{account}")


def _ports() -> Finding:
    try:
        free_ports(_PORTS_NEEDED)
    except OSError as error:
        return Finding("ports", False, f"no free loopback port: {error}", "ip link set lo up")
    return Finding("ports", True, "loopback has free ports")


def _disk(name: str, path: Path) -> Finding:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    detail = f"{free_mb} MB free at {existing}"
    if free_mb < DISK_FREE_MIN_MB:
        command = f"du -xm {existing} | sort -n | tail -20"
        return Finding(name, False, f"{detail}, {DISK_FREE_MIN_MB} MB needed", command)
    return Finding(name, True, detail)


def _run_dir(run_dir: Path) -> Finding:
    state = running_state(run_dir)
    if state is not None:
        detail = f"up in {run_dir}, held by process {state.supervisor.pid}"
        return Finding("run directory", True, detail)
    return Finding("run directory", True, f"{run_dir} is free")
