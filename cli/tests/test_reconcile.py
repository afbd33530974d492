"""Every check passes over a world at rest, and catches what is planted for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from conftest import Played
from plants import PLANTS as PLANTED
from plants_around import PLANTS as PLANTED_AROUND
from scenes import Scene, completed
from world import TENANT

from oms_cli.reconcile import CHECKS, Check, agreement, hygiene
from oms_cli.reconcile import check as check_all
from oms_cli.reconcile.log import channel_of, is_answers, told_by
from oms_cli.reconcile.outside import Outside, Probe, SentLine, read_outside
from oms_cli.reconcile.secrecy import secrets_of
from oms_contracts.order import OrderAccepted
from oms_order.domain import order_key

PLANTS = PLANTED | PLANTED_AROUND

in_one_loop = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def scene(played: Played, dsns: dict[str, str], tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene in transactions that are rolled back, with no trigger to keep it honest."""
    async with AsyncExitStack() as stack:
        stores = {}
        for name, dsn in dsns.items():
            db = stores[name] = await asyncpg.connect(dsn)
            stack.push_async_callback(db.close)
            transaction = db.transaction()
            await transaction.start()
            stack.push_async_callback(transaction.rollback)
            await db.execute("SET LOCAL session_replication_role = replica")
        records = [record for log in played.world.records.values() for record in log]
        secrets = secrets_of(map(told_by, records), ["Zyxquorn"])
        told = [told_by(r, None if _foreign(r.topic) else secrets) for r in records]
        heard = {name: dict(member.position) for name, member in played.world.members.items()}
        (log := tmp_path / "order.log").touch()
        yield Scene(stores, told, _outside(played, log), heard, secrets)


def _foreign(topic: str) -> bool:
    return bool(channel_of(topic)) and not is_answers(topic)


def _outside(played: Played, log: Path) -> Outside:
    found = read_outside(played.data_dir, datetime.now(UTC))
    placed = [p for p in played.people.plan if p.channel == "store"]
    ids = [order_key(TENANT, p.channel, p.external_id) for p in placed]
    sent = [SentLine(p.channel, p.external_id, id_) for p, id_ in zip(placed, ids, strict=True)]
    probes = [Probe("order", "store", "/orders/{order} of web", 404)]
    return replace(found, sent=sent, files=[*found.files, log], probes=probes)


@in_one_loop
async def test_a_world_at_rest_has_nothing_wrong(scene: Scene):
    findings = await check_all(await scene.ground())
    assert [f for f in findings if f.violations] == []
    assert [f.title for f in findings if not f.count] == ["dead letters are those expected"]
    assert len({f.title for f in findings}) == len(CHECKS)


def test_every_check_has_something_planted_for_it():
    assert PLANTS.keys() == set(CHECKS)


@in_one_loop
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_planted_violation_is_caught(scene: Scene, check: Check):
    await PLANTS[check](scene)
    finding = await check(await scene.ground())
    assert finding.violations and not finding.ok


@in_one_loop
async def test_dead_letters_are_the_poisoned_records_and_no_others(scene: Scene):
    buried, lost = ("oms.order.v1", 0, 0), ("oms.order.v1", 0, 7)
    await PLANTS[hygiene.dead_letters_are_those_expected](scene)
    scene.injected = frozenset([buried])
    assert (await hygiene.dead_letters_are_those_expected(await scene.ground())).ok
    scene.injected = frozenset([lost])
    found = await hygiene.dead_letters_are_those_expected(await scene.ground())
    assert [line.partition(":")[0] for line in found.violations] == [
        "oms.order.v1[0]@0", "oms.order.v1[0]@7",
    ]  # fmt: skip


@in_one_loop
async def test_what_is_in_motion_is_not_compared(scene: Scene):
    order_id = await completed(scene)
    await scene.run("shipping", "DELETE FROM shipments WHERE order_id = $1", order_id)
    accepted = next(t for t in scene.told if t.type == OrderAccepted.TYPE and t.key == order_id)
    scene.heard["shipping"][accepted.place] = accepted.offset
    ground = await scene.ground()
    assert not ground.settled(order_id)
    assert (await agreement.all_name_the_same_shipments(ground)).ok
