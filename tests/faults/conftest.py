"""Rows share one system as long as they leave it whole; one that fails leaves it to nobody."""

import inspect
import logging
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from matrix import Result
from rig import Rig
from trial import Trial

from oms_platform.state import postgres_home

HERE = Path(__file__).resolve().parent
LINES_SHOWN_MAX = 40
TRIALS_A_RIG_MAX = 8
"""Then the system is replaced: every proof reads all that ever happened in it."""
_FAILED = pytest.StashKey[bool]()
_RESULT = pytest.StashKey[Result]()
_RESULTS = pytest.StashKey[dict[str, Result]]()

for _talkative in ("aiokafka", "asyncio", "httpx"):
    logging.getLogger(_talkative).setLevel(logging.CRITICAL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all` runs every row, not a few minutes of them; `--record` keeps the results."""
    parser.addoption("--all", action="store_true", help="every fault, not only the smoke")
    parser.addoption("--record", action="store_true", help="write results for the matrix")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "row(number, name): a row of the fault matrix")
    config.addinivalue_line("markers", "brokers(count): a fresh trial with so many nodes")
    config.addinivalue_line("markers", "disk(mebibytes): a fresh trial, its databases on that disk")
    config.addinivalue_line("markers", "smoke: runs without --all as well")
    config.stash[_RESULTS] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All rows run in one event loop, which their systems are supervised from."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    if not config.getoption("--all"):
        left_out = [item for item in items if item.get_closest_marker("smoke") is None]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember failures, so that the next row gets a system that is whole."""
    report = yield
    given = item.funcargs if isinstance(item, pytest.Function) else {}
    trial, result = given.get("trial") or given.get("fresh_trial"), item.stash.get(_RESULT, None)
    if report.failed and result is not None and not item.stash.get(_FAILED, False):
        result.failures += 1
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    if report.failed and isinstance(trial, Trial) and trial.began:
        lines = [
            f"{line['process']}: {line}" for line in trial.rig.logged(trial.began)
            if line.get("level") in ("ERROR", "CRITICAL")
        ]  # fmt: skip
        report.sections.append(("what services complained of", "\n".join(lines[-LINES_SHOWN_MAX:])))
    return report


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A file system of its own for a folder, in memory; none for 0."""
    if not mebibytes:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    size = f"size={mebibytes}m,mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


class Rigs:
    """Makes systems, and keeps one that is whole for the next row."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._kept: Rig | None = None
        self._trials = 0

    async def shared(self) -> Rig:
        """The one that others used before and will use again."""
        if self._kept is not None and self._trials >= TRIALS_A_RIG_MAX:
            await self.discard()
        if self._kept is None:
            self._kept, self._trials = Rig(self._folders.mktemp("rig") / "run"), 0
            await self._kept.up()
        self._trials += 1
        return self._kept

    @asynccontextmanager
    async def fresh(self, *, broker_nodes: int = 1, disk_mebibytes: int = 0) -> AsyncIterator[Rig]:
        """One for a single row; its databases on a disk of that size, if one is given."""
        run_dir = self._folders.mktemp("rig") / "run"
        with small_disk(postgres_home(run_dir), disk_mebibytes):
            async with Rig(run_dir, broker_nodes=broker_nodes) as rig:
                yield rig

    async def discard(self) -> None:
        """Nobody shall use the shared one again."""
        rig, self._kept = self._kept, None
        if rig is not None:
            await rig.down()
            shutil.rmtree(rig.run_dir / "kafka", ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rigs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rigs]:
    """Where systems come from."""
    rigs = Rigs(tmp_path_factory)
    yield rigs
    await rigs.discard()


@pytest.fixture
def result(request: pytest.FixtureRequest) -> Result:
    """What is recorded of this row; all its parameters share one."""
    mark = request.node.get_closest_marker("row")
    assert mark is not None, "a test with a trial says which row it plays: @row(n, name)"
    test = f"{request.node.path.name}::{request.node.originalname}"
    results = request.config.stash[_RESULTS]
    request.node.stash[_RESULT] = results.setdefault(test, Result(*mark.args, test))
    return request.node.stash[_RESULT]


@pytest_asyncio.fixture(loop_scope="session")
async def trial(rigs: Rigs, result: Result, request: pytest.FixtureRequest) -> AsyncIterator[Trial]:
    """A trial on the shared system. A row that witnessed nothing has proven nothing."""
    seen = result.witnessed.total()
    trial = Trial(await rigs.shared(), result)
    yield trial
    if request.node.stash.get(_FAILED, False):
        await rigs.discard()
    else:
        assert result.witnessed.total() > seen, "nothing witnessed that the fault happened"


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_trial(
    rigs: Rigs, result: Result, request: pytest.FixtureRequest
) -> AsyncIterator[Trial]:
    """A trial on a system of its own: `@pytest.mark.brokers(3)` gives it so many nodes,
    `@pytest.mark.disk(400)` databases on a disk of so many MiB.
    """
    seen = result.witnessed.total()
    brokers, disk = map(request.node.get_closest_marker, ("brokers", "disk"))
    if disk is not None and os.geteuid() != 0:
        pytest.skip("a disk of a given size is mounted, which only root may do")
    async with rigs.fresh(
        broker_nodes=brokers.args[0] if brokers else 1,
        disk_mebibytes=disk.args[0] if disk else 0,
    ) as rig:
        yield Trial(rig, result)
    if not request.node.stash.get(_FAILED, False):
        assert result.witnessed.total() > seen, "nothing witnessed that the fault happened"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what became of each row, if asked to."""
    if session.config.getoption("--record"):
        for result in session.config.stash[_RESULTS].values():
            if result.runs or result.failures:  # else it was skipped: what is known stays known
                result.save()
