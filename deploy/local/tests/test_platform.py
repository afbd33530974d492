"""The whole platform on this machine: real broker, real databases, real kill -9."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from oms_platform import (
    SERVICES,
    KafkaCluster,
    LocalPlatform,
    PlatformBusyError,
    TopicMismatchError,
    TopicSpec,
    create_topics,
    running_state,
    stop_running,
)
from oms_platform.kafka.install import install_home, install_kafka
from oms_platform.processes import until
from oms_platform.state import postgres_home

TOPIC = "oms.order.v1"
TOPICS = [
    TopicSpec(TOPIC, "order", ("billing",), 1, 6),
    TopicSpec("oms.stock-level.v1", "inventory", (), 1, 6, compacted=True),
]
DEADLINE_SECONDS = 30.0


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMS_KAFKA_BOOTSTRAP", "OMS_POSTGRES_DSN", "OMS_RUN_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[LocalPlatform]:
    async with LocalPlatform(tmp_path / "run", topics=TOPICS, shared_buffers_mb=32) as running:
        yield running


@pytest.fixture
def strict_umask() -> Iterator[None]:
    """What we make is closed to everybody else, as on hardened machines."""
    before = os.umask(0o077)
    yield
    os.umask(before)


async def test_the_server_finds_its_way_under_a_strict_umask(
    strict_umask: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_KAFKA_BOOTSTRAP", "127.0.0.1:1")  # none is started, none is asked
    async with LocalPlatform(tmp_path / "run", shared_buffers_mb=32) as platform:
        connection = await asyncpg.connect(platform.state.dsn("order"))
        assert await connection.fetchval("SELECT current_user") == "oms_order"
        await connection.close()


async def send(bootstrap: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await asyncio.wait_for(producer.send_and_wait(TOPIC, value, key=b"k"), DEADLINE_SECONDS)


async def first_value(bootstrap: str) -> bytes | None:
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        record = await asyncio.wait_for(consumer.getone(), DEADLINE_SECONDS)
        return bytes(record.value)


async def test_a_record_goes_through_and_topics_are_only_made_on_purpose(
    platform: LocalPlatform,
) -> None:
    bootstrap = platform.state.bootstrap
    await send(bootstrap, b"placed")
    assert await first_value(bootstrap) == b"placed"
    assert await create_topics(bootstrap, TOPICS) == []
    with pytest.raises(TopicMismatchError, match="has 6 partitions, declared are 12"):
        await create_topics(bootstrap, [TopicSpec(TOPIC, "order", (), 1, 12)])


async def test_each_role_reaches_its_own_database_and_the_checker_only_reads(
    platform: LocalPlatform,
) -> None:
    state = platform.state
    for service in SERVICES:
        owner = await asyncpg.connect(state.dsn(service))
        await owner.execute("CREATE TABLE fact (id int); INSERT INTO fact VALUES (1)")
        assert await owner.fetchval("SHOW synchronous_commit") == "on"
        await owner.close()
        checker = await asyncpg.connect(state.check_dsn(service))
        assert await checker.fetchval("SELECT id FROM fact") == 1
        # The grants alone must hold: the role's read-only default can be undone by anyone.
        await checker.execute("SET default_transaction_read_only = off")
        for write in ("INSERT INTO fact VALUES (2)", "CREATE TABLE x ()", "CREATE TEMP TABLE x ()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await checker.execute(write)
        await checker.close()
    foreign = state.dsn("order").removesuffix("oms_order") + "oms_billing"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(foreign)
    wrong_password = f"postgresql://oms_order:guess@{state.dsn('order').partition('@')[2]}"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong_password)


async def test_a_second_up_is_refused_and_platforms_run_side_by_side(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    with pytest.raises(PlatformBusyError) as refusal:
        await LocalPlatform(platform.run_dir).up()
    assert refusal.value.pid == os.getpid()
    async with LocalPlatform(tmp_path / "other", shared_buffers_mb=32) as other:
        assert other.state.bootstrap != platform.state.bootstrap
        assert set(other.state.pids.values()).isdisjoint(platform.state.pids.values())
        await create_topics(other.state.bootstrap, TOPICS)
    await send(platform.state.bootstrap, b"still here")


async def test_down_leaves_no_process_and_no_data(tmp_path: Path) -> None:
    platform = LocalPlatform(tmp_path / "run", shared_buffers_mb=32)
    state = await platform.up()
    service = platform.service("order", [sys.executable, "-c", "input()"], dict(os.environ))
    service.start()
    assert set(platform.state.pids) == {"kafka-1", "postgres", "order"}
    await platform.down()
    assert not any(record.alive() for record in state.processes.values())
    assert not postgres_home(platform.run_dir).exists()
    assert not list(platform.run_dir.glob("kafka/*/data"))
    assert running_state(platform.run_dir) is None


def hold(run_dir: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A platform supervised by another process, returned when it is up."""
    argv = [sys.executable, str(Path(__file__).with_name("holder.py")), str(run_dir), *arguments]
    holder = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    return holder


