"""What a replica tells Prometheus is so."""

from toy.ground import Toy, until
from toy.road import Road
from toy.service import ALARM, UNDECIDABLE, service

from oms_chassis.replica import Replica
from oms_chassis.telemetry import traceparent_of_key


async def test_facts_that_nobody_has_acknowledged_are_counted_in_the_database(
    toy: Toy, account: str
) -> None:
    async with toy.parts(service) as parts:
        before = await _measured(parts, "oms_outbox_facts")
        await _hear(toy, parts, account, 1)
        assert await _measured(parts, "oms_outbox_facts") == before + 1


async def test_parked_keys_are_counted_each_once(toy: Toy, account: str) -> None:
    async with toy.parts(service) as parts:
        before = await _measured(parts, "oms_parked_keys")
        for amount in (UNDECIDABLE, 1, 2):
            await _hear(toy, parts, account, amount)
        assert await _measured(parts, "oms_parked_keys") == before + 1


async def test_the_database_is_up_until_it_answers_no_more(toy: Toy) -> None:
    async with Road(toy.dsn) as road, toy.parts(service, road.dsn) as parts:
        assert await _measured(parts, "oms_db_up") == 1
        road.block()
        assert await _measured(parts, "oms_db_up") == 0


async def test_spans_that_could_not_be_written_are_told(toy: Toy, account: str) -> None:
    nowhere = toy.run_dir / "keys.json" / "traces.jsonl"
    async with toy.parts(service, trace_file=nowhere) as parts:
        trace = traceparent_of_key(account, toy.batch(parts, account, b"{}").works[0].item.id)
        parts.tracer.span("test", trace, 0, 1, {})
        parts.tracer.close()
        assert _value(parts, "oms_spans_dropped") == 1


async def test_acknowledgements_and_late_deadlines_are_timed_once_each(
    toy: Toy, account: str
) -> None:
    async with toy.replica() as replica:
        woken = await replica.metric("oms_due_lateness_seconds_count")
        acknowledged = await replica.metric("oms_relay_ack_seconds_count")
        await toy.deposit((account, ALARM))
        await until(lambda: toy.has_told(account, [(1, ALARM)]))
        assert await replica.metric("oms_relay_ack_seconds_count") > acknowledged
        assert await replica.metric("oms_relay_ack_seconds_sum") > 0
        await until(lambda: _alarmed(toy, account))
        assert await replica.metric("oms_due_lateness_seconds_count") == woken + 1
        assert 0 <= await replica.metric("oms_due_lateness_seconds_sum") < 30


async def _hear(toy: Toy, parts: Replica, account: str, amount: int) -> None:
    await parts.engine.deliver(toy.batch(parts, account, b'{"amount": %d}' % amount))
    await parts.engine.flush()


async def _measured(parts: Replica, name: str) -> float:
    await parts.watch.measure()
    return _value(parts, name)


def _value(parts: Replica, name: str) -> float:
    found = parts.metrics.registry.get_sample_value(name)
    assert found is not None
    return found


async def _alarmed(toy: Toy, account: str) -> bool:
    rows = await toy.fetch("SELECT doc FROM account WHERE account = $1", account)
    return b'"alarms":1' in rows[0]["doc"]
