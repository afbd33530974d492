"""The Kafka installation in the user's cache, shared by all checkouts.

One folder per content of pom.xml holds the jars, a formatted data folder to copy from, and
the class-data archive that halves the JVM's start.
"""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

from oms_platform.errors import DeadlineError, PlatformError
from oms_platform.kafka.properties import NodeSpec, render_properties
from oms_platform.processes import run_command, until
from oms_platform.tools import Java, require_java, require_maven

POM = Path(__file__).with_name("pom.xml")
LOG_CONFIG = Path(__file__).with_name("log4j2.properties")
BOOTSTRAP_FILE = "bootstrap.checkpoint"
# C1 only: no slower at our load, and cheaper in the first minutes and in memory.
_JVM_FLAGS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
_LOCK_DEADLINE_SECONDS = 300.0


@dataclass(frozen=True)
class KafkaInstall:
    """Where the jars are and which Java runs them."""

    java: Java
    home: Path

    @property
    def libs(self) -> Path:
        """The folder of jars."""
        return self.home / "libs"

    @property
    def archive(self) -> Path:
        """The class-data archive, tied to the Java that made it; it may not exist yet."""
        return self.home / f"classes-java-{re.sub(r'[^0-9.]', '-', self.java.version)}.jsa"

    @property
    def bootstrap_file(self) -> Path:
        """The metadata snapshot every formatted data folder begins with."""
        return self.home / BOOTSTRAP_FILE

    def argv(self, main: str, *arguments: str, jvm: tuple[str, ...] = ()) -> list[str]:
        """The command line that runs `main`."""
        # In sorted order by name, not `libs/*`: the archive is void if the order changes.
        class_path = ":".join(str(jar) for jar in sorted(self.libs.glob("*.jar")))
        return [self.java.path, *_JVM_FLAGS, *jvm, "-cp", class_path, main, *arguments]

    def drop_archive(self) -> None:
        """Remove the archive; the next first node makes another."""
        self.archive.unlink(missing_ok=True)

    def adopt_archive(self, dumped: Path) -> None:
        """Put a dumped class-data archive in its place; without one nothing happens."""
        with contextlib.suppress(OSError):
            if dumped.stat().st_size > 0 and not self.archive.exists():
                staged = self.archive.with_name(f"{self.archive.name}.{os.getpid()}")
                shutil.copyfile(dumped, staged)  # not a rename: it may be another file system
                staged.replace(self.archive)
        with contextlib.suppress(OSError):
            dumped.unlink()


def kafka_version(pom: Path = POM) -> str:
    """The Kafka version, from the one place that names it."""
    version = ElementTree.parse(pom).findtext("properties/kafka.version")
    if version is None:
        raise PlatformError(f"{pom} has no kafka.version")
    return version


def cache_dir() -> Path:
    """The user's cache of this project."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "oms"


def install_home() -> Path:
    """The folder of this pom's installation; another pom gets another folder."""
    return cache_dir() / f"kafka-{kafka_version()}-{sha256(POM.read_bytes()).hexdigest()[:8]}"


async def install_kafka(progress: Callable[[str], None]) -> KafkaInstall:
    """Find the installation, or make it with Maven.

    Raises MissingToolError without Java or Maven, PlatformError with Maven's words if it
    fails (a checksum that differs fails it), DeadlineError if another checkout resolves for
    more than five minutes.
    """
    install = KafkaInstall(await require_java(progress), install_home())
    if install.bootstrap_file.exists():
        return install
    install.home.mkdir(parents=True, exist_ok=True)
    async with _locked(install.home / "lock"):
        if not install.libs.exists():
            await _resolve(install, progress)
        if not install.bootstrap_file.exists():
            await _format_once(install)
    return install


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    def acquired() -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    with path.open("w") as lock:
        if not await until(acquired, _LOCK_DEADLINE_SECONDS):
            raise DeadlineError(f"{path} has been held for {_LOCK_DEADLINE_SECONDS} s")
        yield


async def _resolve(install: KafkaInstall, progress: Callable[[str], None]) -> None:
    maven = await require_maven(progress)
    progress(f"fetching Kafka {kafka_version()}")
    staged = install.home / "libs.partial"
    await asyncio.to_thread(shutil.rmtree, staged, ignore_errors=True)
    goal = "dependency:copy-dependencies"
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={staged}"]
    # -C: a jar whose checksum differs from the repository's own fails the build.
    argv = [maven, "-q", "-B", "-C", "-f", str(POM), goal, *options]
    code, printed = await run_command(argv, cwd=install.home)
    if code != 0:
        raise PlatformError(f"Maven could not fetch Kafka: {' '.join(argv)}\n{printed[-3000:]}")
    staged.rename(install.libs)


async def _format_once(install: KafkaInstall) -> None:
    """Format a data folder once; a node's own needs nothing else from Java (2 s a node)."""
    scratch = install.home / "format"
    await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
    scratch.mkdir()
    spec = NodeSpec(1, client_port=1, controller_ports={1: 2})
    properties = scratch / "server.properties"
    properties.write_text(render_properties(spec, scratch / "data"))
    arguments = ["format", "-t", spec.cluster_id, "-c", str(properties)]
    code, printed = await run_command(
        install.argv("kafka.tools.StorageTool", *arguments), cwd=scratch
    )
    if code != 0:
        raise PlatformError(f"Kafka could not format a data folder:\n{printed[-3000:]}")
    (scratch / "data" / BOOTSTRAP_FILE).rename(install.bootstrap_file)
    await asyncio.to_thread(shutil.rmtree, scratch)
