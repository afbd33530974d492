"""The history of an order, folded by today's rules, is the order as it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from random import Random

import httpx
import pytest
from kinds import KINDS
from recorded import portions, work_of, works_of
from running import PARTITIONS, Running
from story import NOW, ORDER_ID, placed

from oms_chassis import parking
from oms_chassis.decision import Input, mint_id
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested
from oms_contracts.event import Alloc
from oms_contracts.inventory import StockReserved
from oms_contracts.order import Gate, OrderAccepted
from oms_order.domain import CancelOrder, NoOrder, Order, PlaceHold, Policy
from oms_order.history import COLUMNS, POLICIES, Heard, Rebuilt, Rules, rebuild
from oms_order.main import service


@asynccontextmanager
async def serving(
    dsn: str, factory: pytest.TempPathFactory, policy: Policy
) -> AsyncIterator[Running]:
    """The service under a policy."""
    async with Running.start(dsn, factory.mktemp("service"), policy) as running:
        yield running


async def heard(running: Running) -> list[Heard]:
    """The history as it is kept."""
    rows = await running.rows(f"SELECT {COLUMNS} FROM inbox WHERE key = $1", ORDER_ID)
    return [Heard(**row) for row in rows]


async def agrees(running: Running) -> Rebuilt:
    """The whole history makes the stored row, column by column."""
    policies = await running.rows(f"SELECT {POLICIES} FROM policy")
    built = rebuild(Rules.kept(Policy(), policies), await heard(running))
    rows = await running.rows("SELECT * FROM orders WHERE order_id = $1", ORDER_ID)
    assert built.differs_from(rows[0] if rows else None) == []
    for name, value in (built.row() or {}).items():
        assert rows[0][name] == value, name
    assert not built.outcome.failed
    return built


def _sizes(way: str) -> Iterator[int]:
    if way == "one by one":
        return repeat(1)
    if way == "at once":
        return repeat(1_000)
    random = Random(way)
    return (random.randint(1, 4) for _ in repeat(None))


@pytest.mark.parametrize("way", ["one by one", "at once", "seed 1", "seed 2"])
@pytest.mark.parametrize("kind", KINDS)
async def test_of_every_kind_of_order_the_fold_of_the_history_is_the_stored_row(
    dsn: str, tmp_path_factory: pytest.TempPathFactory, kind: str, way: str
) -> None:
    story = KINDS[kind]()
    async with serving(dsn, tmp_path_factory, story.policy) as running:
        works = works_of(story)
        for batch in portions(works, _sizes(way)):
            await running.run(batch)
        built = await agrees(running)
        facts = [(f.topic, f.body.TYPE.split(".")[2], f.sequence) for f in built.outcome.facts]
        assert sorted(facts) == sorted(await running.facts())  # in order per partition


def _reserved(order: Order | NoOrder, *line_ids: str) -> StockReserved:
    """Inventory's answer, for lines that may not be there."""
    assert isinstance(order, Order) and order.stock.reserving is not None
    request = order.stock.reserving.request.request_id
    qty = {"1": 2, "2": 1}
    alloc = [Alloc(line_id=n, sku=f"SKU-{n}", location="W", qty=qty.get(n, 1)) for n in line_ids]
    return StockReserved(request_id=request, alloc=tuple(alloc))


async def _parked(running: Running) -> int:
    """An answer nobody can decide on, what waits behind it, and a command that is told so."""
    await running.receive(placed())
    await running.hear(_reserved(await running.order(), "1", "9"))
    await running.receive(CancellationRequested(external_id="S-1001", reason="too slow"))
    told = await running.clients["shop"].post(f"/orders/{ORDER_ID}/cancel", json={})
    assert told.status_code == 409
    assert [h.place for h in await heard(running)].count(None) == 3
    await agrees(running)
    (first, _) = await running.rows("SELECT position FROM parked ORDER BY position")
    position: int = first["position"]
    return position


async def _redrive(running: Running) -> None:
    intake = Intake(
        service.hears, service.strangers, running.cycle.core.home, "main", running.ring, Metrics(),
        0.0,
    )  # fmt: skip
    partitions = list(range(PARTITIONS))
    await running.run(await parking.requested(running.pool, running.ring, intake, partitions))
    assert [r["reason"] for r in await running.rows("SELECT reason FROM parked")] == []


