"""server.properties of one node, and the marks of a formatted data folder. Pure."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from oms_platform.ports import LOOPBACK

REPLICAS_MAX = 3
# One for all: data folders are told apart by their run directory.
CLUSTER_ID = "b21zLWxvY2FsLXBsYXRmbQ"


class Detour(NamedTuple):
    """A listener whose clients are told another port than it has: something stands in between."""

    port: int
    advertised_port: int


@dataclass(frozen=True)
class NodeSpec:
    """One node of a combined (broker and controller) cluster; ports are loopback TCP."""

    node_id: int
    client_port: int
    controller_ports: Mapping[int, int]
    cluster_id: str = CLUSTER_ID
    detours: Mapping[str, Detour] = field(default_factory=dict)
    """Further listeners by name (capital letters), for tests that put a proxy before a broker."""

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"{LOOPBACK}:{self.client_port}"


def render_properties(
    spec: NodeSpec, data_dir: Path, extra: Mapping[str, str] | None = None
) -> str:
    """The node's settings as a properties file; `extra` adds to them and overrides them."""
    replicas = str(min(REPLICAS_MAX, len(spec.controller_ports)))
    in_sync_min = "2" if int(replicas) == REPLICAS_MAX else "1"
    own = f"{LOOPBACK}:{spec.controller_ports[spec.node_id]}"
    voters = (f"{node}@{LOOPBACK}:{port}" for node, port in sorted(spec.controller_ports.items()))
    names = ["PLAINTEXT", *spec.detours]
    bound = [spec.address, *(f"{LOOPBACK}:{d.port}" for d in spec.detours.values())]
    told = [spec.address, *(f"{LOOPBACK}:{d.advertised_port}" for d in spec.detours.values())]
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(spec.node_id),
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": _listeners([*names, "CONTROLLER"], [*bound, own]),
        "advertised.listeners": _listeners(names, told),
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": ",".join(
            f"{name}:PLAINTEXT" for name in ("CONTROLLER", *names)
        ),
        "log.dirs": str(data_dir),
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync_min,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync_min,
        "transaction.state.log.num.partitions": "2",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync_min,
        "group.initial.rebalance.delay.ms": "0",
        # The cleaner takes this at start; the default of 128 MB would not fit our heap.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        # A broker killed by SIGKILL is refused until its old session lapses (default 9 s).
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "2",
        "num.replica.fetchers": "1",
    } | dict(extra or {})
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _listeners(names: Sequence[str], addresses: Sequence[str]) -> str:
    return ",".join(f"{name}://{at}" for name, at in zip(names, addresses, strict=True))


def render_meta(spec: NodeSpec) -> str:
    """meta.properties of a freshly formatted data folder: whose it is."""
    directory_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # Kafka keeps ids that begin with a dash for itself.
    directory_id = directory_id.replace("-", "A", 1) if directory_id[0] == "-" else directory_id
    return (
        "version=1\n"
        f"cluster.id={spec.cluster_id}\n"
        f"node.id={spec.node_id}\n"
        f"directory.id={directory_id}\n"
    )
