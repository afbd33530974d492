"""A cluster of KafkaNodes: one for a checkout, three for fault tests."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from oms_platform.errors import JvmCrashError, PortTakenError
from oms_platform.kafka.install import KafkaInstall
from oms_platform.kafka.node import KafkaNode
from oms_platform.kafka.properties import Detour, NodeSpec
from oms_platform.ports import free_ports
from oms_platform.processes import ProcessRecord

_START_TRIES = 3


Detours = Mapping[int, Mapping[str, int]]
"""By node and listener, the port that clients of that listener are told."""


def node_specs(count: int, detours: Detours | None = None) -> list[NodeSpec]:
    """`count` nodes, ids from 1, on free ports, each knowing all controllers."""
    ports = free_ports(2 * count)
    controllers = {index + 1: ports[count + index] for index in range(count)}
    return [
        NodeSpec(node, ports[node - 1], controllers, detours=_bound((detours or {}).get(node, {})))
        for node in controllers
    ]


def _bound(advertised: Mapping[str, int]) -> dict[str, Detour]:
    ports = free_ports(len(advertised))
    return {
        name: Detour(port, told)
        for port, (name, told) in zip(ports, advertised.items(), strict=True)
    }


class KafkaCluster:
    """Nodes below `directory`. With three nodes topics get 3 replicas, 2 of them in sync."""

    def __init__(
        self,
        install: KafkaInstall,
        directory: Path,
        *,
        node_count: int = 1,
        extra: Mapping[str, str] | None = None,
        detours: Detours | None = None,
        on_start: Callable[[str, ProcessRecord], None] | None = None,
    ) -> None:
        self.nodes: list[KafkaNode] = []
        self.install, self._directory, self._detours = install, directory, detours
        self._node_count, self._extra, self._on_start = node_count, extra, on_start

    @property
    def bootstrap(self) -> str:
        """Host and port of every node, comma-separated."""
        return ",".join(node.spec.address for node in self.nodes)

    async def start(self) -> None:
        """Start all nodes and wait until each is ready; try again on what a retry mends.

        Raises StartError or DeadlineError; nodes already started then still run: call stop().
        """
        for attempt in range(1, _START_TRIES + 1):
            self._make_nodes()
            for node in self.nodes:
                node.start()
            try:
                await asyncio.gather(*(node.wait_ready() for node in self.nodes))
            except (PortTakenError, JvmCrashError) as error:
                if attempt == _START_TRIES:
                    raise
                self.kill()
                # Java maps the archive unchecked: one cut short by a full disk crashes it.
                if isinstance(error, JvmCrashError):
                    self.install.drop_archive()
            else:
                return

    async def stop(self) -> None:
        """Stop all nodes in order."""
        await asyncio.gather(*(node.stop() for node in self.nodes))

    def kill(self) -> None:
        """SIGKILL to all nodes."""
        for node in self.nodes:
            node.kill()

    def _make_nodes(self) -> None:
        # Dumping the archive costs its JVM seconds at the stop, so only the first ever does.
        missing = not self.install.archive.exists()
        self.nodes = [
            KafkaNode(
                spec,
                self.install,
                self._directory / f"node-{spec.node_id}",
                extra=self._extra,
                make_archive=missing and spec.node_id == 1,
                on_start=self._on_start,
            )
            for spec in node_specs(self._node_count, self._detours)
        ]
