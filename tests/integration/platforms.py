"""Where the tests find a broker and a database: on this machine, or in containers."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

KAFKA_IMAGE = os.environ.get("OMS_KAFKA_IMAGE", "apache/kafka:4.1.1")
POSTGRES_IMAGE = os.environ.get("OMS_POSTGRES_IMAGE", "postgres:17")
_PORT = 9092
_START = "/tmp/start.sh"
_SETTINGS = {
    "NODE_ID": "1",
    "PROCESS_ROLES": "broker,controller",
    "LISTENERS": f"PLAINTEXT://:{_PORT},BROKER://:9094,CONTROLLER://:9093",
    "LISTENER_SECURITY_PROTOCOL_MAP": ("PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    "INTER_BROKER_LISTENER_NAME": "BROKER",
    "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "AUTO_CREATE_TOPICS_ENABLE": "false",
    "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "OFFSETS_TOPIC_NUM_PARTITIONS": "1",
    "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
}


class Kafka(DockerContainer):
    """One Apache Kafka broker.

    Clients reach it through a port that is known only once the container runs, so the broker's
    own start waits for a script that names it.
    """

    def __init__(self) -> None:
        waiting = f"until [ -f {_START} ]; do sleep 0.1; done; exec sh {_START}"
        super().__init__(KAFKA_IMAGE)
        self.with_exposed_ports(_PORT).with_kwargs(entrypoint=["sh", "-c", waiting])
        for name, value in _SETTINGS.items():
            self.with_env(f"KAFKA_{name}", value)

    @property
    def bootstrap(self) -> str:
        """Where clients on this machine find it."""
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(_PORT)}"

    def start(self) -> Kafka:
        """Start, and return once it answers."""
        super().start()
        listeners = f"PLAINTEXT://{self.bootstrap},BROKER://$(hostname -i):9094"
        script = f"export KAFKA_ADVERTISED_LISTENERS={listeners}\nexec /etc/kafka/docker/run\n"
        self.get_wrapped_container().put_archive("/", _archive(_START, script))
        LogMessageWaitStrategy("Kafka Server started").wait_until_ready(self)
        return self


def _archive(path: str, text: str) -> bytes:
    with io.BytesIO() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            about = tarfile.TarInfo(path.lstrip("/"))
            about.size, about.mode = len(text), 0o644
            archive.addfile(about, io.BytesIO(text.encode()))
        return packed.getvalue()


@contextmanager
def platform() -> Iterator[None]:
    """`OMS_TESTS_ON=containers`: broker and database run in containers, and the system is told
    where; otherwise it brings up its own, or takes what the environment names."""
    where = os.environ.get("OMS_TESTS_ON", "here")
    if where == "here":
        yield
        return
    if where != "containers":
        raise ValueError(f"OMS_TESTS_ON is {where!r}: say here or containers")
    with Kafka() as kafka, PostgresContainer(POSTGRES_IMAGE, driver=None) as postgres:
        os.environ["OMS_KAFKA_BOOTSTRAP"] = kafka.bootstrap
        os.environ["OMS_POSTGRES_DSN"] = postgres.get_connection_url()
        try:
            yield
        finally:
            del os.environ["OMS_KAFKA_BOOTSTRAP"], os.environ["OMS_POSTGRES_DSN"]
