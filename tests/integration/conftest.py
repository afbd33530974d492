"""One running system for all stories of a run: six processes, a broker, six databases."""

import json
import logging
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import platforms
import pytest
import pytest_asyncio
from floor import Floor
from merchant import Merchant

from oms_cli.stack import Stack
from oms_platform import SERVICES

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
LINES_SHOWN_MAX = 40
"""Lines of the services' logs shown beside a failed story, the latest ones."""
_STACK = pytest.StashKey[Stack]()

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
    stack = item.config.stash.get(_STACK, None)
    if report.failed and stack is not None:
        since = datetime.fromtimestamp(call.start, UTC).isoformat(timespec="milliseconds")
        logs = sorted((stack.run_dir / "logs").glob("*.log"))
        lines = [line for log in logs for line in _complaints(log, since)]
        lines = [*_parked(stack, since), *lines[-LINES_SHOWN_MAX:]]
        report.sections.append(("parked inputs and logs of the services", "\n".join(lines)))
    return report


def _parked(stack: Stack, since: str) -> Iterator[str]:
    headers = stack.system.headers("operator")
    for service in SERVICES:
        try:
            url = f"{stack.system.urls[service]}/parked"
            rows = httpx.get(url, headers=headers, trust_env=False).raise_for_status().json()
        except httpx.HTTPError as error:
            yield f"{service}: {error!r}"
        else:
            new = [row for row in rows if row["parked_at"] >= since]
            yield from (f"{service}: {r['type']} of {r['key']}: {r['reason']}" for r in new)


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
    async with Stack(CHECKOUT, run_dir=run_dir, policies=policies) as stack:
        pytestconfig.stash[_STACK] = stack
        yield stack
        del pytestconfig.stash[_STACK]


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
