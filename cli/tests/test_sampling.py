"""The sampler finds what is wrong at any one moment, and goes on when a store is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from conftest import Played
from world import TENANT

from oms_cli.reconcile.outside import PaymentLine, read_calls
from oms_cli.reconcile.sampling import NAME, SAMPLED, Sampler
from oms_cli.stack import System

in_one_loop = pytest.mark.asyncio(loop_scope="session")
WAIT_SECONDS = 20.0
SOON_SECONDS = 0.01


@pytest.fixture
def system(played: Played, dsns: dict[str, str]) -> System:
    """What the sampler is told of the played world."""
    return System("", TENANT, str(played.data_dir), {}, {}, dsns)


@pytest_asyncio.fixture(loop_scope="session")
async def inventory(dsns: dict[str, str]) -> AsyncIterator[asyncpg.Connection]:
    """The database that is tampered with."""
    db = await asyncpg.connect(dsns["inventory"])
    yield db
    await db.close()


async def until(what: Callable[[], object]) -> None:
    """Wait for something to become true."""
    give_up = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < give_up, "it never came true"
        await asyncio.sleep(SOON_SECONDS)


@in_one_loop
async def test_a_sound_world_is_sampled_over_and_over(system: System):
    async with Sampler(system, every_seconds=SOON_SECONDS) as sampler:
        await until(lambda: sampler.samples >= 3 * len(SAMPLED))
    assert sampler.violations == []
    assert sampler.sampled.keys() == SAMPLED.keys() and not sampler.away


@in_one_loop
async def test_an_oversell_is_seen_although_it_is_mended_before_the_end(
    system: System, inventory: asyncpg.Connection
):
    async with Sampler(system, every_seconds=SOON_SECONDS) as sampler:
        await inventory.execute("UPDATE stock SET on_hand = on_hand + 1")
        try:
            await until(lambda: sampler.found)
        finally:
            await inventory.execute("UPDATE stock SET on_hand = on_hand - 1")
    assert "I3 movements add up to what is on the shelf" in sampler.violations[0]


@in_one_loop
async def test_a_second_capture_is_seen(system: System, played: Played, tmp_path: Path):
    log = tmp_path / "payments.jsonl"
    log.write_bytes((played.data_dir / "payments.jsonl").read_bytes())
    captures = [x for x in _captures(tmp_path) if x.result == "done"]
    with log.open("ab") as file:
        file.write(msgspec.json.encode(captures[0]) + b"\n")
    async with Sampler(msgspec.structs.replace(system, data_dir=str(tmp_path))) as sampler:
        await until(lambda: sampler.found)
    assert "I5 no invoice is captured twice" in sampler.violations[0]


def _captures(folder: Path) -> list[PaymentLine]:
    lines = cast("list[PaymentLine]", read_calls(folder, datetime.now(UTC)).payments)
    return [x for x in lines if x.method == "capture"]


@in_one_loop
async def test_stores_that_go_away_are_counted_and_asked_again(
    system: System, inventory: asyncpg.Connection
):
    async with Sampler(system, every_seconds=SOON_SECONDS) as sampler:
        await until(lambda: sampler.sampled["inventory"])
        await inventory.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = $1",
            NAME,
        )
        await until(lambda: sampler.away["inventory"])
        seen = sampler.sampled["inventory"]
        await until(lambda: sampler.sampled["inventory"] > seen)
    assert sampler.violations == []


@in_one_loop
async def test_a_store_that_never_answers_keeps_no_other_from_being_sampled(system: System):
    silent = await asyncio.start_server(lambda reader, writer: reader.read(), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    dsns = system.check_dsns | {"billing": f"postgresql://nobody:x@127.0.0.1:{port}/none"}
    async with silent:
        deaf = msgspec.structs.replace(system, check_dsns=dsns)
        async with Sampler(deaf, every_seconds=SOON_SECONDS) as sampler:
            await until(lambda: sampler.away["billing"] and sampler.sampled["notify"])
    assert not sampler.sampled["billing"]
