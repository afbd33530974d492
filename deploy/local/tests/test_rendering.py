"""What is computed without a process: settings, names, versions, addresses."""

from pathlib import Path

import pytest

from oms_platform import NodeSpec, free_port, kafka_version, render_properties
from oms_platform.kafka.properties import Detour, render_meta
from oms_platform.ports import free_ports
from oms_platform.postgres.binaries import postgres_major
from oms_platform.postgres.databases import dsn_for, role_name
from oms_platform.postgres.server import render_settings
from oms_platform.state import find_checkout
from oms_platform.tools import java_version


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_one_node_keeps_one_replica_and_never_makes_a_topic() -> None:
    found = settings(render_properties(NodeSpec(1, 9092, {1: 9093}), Path("/d")))
    assert found["default.replication.factor"] == "1"
    assert found["min.insync.replicas"] == "1"
    assert found["auto.create.topics.enable"] == "false"
    assert found["broker.session.timeout.ms"] == "2000"


def test_three_nodes_keep_three_replicas_two_in_sync() -> None:
    controllers = {1: 11, 2: 12, 3: 13}
    found = settings(render_properties(NodeSpec(2, 22, controllers), Path("/d")))
    assert found["default.replication.factor"] == "3"
    assert found["min.insync.replicas"] == "2"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:11,2@127.0.0.1:12,3@127.0.0.1:13"
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:22,CONTROLLER://127.0.0.1:12"


def test_a_detour_is_a_listener_that_tells_its_clients_another_port() -> None:
    spec = NodeSpec(1, 22, {1: 12}, detours={"BILLING": Detour(31, 41), "NOTIFY": Detour(32, 42)})
    found = settings(render_properties(spec, Path("/d")))
    assert found["listeners"] == (
        "PLAINTEXT://127.0.0.1:22,BILLING://127.0.0.1:31,NOTIFY://127.0.0.1:32,"
        "CONTROLLER://127.0.0.1:12"
    )
    assert found["advertised.listeners"] == (
        "PLAINTEXT://127.0.0.1:22,BILLING://127.0.0.1:41,NOTIFY://127.0.0.1:42"
    )
    assert "BILLING:PLAINTEXT" in found["listener.security.protocol.map"]


def test_extra_settings_add_and_override() -> None:
    extra = {"num.io.threads": "4", "message.max.bytes": "9"}
    found = settings(render_properties(NodeSpec(1, 1, {1: 2}), Path("/d"), extra))
    assert (found["num.io.threads"], found["message.max.bytes"]) == ("4", "9")


def test_every_formatted_folder_has_an_id_of_its_own() -> None:
    ids = {settings(render_meta(NodeSpec(1, 1, {1: 2})))["directory.id"] for _ in range(500)}
    assert len(ids) == 500
    assert not any(one.startswith("-") or len(one) != 22 for one in ids)


def test_the_pom_names_the_version() -> None:
    assert kafka_version().split(".")[0] == "4"


def test_durability_is_never_switched_off() -> None:
    text = render_settings(5432, Path("/s"), 256)
    assert "fsync = 'on'" in text
    assert "synchronous_commit = 'on'" in text
    assert "shared_buffers = '256MB'" in text


def test_versions_are_read_from_what_programs_print() -> None:
    assert java_version('openjdk version "17.0.15" 2025-04-15\n') == "17.0.15"
    assert java_version("command not found") is None
    assert postgres_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)") == 15
    assert postgres_major("") is None


def test_a_dsn_keeps_host_and_options() -> None:
    found = dsn_for(
        "postgresql://boss:p@h:5432/postgres?ssl=require", "oms_order", "x", "oms_order"
    )
    assert found == "postgresql://oms_order:x@h:5432/oms_order?ssl=require"


@pytest.mark.parametrize("bad", ["", "Order", "order; DROP TABLE x", "or-der", "bestellüng"])
def test_a_service_name_becomes_sql_only_if_plain(bad: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        role_name(bad)


def test_the_checkout_is_found_from_below(tmp_path: Path) -> None:
    below = tmp_path / "services" / "order"
    below.mkdir(parents=True)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "topics.toml").touch()
    assert find_checkout(below) == tmp_path


def test_ports_differ_and_lie_below_the_range_of_outgoing_connections() -> None:
    assert len(set(free_ports(50))) == 50
    assert free_port() < 32768
