"""Java and Maven: found on the machine, or installed by apt where we may."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oms_platform.errors import MissingToolError, PlatformError
from oms_platform.processes import run_command

JAVA_MAJOR_MIN = 17
JAVA_PACKAGE = "openjdk-17-jre-headless"
MAVEN_PACKAGE = "maven"


@dataclass(frozen=True)
class Java:
    """A Java launcher and the full version it reports."""

    path: str
    version: str


def java_version(printed: str) -> str | None:
    """The version in what `java -version` printed, e.g. "17.0.15"."""
    found = re.search(r'version "([^"]+)"', printed)
    return found.group(1) if found else None


async def find_java() -> Java | None:
    """The Java of JAVA_HOME or PATH if it is new enough for the broker, else None."""
    homes = [Path(home) / "bin" / "java" for home in [os.environ.get("JAVA_HOME")] if home]
    for candidate in [*map(str, homes), "java"]:
        path = shutil.which(candidate)
        if path is None:
            continue
        _, printed = await run_command([path, "-version"])
        version = java_version(printed)
        if version and int(version.split(".")[0]) >= JAVA_MAJOR_MIN:
            return Java(path, version)
    return None


def apt_command(package: str) -> str:
    """What a person types to install a Debian package."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {package}"


async def require_java(progress: Callable[[str], None]) -> Java:
    """Find Java, install it if we are root on Debian; raises MissingToolError otherwise."""
    if (java := await find_java()) is None:
        await _install(f"Java {JAVA_MAJOR_MIN} or newer", JAVA_PACKAGE, progress)
        java = await find_java()
    if java is None:
        raise MissingToolError(f"Java {JAVA_MAJOR_MIN} or newer", apt_command(JAVA_PACKAGE))
    return java


async def require_maven(progress: Callable[[str], None]) -> str:
    """Find Maven, install it if we are root on Debian; raises MissingToolError otherwise."""
    if shutil.which("mvn") is None:
        await _install("Maven", MAVEN_PACKAGE, progress)
    if (path := shutil.which("mvn")) is None:
        raise MissingToolError("Maven", apt_command(MAVEN_PACKAGE))
    return path


async def _install(what: str, package: str, progress: Callable[[str], None]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingToolError(what, apt_command(package))
    progress(f"installing {package}")
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        code, printed = await run_command(["apt-get", "-qq", *arguments])
        if code != 0:
            raise PlatformError(
                f"apt-get {' '.join(arguments)} failed; to see it alone, type: "
                f"{apt_command(package)}\n{printed[-2000:]}"
            )
