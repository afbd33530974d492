"""The run directory: one holder, a state only we can read, tools that are missing."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from oms_platform import (
    MissingToolError,
    PlatformBusyError,
    PlatformState,
    doctor,
    running_state,
    service_env,
)
from oms_platform.processes import ProcessRecord
from oms_platform.state import RunLock, read_state, write_state
from oms_platform.tools import require_java, require_maven

ORDER_DSN = "postgresql://oms_order:secret@127.0.0.1:1/oms_order"


def state_in(run_dir: Path) -> PlatformState:
    me = ProcessRecord.of(os.getpid())
    return PlatformState(
        run_dir,
        me,
        bootstrap="127.0.0.1:9092",
        admin_dsn="postgresql://a:secret@127.0.0.1/b",
        dsns={"order": ORDER_DSN},
        processes={"kafka-1": me},
    )


def test_a_state_is_read_back_as_written_and_only_by_us(tmp_path: Path) -> None:
    state = state_in(tmp_path)
    write_state(state)
    assert read_state(tmp_path) == running_state(tmp_path) == state
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_no_password_shows_when_a_state_is_printed(tmp_path: Path) -> None:
    assert "secret" not in repr(state_in(tmp_path))


def test_a_service_is_told_its_own_database_only(tmp_path: Path) -> None:
    assert service_env(state_in(tmp_path), "order") == {
        "OMS_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
        "OMS_DATABASE_DSN": ORDER_DSN,
    }
    with pytest.raises(KeyError):
        service_env(state_in(tmp_path), "billing")


def test_a_second_holder_is_told_who_holds(tmp_path: Path) -> None:
    first, second = RunLock(tmp_path), RunLock(tmp_path)
    first.acquire()
    with pytest.raises(PlatformBusyError) as refusal:
        second.acquire()
    assert refusal.value.pid == os.getpid()
    first.release()
    second.acquire()
    second.release()


def test_no_state_means_nothing_is_up(tmp_path: Path) -> None:
    assert running_state(tmp_path) is None


@pytest.fixture
def no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("OMS_KAFKA_BOOTSTRAP", raising=False)


@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize(
    ("require", "package"), [(require_java, "openjdk-17-jre-headless"), (require_maven, "maven")]
)
async def test_a_missing_tool_comes_with_the_command_that_brings_it(
    require: Callable[[Callable[[str], None]], Awaitable[object]], package: str
) -> None:
    with pytest.raises(MissingToolError) as missing:
        await require(lambda _: None)
    assert missing.value.command.endswith(f"apt-get install -y --no-install-recommends {package}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")
@pytest.mark.usefixtures("no_tools")
async def test_root_on_debian_installs_what_is_missing(tmp_path: Path) -> None:
    apt = tmp_path / "apt-get"
    maven = tmp_path / "mvn"
    apt.write_text(f'#!/bin/sh\n[ "$2" = update ] || /bin/cp "$0" {maven}\n')
    apt.chmod(0o755)
    said: list[str] = []
    assert await require_maven(said.append) == str(maven)
    assert said == ["installing maven"]


@pytest.mark.usefixtures("no_tools")
async def test_the_doctor_names_a_command_for_every_complaint(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in await doctor(tmp_path)}
    assert not findings["java"].ok
    assert not findings["maven"].ok
    assert all(finding.ok or finding.command for finding in findings.values())
