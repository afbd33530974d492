"""The local platform: a real broker and real databases on this machine, without containers.

async with LocalPlatform(topics=load_topics(path)) as platform:
    orders = platform.service("order", argv, os.environ | service_env(platform.state, "order"))
    orders.start()
    await orders.wait_ready("http://127.0.0.1:8001/ready", deadline_seconds=30)
"""

from oms_platform.doctor import Finding, doctor
from oms_platform.errors import (
    DeadlineError,
    JvmCrashError,
    MissingToolError,
    PlatformBusyError,
    PlatformError,
    PortTakenError,
    StartError,
    TopicMismatchError,
    TopicsFileError,
)
from oms_platform.kafka.cluster import KafkaCluster
from oms_platform.kafka.install import kafka_version
from oms_platform.kafka.node import KafkaNode
from oms_platform.kafka.properties import NodeSpec, render_properties
from oms_platform.platform import LocalPlatform, stop_running
from oms_platform.ports import free_port
from oms_platform.postgres.databases import SERVICES
from oms_platform.postgres.server import PostgresServer
from oms_platform.service import ServiceProcess
from oms_platform.state import PlatformState, default_run_dir, running_state, service_env
from oms_platform.topics import TopicSpec, create_topics, load_topics

__all__ = [
    "SERVICES",
    "DeadlineError",
    "Finding",
    "JvmCrashError",
    "KafkaCluster",
    "KafkaNode",
    "LocalPlatform",
    "MissingToolError",
    "NodeSpec",
    "PlatformBusyError",
    "PlatformError",
    "PlatformState",
    "PortTakenError",
    "PostgresServer",
    "ServiceProcess",
    "StartError",
    "TopicMismatchError",
    "TopicSpec",
    "TopicsFileError",
    "create_topics",
    "default_run_dir",
    "doctor",
    "free_port",
    "kafka_version",
    "load_topics",
    "render_properties",
    "running_state",
    "service_env",
    "stop_running",
]
