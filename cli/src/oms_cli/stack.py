"""The whole system on one machine: platform, secrets, migrations, six services, a mailbox.

What anyone else needs to find it is one file in the run directory, readable by its owner alone.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from oms_chassis import migrate
from oms_cli.credentials import draw_keys, make_key_ring, write_private
from oms_platform import (
    SERVICES,
    LocalPlatform,
    ServiceProcess,
    default_run_dir,
    free_port,
    load_topics,
    service_env,
)

READY_SECONDS = 60.0
"""How long a service may take to become ready."""
MAILBOX = "mailbox"
TENANT = "main"
"""Whose orders these are, unless settings name another."""
SYSTEM_FILE = "system.json"

Progress = Callable[[str], None]


class System(msgspec.Struct, frozen=True):
    """Where everything is, for whoever may read the file."""

    bootstrap: str
    tenant: str
    data_dir: str
    urls: dict[str, str]
    keys: dict[str, str]
    check_dsns: dict[str, str]

    @classmethod
    def load(cls, run_dir: Path) -> System:
        """The system running in `run_dir`; raises FileNotFoundError if there is none."""
        return msgspec.json.decode((run_dir / SYSTEM_FILE).read_bytes(), type=cls)

    def headers(self, role: str) -> dict[str, str]:
        """HTTP headers that speak with the key of `role` (or of a channel)."""
        return {"Authorization": f"Bearer {self.keys[role]}"}


class Stack:
    """Brings the system up and takes it down again; an async context manager.

    `settings` are environment variables for every service, on top of what the stack gives;
    `policies` and `topics` are files to use instead of those for one machine, `platform` is one
    to use (with its run directory) instead of the usual.
    """

    def __init__(
        self, checkout: Path, *, run_dir: Path | None = None,
        settings: Mapping[str, str] | None = None, policies: Path | None = None,
        topics: Path | None = None, services: Sequence[str] = SERVICES,
        progress: Progress = lambda _: None, keep_data: bool = False,
        platform: LocalPlatform | None = None,
    ) -> None:  # fmt: skip
        self.run_dir = platform.run_dir if platform else run_dir or default_run_dir(checkout)
        self._settings = dict(settings or {})
        self._topics = topics or checkout / "deploy/topics.toml"
        self._policies = policies or checkout / "deploy/local/policies.toml"
        self._names = tuple(services)
        self._progress = progress
        self._keep_data = keep_data
        self.platform = platform or LocalPlatform(
            self.run_dir, topics=load_topics(self._topics), keep_data=keep_data, progress=progress
        )
        self.services: dict[str, ServiceProcess] = {}
        self.mailbox: ServiceProcess | None = None
        self._system: System | None = None

    @property
    def system(self) -> System:
        """Where everything is; raises RuntimeError before the stack is up."""
        if self._system is None:
            raise RuntimeError("the stack is not up")
        return self._system

    @property
    def data_dir(self) -> Path:
        """Logs of the sandboxes, traces and mails."""
        return self.run_dir / "data"

    async def up(self) -> System:
        """Start everything and wait until it is ready."""
        await self.platform.up()
        if not self._keep_data:
            # The outside world begins afresh with the databases, or its logs would tell of others.
            shutil.rmtree(self.data_dir, ignore_errors=True)
        try:
            ports = {name: free_port() for name in (*self._names, MAILBOX)}
            self._system = self._describe(ports)
            self._progress("migrating six databases")
            for name in self._names:  # alembic keeps its context in globals: one at a time
                await self._migrate(name)
            self._progress("starting services")
            self.mailbox = self._start_mailbox(ports[MAILBOX])
            for name in self._names:
                self.services[name] = self.start(name, ports[name])
            await asyncio.gather(*map(self.wait_ready, self._names))
        except BaseException:
            await self.down()
            raise
        return self.system

    def start(self, name: str, port: int, slot: str = "0") -> ServiceProcess:
        """Start one more replica of a service; its own slot tells it from the others."""
        service = self.platform.service(
            name if slot == "0" else f"{name}-{slot}",
            [sys.executable, "-m", f"oms_{name}", "run"],
            self.environment(name) | {"OMS_HTTP_PORT": str(port), "OMS_SLOT": slot},
        )
        service.start()
        return service

    def environment(self, name: str) -> dict[str, str]:
        """Everything a service is told."""
        kept = {k: v for k in ("PATH", "HOME", "LANG", "TZ") if (v := os.environ.get(k))}
        return {
            **kept,
            **service_env(self.platform.state, name),
            "OMS_POLICIES_FILE": str(self._policies),
            "OMS_API_KEYS_FILE": str(self.run_dir / "api-keys.json"),
            "OMS_KEY_RING_FILE": str(self.run_dir / "key-ring.json"),
            "OMS_TOPICS_FILE": str(self._topics),
            "OMS_DATA_DIR": str(self.data_dir),
            "OMS_PARTITIONS": str(load_topics(self._topics)[0].partitions),
            "OMS_SMTP": self.system.urls[MAILBOX].removeprefix("smtp://"),
            **self._settings,
        }

    async def wait_ready(self, name: str) -> None:
        """Return once a service says that it is ready."""
        url = f"{self.system.urls[name]}/ready"
        await self.services[name].wait_ready(url, deadline_seconds=READY_SECONDS)

    async def down(self) -> None:
        """Stop services, mailbox and platform, in this order."""
        running = [s for s in (*self.services.values(), self.mailbox) if s is not None]
        await asyncio.gather(*(service.stop() for service in running))
        (self.run_dir / SYSTEM_FILE).unlink(missing_ok=True)
        await self.platform.down()

    async def __aenter__(self) -> Stack:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.down()

    async def _migrate(self, name: str) -> None:
        migrations = importlib.import_module(f"oms_{name}.migrations")
        await migrate.migrate(self.platform.state.dsn(name), migrations)

    def _start_mailbox(self, port: int) -> ServiceProcess:
        mails = self.data_dir / "mails"
        mails.mkdir(parents=True, exist_ok=True)
        service = self.platform.service(
            MAILBOX,
            [sys.executable, "-m", "oms_notify.mailbox", "--dir", str(mails), "--port", str(port)],
            {"PATH": os.environ["PATH"]},
        )
        service.start()
        return service

    def _describe(self, ports: Mapping[str, int]) -> System:
        """Draw fresh secrets and write down where everything will be."""
        keys, lines = draw_keys()
        write_private(self.run_dir / "api-keys.json", msgspec.json.encode(lines))
        make_key_ring(self.run_dir / "key-ring.json")
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        urls[MAILBOX] = f"smtp://127.0.0.1:{ports[MAILBOX]}"
        state = self.platform.state
        system = System(
            state.bootstrap, self._settings.get("OMS_TENANT", TENANT), str(self.data_dir), urls,
            keys, {name: state.check_dsn(name) for name in self._names},
        )  # fmt: skip
        self.data_dir.mkdir(parents=True, exist_ok=True)
        write_private(self.run_dir / SYSTEM_FILE, msgspec.json.encode(system))
        return system