async def test_what_a_person_edited_is_what_was_decided_when_it_was_and_by_whom(
    running: Running,
) -> None:
    position = await _parked(running)
    corrected = wire.encode(_reserved(await running.order(), "1", "2"))
    sealed = running.ring.seal(corrected, b"edit").encode()
    assert await parking.ask_retry(running.pool, position, "ann", sealed)
    await _redrive(running)
    await agrees(running)
    by_type = {h.type: h for h in await heard(running)}
    edited = by_type[StockReserved.TYPE]
    assert (edited.body, edited.actor) == (corrected, "ann")
    assert edited.decided_at is not None and edited.decided_at > edited.at
    assert by_type["CancelOrder"].place is None, "it was refused, and stays refused"
    assert by_type[CancellationRequested.TYPE].decided_at == edited.decided_at


async def test_what_was_skipped_never_happened(running: Running) -> None:
    position = await _parked(running)
    async with running.pool.acquire() as db:
        assert await parking.skip(db, position, "ann", NOW)
    await _redrive(running)
    built = await agrees(running)
    assert [f.body.TYPE for f in built.outcome.facts].count(OrderAccepted.TYPE) == 1
    assert {h.type for h in await heard(running) if h.place is None} == {
        StockReserved.TYPE,
        "CancelOrder",
    }


async def test_of_two_replicas_the_later_decision_is_later_whoever_began_first(
    running: Running,
) -> None:
    await running.receive(placed())
    hold, cancel = (
        work_of(Input(mint_id(NOW, name), ORDER_ID, command, NOW, actor=name))
        for name, command in (("ann", PlaceHold(Gate.PAY, "look")), ("ben", CancelOrder()))
    )
    async with running.pool.acquire() as db, db.transaction():
        await db.execute("SELECT now()")  # began first, decides last
        await running.run([cancel])
        await running.cycle.run(db, [hold])
    await agrees(running)
    order = sorted(await heard(running), key=lambda h: (h.moment, h.place))
    assert [h.type for h in order][1:] == ["CancelOrder", "PlaceHold"]


# The page


async def _page(running: Running, at: datetime, who: str = "ben") -> httpx.Response:
    path = f"/orders/{ORDER_ID}"
    return await running.clients[who].get(path, params={"at": at.isoformat()})


async def test_the_page_shows_an_order_as_it_was_and_as_it_is(running: Running) -> None:
    await running.receive(placed())
    await running.hear(_reserved(await running.order(), "1", "2"))
    first, second = sorted(h.at for h in await heard(running))
    was = (await _page(running, first)).json()
    assert (was["status"], len(was["history"])) == ("accepted", 1)
    assert was["lines"][0]["buckets"]["open"] == 2
    assert was["rebuilt"]["inputs"] == 1
    now = (await _page(running, second + timedelta(days=1))).json()
    assert now["rebuilt"] | {"at": ""} == {"at": "", "inputs": 2, "agrees": True, "notes": []}
    as_stored = (await running.clients["ben"].get(f"/orders/{ORDER_ID}")).json()
    assert now | {"rebuilt": None} == as_stored


async def test_there_is_nothing_to_see_before_the_order_or_of_somebody_elses(
    running: Running,
) -> None:
    await running.receive(placed())
    (one,) = await heard(running)
    before = await _page(running, one.at - timedelta(milliseconds=1))
    assert (before.status_code, (await _page(running, one.at, "rival")).status_code) == (404, 404)
    unclear = {"at": "2026-11-24T09:00:00"}
    refused = await running.clients["ben"].get(f"/orders/{ORDER_ID}", params=unclear)
    assert refused.status_code == 422
    assert (await running.clients["eve"].get(f"/orders/{ORDER_ID}")).status_code == 403


async def test_an_input_is_folded_under_the_policy_that_was_in_force_and_the_page_says_so(
    dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    suspicious = Policy(special_flags=("GIFT",))
    async with serving(dsn, tmp_path_factory, suspicious) as running:
        await running.receive(placed(flags=("GIFT",)))
    async with serving(dsn, tmp_path_factory, Policy()) as running:
        await running.hear(_reserved(await running.order(), "1", "2"))
        built = await agrees(running)
        assert isinstance(built.state, Order) and built.state.body.holds
        (note,) = (await _page(running, datetime.now(UTC))).json()["rebuilt"]["notes"]
        assert "policy changed" in note


async def test_an_order_that_is_stored_otherwise_is_not_passed_off_as_rebuilt(
    running: Running,
) -> None:
    await running.receive(placed())
    await running.pool.execute("UPDATE orders SET waiting_for = 'nobody', seq = seq + 1")
    rebuilt = (await _page(running, datetime.now(UTC))).json()["rebuilt"]
    assert not rebuilt["agrees"]
    assert "waiting_for, seq differ" in rebuilt["notes"][0]
