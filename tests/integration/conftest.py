"""One running system for all stories of a run: six processes, a broker, six databases."""

import json
import logging
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import platforms
import pytest
import pytest_asyncio
from floor import Floor
from merchant import Merchant

from oms_cli.stack import Stack

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
LINES_SHOWN_MAX = 40
"""Lines of the services' logs shown beside a failed story, the latest ones."""
_LOGS = pytest.StashKey[Path]()

for _talkative in ("aiokafka", "asyncio", "httpx", "testcontainers"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All stories run in one event loop, which the system is supervised from."""
    for item in (item for item in items if item.path.is_relative_to(HERE)):
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failed story stands what the services complained of while it was told."""
    report = yield
    logs = item.config.stash.get(_LOGS, None)
    if report.failed and logs is not None:
        since = datetime.fromtimestamp(call.start, UTC).isoformat(timespec="milliseconds")
        lines = [line for file in sorted(logs.glob("*.log")) for line in _complaints(file, since)]
        report.sections.append(("logs of the services", "\n".join(lines[-LINES_SHOWN_MAX:])))
    return report


def _complaints(log: Path, since: str) -> Iterator[str]:
    """Errors, and what is no line of ours at all, such as a traceback of a start that failed."""
    for text in log.read_text(errors="replace").splitlines():
        try:
            line = json.loads(text)
            if line["at"] >= since and line["level"] in ("ERROR", "CRITICAL"):
                yield text
        except (ValueError, TypeError, KeyError):
            if log.name not in ("postgres.log", "mailbox.log"):
                yield f"{log.name}: {text}"


@pytest.fixture(scope="session")
def platform() -> Iterator[None]:
    """Broker and database, as far as they are not the system's own."""
    with platforms.platform():
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(
    platform: None, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> AsyncIterator[Stack]:
    """The system, with time running faster."""
    policies = HERE / "policies.toml"
    run_dir = tmp_path_factory.mktemp("system")
    pytestconfig.stash[_LOGS] = run_dir / "logs"
    async with Stack(CHECKOUT, run_dir=run_dir, policies=policies) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def merchant(stack: Stack) -> AsyncIterator[Merchant]:
    """Somebody to tell a story with."""
    merchant = Merchant(stack)
    await merchant.open()
    yield merchant
    await merchant.close()


@pytest.fixture
def floor(merchant: Merchant) -> Floor:
    """Somebody who picks and packs."""
    return Floor(merchant)
