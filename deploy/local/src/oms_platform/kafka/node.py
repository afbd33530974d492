"""One Kafka node as a process that can be started, stopped, killed and restarted."""

import asyncio
import contextlib
import signal
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copyfile

from oms_platform.errors import (
    DeadlineError,
    JvmCrashError,
    PortTakenError,
    StartError,
    log_size,
    log_tail,
)
from oms_platform.kafka.install import BOOTSTRAP_FILE, LOG_CONFIG, KafkaInstall
from oms_platform.kafka.properties import NodeSpec, render_meta, render_properties
from oms_platform.ports import LOOPBACK
from oms_platform.processes import ProcessRecord
from oms_platform.service import ServiceProcess

READY_DEADLINE_SECONDS = 60.0
STOP_DEADLINE_SECONDS = 30.0
_ARCHIVE_SECONDS = 30.0
_POLL_SECONDS = 0.05
_PROBE_TIMEOUT_SECONDS = 2.0
_API_VERSIONS = 18
_CRASH_SIGNALS = (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV)


class KafkaNode:
    """One node below `directory`, which keeps its data, its settings and its logs.

    `extra` overrides settings of server.properties; the heap's ceiling is in MB. With
    `make_archive` the JVM dumps the class-data archive at its stop if there is none yet.
    """

    def __init__(
        self,
        spec: NodeSpec,
        install: KafkaInstall,
        directory: Path,
        *,
        extra: Mapping[str, str] | None = None,
        heap_max_mb: int = 256,
        make_archive: bool = False,
        on_start: Callable[[str, ProcessRecord], None] | None = None,
    ) -> None:
        self.spec = spec
        self._install = install
        self._directory = directory
        self._extra = extra
        self._heap_max_mb = heap_max_mb
        self._make_archive = make_archive
        self._on_start = on_start
        self._dump: Path | None = None
        self._log_start_bytes = 0
        self._process = self._next_process()

    @property
    def pid(self) -> int | None:
        """The pid of the living node, else None."""
        return self._process.pid

    def start(self) -> int:
        """Format the data folder if it is new, start the JVM, return its pid."""
        data = self._directory / "data"
        meta = data / "meta.properties"
        if not meta.exists():
            data.mkdir(parents=True, exist_ok=True)
            copyfile(self._install.bootstrap_file, data / BOOTSTRAP_FILE)
            meta.write_text(render_meta(self.spec))
        self._settings.write_text(render_properties(self.spec, data, self._extra))
        if self._process.running:
            raise StartError(f"kafka-{self.spec.node_id} is already running")
        self._process.kill()
        self._process = self._next_process()
        self._log_start_bytes = log_size(self._server_log)
        return self._process.start()

    async def wait_ready(self, deadline_seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Wait until the node answers clients.

        Raises PortTakenError if a port was taken before the node could bind it, JvmCrashError
        if Java crashed, StartError if it ended for another reason, DeadlineError after
        `deadline_seconds`.
        """
        give_up = time.monotonic() + deadline_seconds
        # The client listener opens only once the node is registered and unfenced.
        while not await answers(LOOPBACK, self.spec.client_port):
            self._check_running()
            if time.monotonic() > give_up:
                raise DeadlineError(
                    f"kafka-{self.spec.node_id} not ready after {deadline_seconds} s\n"
                    f"{log_tail(self._server_log)}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Stop it in order (SIGTERM); SIGKILL after 30 s, or 60 s if it dumps an archive."""
        extra_seconds = _ARCHIVE_SECONDS if self._dump else 0.0
        code = await self._process.stop(STOP_DEADLINE_SECONDS + extra_seconds)
        if self._dump and code is not None and code >= 0:  # not killed in the middle of the dump
            await asyncio.to_thread(self._install.adopt_archive, self._dump)

    def kill(self) -> None:
        """SIGKILL: what a power cut does to the process (its files survive)."""
        self._process.kill()

    async def restart(self, deadline_seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Stop it if it runs, start it on the same ports and data, wait until ready."""
        await self.stop()
        self.start()
        await self.wait_ready(deadline_seconds)

    @property
    def _settings(self) -> Path:
        return self._directory / "server.properties"

    @property
    def _server_log(self) -> Path:
        return self._directory / "logs" / "server.log"

    def _check_running(self) -> None:
        if not self._process.running:
            name = f"kafka-{self.spec.node_id}"
            if "Address already in use" in log_tail(self._server_log, self._log_start_bytes):
                raise PortTakenError(f"{name}: a port was taken")
            if -(self._process.exit_code or 0) in _CRASH_SIGNALS:
                raise JvmCrashError(f"{name}: Java crashed, see {self._server_log.parent}")
        self._process.check_running()

    def _next_process(self) -> ServiceProcess:
        dump = self._make_archive and not self._install.archive.exists()
        self._dump = self._directory / "classes.jsa" if dump else None
        archive = [f"-XX:SharedArchiveFile={self._install.archive}"]
        if self._dump:  # without its hundred warnings about classes it leaves out
            archive = [f"-XX:ArchiveClassesAtExit={self._dump}", "-Xlog:disable"]
        jvm = (
            "-Xms64m",
            f"-Xmx{self._heap_max_mb}m",
            *archive,
            f"-Dlog4j2.configurationFile={LOG_CONFIG}",
            f"-XX:ErrorFile={self._server_log.parent}/crash.log",
            f"-Doms.log.dir={self._server_log.parent}",
        )
        return ServiceProcess(
            f"kafka-{self.spec.node_id}",
            self._install.argv("kafka.Kafka", str(self._settings), jvm=jvm),
            None,
            self._server_log.with_name("console.log"),
            on_start=self._on_start,
        )


async def answers(host: str, port: int) -> bool:
    """True if a broker answers an ApiVersions request; False for anything else."""
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                request = struct.pack(">hhih", _API_VERSIONS, 0, 1, -1)
                writer.write(struct.pack(">i", len(request)) + request)
                size, correlation = struct.unpack(">ii", await reader.readexactly(8))
                return bool(size > 0 and correlation == 1)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, EOFError, TimeoutError):
        return False
