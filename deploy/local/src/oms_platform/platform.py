"""The platform of one checkout: broker, databases, topics, and the services on top."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from oms_platform.errors import DeadlineError, PlatformError
from oms_platform.kafka.cluster import Detours, KafkaCluster
from oms_platform.kafka.install import install_kafka
from oms_platform.postgres.binaries import bring_within_reach, find_postgres
from oms_platform.postgres.databases import SERVICES, compress_wal, prepare_databases
from oms_platform.postgres.folder import role_password
from oms_platform.postgres.server import PostgresServer
from oms_platform.processes import ProcessRecord, end_recorded, until
from oms_platform.service import ServiceProcess
from oms_platform.state import (
    PlatformState,
    RunLock,
    default_run_dir,
    make_run_dir,
    postgres_home,
    read_state,
    remove_state,
    running_state,
    write_state,
)
from oms_platform.topics import TopicSpec, create_topics

_LEFTOVER_SECONDS = 10.0
_SERVICE_STOP_SECONDS = 15.0


def _silent(_: str) -> None:
    """The default progress callback."""


class LocalPlatform:
    """Broker and databases of one run directory, up between up() and down().

    `OMS_KAFKA_BOOTSTRAP` and `OMS_POSTGRES_DSN` name a broker or a server to use instead of
    starting one. The process that calls up() supervises: when it dies, so does all it started.
    With `keep_data` topics, offsets and databases outlive it, else each up() begins empty.
    `kafka_detours` gives brokers further listeners, for tests that stand in between.
    """

    def __init__(
        self,
        run_dir: Path | None = None,
        *,
        topics: Sequence[TopicSpec] = (),
        services: Sequence[str] = SERVICES,
        broker_nodes: int = 1,
        kafka_settings: Mapping[str, str] | None = None,
        kafka_detours: Detours | None = None,
        shared_buffers_mb: int = 256,
        keep_data: bool = False,
        progress: Callable[[str], None] = _silent,
    ) -> None:
        self.run_dir = (run_dir or default_run_dir()).resolve()
        self.kafka: KafkaCluster | None = None
        self.postgres: PostgresServer | None = None
        self._topics, self._services = topics, services
        self._broker_nodes, self._kafka_settings = broker_nodes, kafka_settings
        self._kafka_detours = kafka_detours
        self._shared_buffers_mb, self._keep_data = shared_buffers_mb, keep_data
        self._progress = progress
        self._lock = RunLock(self.run_dir)
        self._running_services: list[ServiceProcess] = []
        self._state: PlatformState | None = None

    @property
    def state(self) -> PlatformState:
        """The platform as it is now; raises PlatformError unless it is up."""
        if self._state is None:
            raise PlatformError("the platform is not up")
        return self._state

    async def up(self) -> PlatformState:
        """Clean up after a predecessor, start everything, create the topics.

        Raises PlatformBusyError if another process holds the directory, MissingToolError with
        the command that helps, StartError, DeadlineError, TopicMismatchError. If it raises,
        nothing it started is left running.
        """
        make_run_dir(self.run_dir)
        self._lock.acquire()
        try:
            await self._end_leftovers()
            if not self._keep_data:
                await self._remove_data()
                make_run_dir(self.run_dir)
            self._state = PlatformState(self.run_dir, ProcessRecord.of(os.getpid()))
            write_state(self._state)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._up_kafka())
                both.create_task(self._up_postgres())
            return self.state
        except BaseExceptionGroup as group:
            await self.down()
            # Both halves fail for their own reasons; a person can mend one at a time.
            raise group.exceptions[0] from None
        except BaseException:
            await self.down()
            raise

    async def down(self) -> None:
        """Stop services, then broker and databases; give the directory back. Safe to repeat."""
        await asyncio.gather(
            *(service.stop(_SERVICE_STOP_SECONDS) for service in self._running_services)
        )
        self._running_services.clear()
        servers = [server for server in (self.kafka, self.postgres) if server is not None]
        await asyncio.gather(*(server.stop() for server in servers))
        self.kafka = self.postgres = None
        if self._state is not None:
            self._state = None
            if not self._keep_data:
                await self._remove_data()
            remove_state(self.run_dir)
        self._lock.release()

    async def __aenter__(self) -> "LocalPlatform":
        await self.up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.down()

    def service(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> ServiceProcess:
        """A process of ours under this platform, not yet started; down() stops it.

        `env` is its whole environment (see service_env); it logs to logs/<name>.log.
        """
        log_path = self.run_dir / "logs" / f"{name}.log"
        service = ServiceProcess(name, argv, env, log_path, on_start=self._record)
        self._running_services.append(service)
        return service

    async def _up_kafka(self) -> None:
        bootstrap = os.environ.get("OMS_KAFKA_BOOTSTRAP")
        if not bootstrap:
            install = await install_kafka(self._progress)
            self._progress("starting Kafka")
            self.kafka = KafkaCluster(
                install,
                self.run_dir / "kafka",
                node_count=self._broker_nodes,
                extra=self._kafka_settings,
                detours=self._kafka_detours,
                on_start=self._record,
            )
            await self.kafka.start()
            bootstrap = self.kafka.bootstrap
        self._update(replace(self.state, bootstrap=bootstrap))
        created = await create_topics(bootstrap, self._topics)
        self._progress(f"Kafka is ready at {bootstrap}, {len(created)} topics created")

    async def _up_postgres(self) -> None:
        home = postgres_home(self.run_dir)
        admin_dsn = os.environ.get("OMS_POSTGRES_DSN")
        if not admin_dsn:
            binaries = await bring_within_reach(await find_postgres(), home)
            self._progress(f"starting PostgreSQL {binaries.major}")
            self.postgres = PostgresServer(
                binaries,
                home,
                self.run_dir / "logs" / "postgres.log",
                shared_buffers_mb=self._shared_buffers_mb,
                on_start=self._record,
            )
            await self.postgres.start()
            admin_dsn = self.postgres.admin_dsn()
            await compress_wal(admin_dsn)
        found = await prepare_databases(
            admin_dsn, self._services, lambda role: role_password(home, role)
        )
        self._update(
            replace(self.state, admin_dsn=admin_dsn, dsns=found.dsns, check_dsns=found.check_dsns)
        )
        self._progress(f"PostgreSQL is ready, {len(found.dsns)} databases")

    def _record(self, name: str, record: ProcessRecord) -> None:
        self._update(self.state.with_process(name, record))

    def _update(self, state: PlatformState) -> None:
        self._state = state
        write_state(state)

    async def _end_leftovers(self) -> None:
        before = read_state(self.run_dir)
        if before is None:
            return
        left = {name: record for name, record in before.processes.items() if record.alive()}
        if left:
            self._progress(f"ending what a killed platform left: {', '.join(sorted(left))}")
        await asyncio.gather(*(end_recorded(record, _LEFTOVER_SECONDS) for record in left.values()))
        remove_state(self.run_dir)

    async def _remove_data(self) -> None:
        # Logs stay: they are wanted most after a run that went wrong.
        home = postgres_home(self.run_dir)
        for folder in (home, *(self.run_dir / "kafka").glob("*/data")):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            home.parent.rmdir()  # goes only if it is empty, that is outside the run directory


async def stop_running(run_dir: Path, deadline_seconds: float = 60.0) -> bool:
    """Ask the process that holds a platform to end (SIGTERM); False if none is up.

    That process must turn SIGTERM into down(). Raises DeadlineError if it does not end.
    """
    state = running_state(run_dir)
    if state is None:
        return False
    os.kill(state.supervisor.pid, signal.SIGTERM)
    if not await until(lambda: not state.supervisor.alive(), deadline_seconds):
        raise DeadlineError(f"process {state.supervisor.pid} still holds {run_dir}")
    return True
