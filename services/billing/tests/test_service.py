"""The whole service but for Kafka: the real cycle, the real calls, the sandbox provider."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from builders import NOW, ORDER, TOTAL, all_shipped, refund, requested, shipped, void

from oms_billing.gateways import SandboxPayments
from oms_billing.inputs import roots
from oms_billing.main import service
from oms_chassis.calls import Calls
from oms_chassis.cycle import Cycle
from oms_chassis.decision import Input, mint_id
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import Writer, unpack
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.telemetry import Tracer
from oms_chassis.work import Source, Work
from oms_contracts import wire
from oms_contracts.event import Event

PARTITIONS = 6


@dataclass
class Running:
    """One replica at work; what Kafka would bring is handed to it."""

    db: asyncpg.Connection
    cycle: Cycle
    calls: Calls
    outcomes: list[Work] = field(default_factory=list)
    heard: int = 0

    async def hear(self, *facts: Event) -> None:
        """One batch of facts about the order, then the calls that follow, to the end."""
        works = []
        for fact in facts:
            self.heard += 1
            item = Input(mint_id(NOW, f"{self.heard}"), ORDER, fact, NOW, topic=fact.topic())
            own = roots(item)[0]
            works.append(Work(item, Source.RECORD, own, fact.TYPE, raw=wire.encode(fact)))
        while works:
            done = await self.cycle.run(self.db, works)
            self.calls.feed(done.calls, first_try=True)
            await self.calls.settled()
            works, self.outcomes[:] = list(self.outcomes), []

    async def told(self) -> list[str]:
        """Names of the facts in the outbox, in order; their numbers have no gaps."""
        rows = await self.db.fetch("SELECT body FROM outbox ORDER BY id")
        facts = [fact for row in rows for fact in unpack(row["body"])]
        assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))
        return [fact.type.split(".")[2] for fact in facts]


class SettlingCalls(Calls):
    """Calls that a test can wait for."""

    async def settled(self) -> None:
        """Every call made so far has its outcome."""
        while self._tasks:
            await next(iter(self._tasks))


@pytest.fixture
async def running(db: asyncpg.Connection, tmp_path: Path) -> AsyncIterator[Running]:
    settings = Settings(
        service="billing", kafka_bootstrap="-", database_dsn="-", data_dir=tmp_path,
        trace_ratio=0.0,
    )  # fmt: skip
    ring = KeyRing.create(tmp_path / "ring.json")
    writer = Writer("test", PARTITIONS, Tracer(settings))
    core = service.core(service.policy())
    cycle = Cycle(core, service.store, writer, ring, settings.tenant, PARTITIONS)
    outcomes: list[Work] = []
    calls = SettlingCalls(service.gateways(settings, ring), outcomes.append, Metrics())
    yield Running(db, cycle, calls, outcomes)
    await calls.stop()


async def test_an_order_is_paid_shipped_and_partly_returned(running: Running) -> None:
    await running.hear(requested())
    await running.hear(all_shipped())
    await running.hear(refund(298, ("2", 1)))
    assert await running.told() == [
        "PaymentAuthorized", "LedgerPosted", "LedgerPosted", "PaymentCaptured",
        "LedgerPosted", "RefundCompleted",
    ]  # fmt: skip
    cash = (
        "SELECT sum(debit_minor - credit_minor)::bigint FROM journal_entry WHERE account = 'cash'"
    )
    assert await running.db.fetchval(cash) == TOTAL - 298
    assert await running.db.fetchval("SELECT count(*) FROM parked") == 0


async def test_a_batch_may_hold_the_whole_life_of_a_payment(running: Running) -> None:
    await running.hear(requested(), shipped("S-1", ("3", 1)), void(), requested(), void())
    assert await running.told() == [
        "LedgerPosted", "LedgerPosted", "PaymentCaptured", "PaymentVoided",
    ]  # fmt: skip
    assert await running.db.fetchval("SELECT status FROM payment") == "voided"


async def test_a_provider_that_stays_silent_is_asked_again_at_a_deadline(running: Running) -> None:
    await running.hear(requested("tok_silent"))
    assert await running.told() == []
    assert await running.db.fetchval("SELECT count(*) FROM due WHERE kind = 'payment'") == 1


async def test_what_billing_cannot_take_waits_for_a_person_with_its_key(running: Running) -> None:
    await running.hear(requested())
    await running.hear(shipped("S-1", ("9", 1)), void())
    parked = await running.db.fetch("SELECT kind, key, reason FROM parked ORDER BY position")
    assert [(row["kind"], row["key"]) for row in parked] == [("payment", ORDER)] * 2
    assert "never priced" in parked[0]["reason"]
    assert await running.told() == ["PaymentAuthorized"]


def test_the_sandbox_is_billings_only_gateway(tmp_path: Path) -> None:
    settings = Settings(service="billing", kafka_bootstrap="-", database_dsn="-", data_dir=tmp_path)
    made = service.gateways(settings, KeyRing.create(tmp_path / "ring.json"))
    assert list(made) == ["payments"] and isinstance(made["payments"], SandboxPayments)