async def test_up_after_kill_9_cleans_up_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with hold(run_dir, "keep") as holder:
        before = running_state(run_dir)
        assert before is not None
        assert before.supervisor.pid == holder.pid
        await send(before.bootstrap, b"acknowledged")
        owner = await asyncpg.connect(before.dsn("order"))
        await owner.execute("CREATE TABLE fact (id int); INSERT INTO fact VALUES (7)")
        # The death of its supervisor cannot reach it now: only the next up can end it.
        os.kill(before.pids["postgres"], signal.SIGSTOP)
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        owner.terminate()
    assert running_state(run_dir) is None
    leftovers: list[str] = []

    def let_go(progress: str) -> None:
        if "postgres" in progress and "left" in progress:
            leftovers.append(progress)
            os.kill(before.pids["postgres"], signal.SIGCONT)

    platform = LocalPlatform(run_dir, topics=TOPICS, keep_data=True, progress=let_go)
    try:
        state = await platform.up()
        assert len(leftovers) == 1
        assert not any(record.alive() for record in before.processes.values())
        assert await first_value(state.bootstrap) == b"acknowledged"
        owner = await asyncpg.connect(state.dsn("order"))
        assert await owner.fetchval("SELECT id FROM fact") == 7
        await owner.close()
    finally:
        await platform.down()
        shutil.rmtree(postgres_home(run_dir).parent)


async def test_another_process_can_ask_the_holder_to_end(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    with hold(run_dir) as holder:
        state = running_state(run_dir)
        assert state is not None
        assert await stop_running(run_dir, DEADLINE_SECONDS)
        assert holder.wait() == 0
    assert not any(record.alive() for record in state.processes.values())
    assert not await stop_running(run_dir)


async def test_a_damaged_class_archive_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = await install_kafka(lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(shared.home, install_home(), ignore=shutil.ignore_patterns("*.jsa"))
    cluster = KafkaCluster(await install_kafka(lambda _: None), tmp_path)
    try:
        await cluster.start()
        await cluster.stop()
        archive = cluster.install.archive
        os.truncate(archive, 1_000_000)
        await cluster.start()
        assert not archive.exists()
    finally:
        cluster.kill()


async def test_three_nodes_go_on_without_one(tmp_path: Path) -> None:
    cluster = KafkaCluster(await install_kafka(lambda _: None), tmp_path, node_count=3)
    try:
        await cluster.start()
        await create_topics(cluster.bootstrap, TOPICS)
        await send(cluster.bootstrap, b"three")
        victim = cluster.nodes[1]
        killed = victim.pid
        victim.kill()
        assert victim.pid is None
        await send(cluster.bootstrap, b"two of three")
        await victim.restart()
        assert victim.pid not in (None, killed)
        assert await first_value(victim.spec.address) == b"three"
    finally:
        await cluster.stop()
    assert await until(lambda: all(node.pid is None for node in cluster.nodes), DEADLINE_SECONDS)
