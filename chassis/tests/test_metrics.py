"""What Prometheus is told."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from aiokafka import TopicPartition
from prometheus_client import Counter, Gauge, Histogram, generate_latest

import oms_chassis
from oms_chassis.decision import Input
from oms_chassis.metrics import Metrics
from oms_chassis.work import Source, Work


def told(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def work(type: str) -> Work:
    item = Input(UUID(int=1), "key", None, datetime(2026, 1, 1, tzinfo=UTC))
    return Work(item, Source.RECORD, ("order", "key"), type)


def test_verdicts_of_a_batch_are_counted_by_kind_and_type() -> None:
    metrics = Metrics()
    metrics.verdicts([(work("Paid"), "apply"), (work("Paid"), "apply"), (work("Paid"), "late")])
    assert 'oms_inputs_total{kind="order",type="Paid",verdict="apply"} 2.0' in told(metrics)
    assert 'oms_inputs_total{kind="order",type="Paid",verdict="late"} 1.0' in told(metrics)


def test_a_cycle_is_observed() -> None:
    metrics = Metrics()
    metrics.cycle(7, 0.003)
    assert 'oms_cycle_seconds_bucket{le="0.005"} 1.0' in told(metrics)
    assert 'oms_cycle_inputs_bucket{le="5.0"} 0.0' in told(metrics)
    assert 'oms_cycle_inputs_bucket{le="10.0"} 1.0' in told(metrics)


def test_skips_and_outcomes_are_counted_by_name() -> None:
    metrics = Metrics()
    metrics.skipped("Shipped")
    metrics.outcome("carrier", "label", "Done")
    assert 'oms_skipped_total{type="Shipped"} 1.0' in told(metrics)
    outcome = 'oms_effect_outcomes_total{gateway="carrier",method="label",outcome="Done"} 1.0'
    assert outcome in told(metrics)


def test_the_lag_of_a_partition_given_up_is_told_no_more() -> None:
    metrics = Metrics()
    metrics.lag({TopicPartition("orders", 0): 5, TopicPartition("orders", 1): 6})
    metrics.lag({TopicPartition("orders", 1): 2})
    lags = [line for line in told(metrics).splitlines() if line.startswith("oms_consumer_lag{")]
    assert lags == ['oms_consumer_lag{partition="1",topic="orders"} 2.0']


def test_two_processes_in_one_test_do_not_share_collectors() -> None:
    one, other = Metrics(), Metrics()
    one.dead_letters.inc()
    assert "oms_dead_letters_total 0.0" in told(other)


def unset(sources: str, names: list[str]) -> list[str]:
    """Collectors that are declared and to which nothing is ever told."""
    told = r"\.(labels|inc|set|set_function|observe|clear)\("
    return [n for n in names if not re.search(rf"(metrics|self)\.{n}{told}", sources)]


def test_a_collector_that_is_never_set_is_found() -> None:
    assert unset("self._metrics.published.inc()", ["published", "db_up"]) == ["db_up"]


def test_every_collector_is_told_something_somewhere() -> None:
    files = Path(oms_chassis.__file__).parent.glob("*.py")
    sources = "".join(file.read_text() for file in files)
    kinds = (Counter, Gauge, Histogram)
    names = [name for name, value in vars(Metrics()).items() if isinstance(value, kinds)]
    assert len(names) > 10
    assert unset(sources, names) == []
