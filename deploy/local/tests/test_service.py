"""A supervised process: it starts, gets ready, stops, and never outlives us."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oms_platform import DeadlineError, ServiceProcess, StartError, free_port
from oms_platform.processes import ProcessRecord, end_recorded, start_mark, until

FOREVER = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); " + FOREVER
PARENT = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'input()'], "
    "stdin=subprocess.PIPE); print(child.pid, flush=True); child.wait()"
)
SUPERVISOR = (
    "import signal, sys, pathlib; from oms_platform import ServiceProcess; "
    "s = ServiceProcess('x', [sys.executable, '-c', 'import signal; "
    "signal.pause()'], None, pathlib.Path(sys.argv[1])); print(s.start(), flush=True); "
    "signal.pause()"
)
DEADLINE_SECONDS = 10.0

Make = Callable[[str], ServiceProcess]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[ServiceProcess] = []

    def service(code: str) -> ServiceProcess:
        argv = [sys.executable, "-c", code]
        made.append(ServiceProcess("x", argv, None, tmp_path / "logs" / "x.log"))
        return made[-1]

    yield service
    for service_process in made:
        service_process.kill()


async def said(service: ServiceProcess) -> str:
    """What it printed, once it has printed a line."""
    log = service.log_path
    assert await until(lambda: log.exists() and "\n" in log.read_text(), DEADLINE_SECONDS)
    return log.read_text()


async def test_stop_asks_first(make: Make) -> None:
    service = make(FOREVER)
    pid = service.start()
    await said(service)
    assert service.pid == pid
    assert await service.stop() == -signal.SIGTERM
    assert (service.running, service.pid, start_mark(pid)) == (False, None, None)


async def test_stop_kills_what_does_not_listen(make: Make) -> None:
    service = make(STUBBORN)
    service.start()
    await said(service)
    assert await service.stop(deadline_seconds=0.1) == -signal.SIGKILL


async def test_kill_takes_its_children_too(make: Make) -> None:
    service = make(PARENT)
    service.start()
    child = int(await said(service))
    service.kill()
    assert service.exit_code == -signal.SIGKILL
    assert await until(lambda: start_mark(child) is None, DEADLINE_SECONDS)


async def test_restart_gives_another_process_and_a_running_one_is_not_started_twice(
    make: Make,
) -> None:
    service = make(FOREVER)
    first = service.start()
    with pytest.raises(StartError, match="already running"):
        service.start()
    assert await service.restart() != first


async def test_ready_means_the_url_answers_200(make: Make) -> None:
    port = free_port()
    service = make(
        f"import http.server as h; h.HTTPServer(('127.0.0.1', {port}), "
        "h.SimpleHTTPRequestHandler).serve_forever()"
    )
    service.start()
    await service.wait_ready(f"http://127.0.0.1:{port}/", DEADLINE_SECONDS)
    with pytest.raises(DeadlineError, match="404"):
        await service.wait_ready(f"http://127.0.0.1:{port}/ready", 0.3)


async def test_an_end_before_ready_shows_the_log(make: Make) -> None:
    service = make("raise SystemExit('no database')")
    service.start()
    with pytest.raises(StartError, match="code 1") as failure:
        await service.wait_ready(f"http://127.0.0.1:{free_port()}/", DEADLINE_SECONDS)
    assert "no database" in str(failure.value)


def test_a_program_that_is_not_there_is_a_start_error(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be started"):
        ServiceProcess("x", ["/nonexistent"], None, tmp_path / "x.log").start()


async def test_a_recycled_pid_is_never_touched(make: Make) -> None:
    service = make(FOREVER)
    pid = service.start()
    await end_recorded(ProcessRecord(pid, "another start"), DEADLINE_SECONDS)
    assert service.running
    await end_recorded(ProcessRecord.of(pid), DEADLINE_SECONDS)
    assert not service.running


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
async def test_a_service_dies_with_a_killed_supervisor(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", SUPERVISOR, str(tmp_path / "x.log")]
    supervisor = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    with supervisor:
        pid = int(supervisor.stdout.readline())
        assert start_mark(pid) is not None
        os.kill(supervisor.pid, signal.SIGKILL)
    assert await until(lambda: start_mark(pid) is None, DEADLINE_SECONDS)
