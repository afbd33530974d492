"""A whole system that can be broken: processes, broker, databases, and proxies in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from patience import until
from proxy import Proxy

from oms_cli.stack import Stack, System
from oms_platform import SERVICES, LocalPlatform, ServiceProcess, free_port, load_topics

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
TOPICS = load_topics(CHECKOUT / "deploy/topics.toml")
READY_SECONDS = 30.0
"""The longest a service may need to be ready again after anything."""
BRIEF_SESSIONS = {"OMS_SESSION_TIMEOUT_MS": "6000"}
"""The shortest session that a broker grants by its defaults."""


class Proxies:
    """What stands between one service and the rest of the world, once it is behind proxies."""

    def __init__(self, broker_nodes: int) -> None:
        self.database = Proxy(port=free_port())
        self.kafka = {node + 1: Proxy(port=free_port()) for node in range(broker_nodes)}
        """By broker node."""
        self.all = [self.database, *self.kafka.values()]


class Rig(Stack):
    """The system with its processes in reach. A service stands behind proxies where asked."""

    def __init__(self, run_dir: Path, *, broker_nodes: int = 1) -> None:
        self.proxies = {name: Proxies(broker_nodes) for name in SERVICES}
        self.extra: dict[str, dict[str, str]] = {name: {} for name in SERVICES}
        """Environment of single services, as of their next start."""
        self.replicas: dict[tuple[str, str], tuple[ServiceProcess, str]] = {}
        """Further processes of services, by name and slot, with their addresses."""
        self.floor: ServiceProcess | None = None
        # Brokers tell clients of each service to come by that service's proxy.
        detours = {
            node + 1: {name.upper(): p.kafka[node + 1].port for name, p in self.proxies.items()}
            for node in range(broker_nodes)
        }
        platform = LocalPlatform(
            run_dir, topics=TOPICS, broker_nodes=broker_nodes, kafka_detours=detours
        )
        super().__init__(
            CHECKOUT, platform=platform, policies=HERE / "policies.toml", settings=BRIEF_SESSIONS
        )

    async def up(self) -> System:
        """Start everything, with pickers on the floor."""
        system = await super().up()
        for proxies in self.proxies.values():
            for proxy in proxies.all:
                await proxy.accept()
        self._aim_proxies()
        self.floor = self.platform.service(
            "floor", [sys.executable, "-m", "oms_cli.floor", "--run-dir", str(self.run_dir)],
            {"PATH": os.environ["PATH"]},
        )  # fmt: skip
        self.floor.start()
        return system

    async def down(self) -> None:
        """Stop everything, also what stands still."""
        proxies = [proxy for proxies in self.proxies.values() for proxy in proxies.all]
        for proxy in proxies:
            proxy.heal()
        for _, process, _ in self.processes():
            self._signal(process, signal.SIGCONT)
        await super().down()
        for proxy in proxies:
            await proxy.close()

    def environment(self, name: str) -> dict[str, str]:
        """Everything a service is told, with what this one alone is told."""
        return super().environment(name) | self.extra[name]

    def _aim_proxies(self) -> None:
        kafka = self.platform.kafka
        assert kafka is not None, "faults need a broker of their own"
        for name, proxies in self.proxies.items():
            dsn = urlsplit(self.platform.state.dsn(name))
            proxies.database.upstream = (str(dsn.hostname), int(dsn.port or 0))
            for node in kafka.nodes:
                port = node.spec.detours[name.upper()].port
                proxies.kafka[node.spec.node_id].upstream = ("127.0.0.1", port)

    # Processes

    def kill(self, *names: str) -> None:
        """SIGKILL to services, all in the same moment."""
        for name in names:
            self._signal(self.services[name], signal.SIGKILL)
        for name in names:
            self.services[name].kill()

    def start_process(self, name: str) -> None:
        """Start a service that is down, with what `extra` says now."""
        port = int(self.system.urls[name].rpartition(":")[2])
        self.services[name] = self.start(name, port)

    async def start_again(self, *names: str) -> None:
        """Start services that are down; returns when they are ready."""
        for name in names:
            self.start_process(name)
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.gather(*map(self.wait_ready, names))

    async def restart(self, *names: str) -> None:
        """Stop services in order, one after the other, and start each again before the next."""
        for name in names:
            await self.services[name].stop()
            await self.start_again(name)

    def freeze(self, name: str) -> None:
        """A service stands still (SIGSTOP)."""
        self._signal(self.services[name], signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """It goes on (SIGCONT), and does not know that time has passed."""
        self._signal(self.services[name], signal.SIGCONT)

    async def add_replica(self, name: str, slot: str) -> None:
        """One more process of a service; returns once it shares the work."""
        port = free_port()
        self.replicas[name, slot] = (self.start(name, port, slot), f"http://127.0.0.1:{port}")
        replica, url = self.replicas[name, slot]
        await replica.wait_ready(f"{url}/ready", READY_SECONDS)

    async def remove_replica(self, name: str, slot: str) -> None:
        """Stop it in order. (Its partitions rest until its session has run out.)"""
        replica, _ = self.replicas.pop((name, slot))
        await replica.stop()

    def kill_replica(self, name: str, slot: str) -> None:
        """SIGKILL to a further process of a service."""
        replica, _ = self.replicas.pop((name, slot))
        replica.kill()

    async def remove_replicas(self) -> None:
        """One process of each service is left."""
        await asyncio.gather(*(self.remove_replica(*place) for place in list(self.replicas)))

    def processes(self) -> Iterator[tuple[str, ServiceProcess, str]]:
        """Every process of every service: the service's name, the process, its address."""
        for name, process in self.services.items():
            yield name, process, self.system.urls[name]
        for (name, _), (process, url) in self.replicas.items():
            yield name, process, url

    def _signal(self, process: ServiceProcess, sign: int) -> None:
        if (pid := process.pid) is not None:
            with suppress(ProcessLookupError):
                os.killpg(pid, sign)

    # Proxies

    @asynccontextmanager
    async def behind_proxies(self, *names: str) -> AsyncIterator[Mapping[str, Proxies]]:
        """Services that reach database and broker through proxies while this lasts.

        They are restarted for it, before and afterwards.
        """
        for name in names:
            self.extra[name] |= self._detour(name)
        await self._restart_together(names)
        try:
            yield {name: self.proxies[name] for name in names}
        finally:
            for name in names:
                for setting in self._detour(name):
                    del self.extra[name][setting]
                for proxy in self.proxies[name].all:
                    proxy.heal()
            await self._restart_together(names)

    def _detour(self, name: str) -> dict[str, str]:
        proxies = self.proxies[name]
        dsn = urlsplit(self.platform.state.dsn(name))
        login = dsn.netloc.rpartition("@")[0]
        way = dsn._replace(netloc=f"{login}@{proxies.database.address}")
        return {
            "OMS_DATABASE_DSN": urlunsplit(way),
            "OMS_KAFKA_BOOTSTRAP": ",".join(p.address for p in proxies.kafka.values()),
        }

    async def _restart_together(self, names: tuple[str, ...]) -> None:
        await asyncio.gather(*(self.services[name].stop() for name in names))
        await self.start_again(*names)

    # What was logged

    def logged(self, since: str, *names: str) -> Iterator[dict[str, Any]]:
        """Lines that services logged from a moment on (RFC 3339, UTC), each with its `process`."""
        for name in names or SERVICES:
            for path in (self.run_dir / "logs").glob(f"{name}*.log"):
                for text in path.read_text(errors="replace").splitlines():
                    with suppress(ValueError, TypeError):
                        line = json.loads(text)
                        if line.get("at", "") >= since:
                            yield line | {"process": path.stem}

    async def wait_said(self, since: str, name: str, text: str, seconds: float = 30.0) -> None:
        """Return once a service has logged a line that contains `text`."""

        async def said() -> bool:
            return any(text in json.dumps(line) for line in self.logged(since, name))

        await until(said, seconds)
