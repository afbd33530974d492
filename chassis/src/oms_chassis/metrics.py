"""What a running service tells Prometheus. Label values come from code, never from content."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from oms_chassis.work import Work

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LATENESS_SECONDS = (0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0)
_BATCH_INPUTS = (1, 2, 5, 10, 25, 50, 100, 250, 500)


class Metrics:
    """The collectors of one process, each an attribute."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"oms_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"oms_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
            return Histogram(f"oms_{name}", text, registry=registry, buckets=buckets)

        self.inputs = counter("inputs", "Inputs decided", "kind", "type", "verdict")
        self.repeats = counter("repeats", "Records heard before, absorbed by the inbox")
        self.skips = counter("skipped", "Records of a type not heard here", "type")
        self.dead_letters = counter("dead_letters", "Records nobody could read")
        self.cycle_seconds = histogram("cycle_seconds", "From begin to commit")
        self.cycle_inputs = histogram("cycle_inputs", "Inputs in one transaction", _BATCH_INPUTS)
        self.outbox_facts = gauge("outbox_facts", "Facts in the database, not acknowledged")
        self.published = counter("relay_publishes", "Facts acknowledged by the broker")
        self.relay_ack_seconds = histogram("relay_ack_seconds", "From send to acknowledgement")
        self.calls_open = gauge("effects_open", "Outside calls without an answer")
        self.outcomes = counter(
            "effect_outcomes", "Answers to outside calls", "gateway", "method", "outcome"
        )
        self.due_lateness_seconds = histogram(
            "due_lateness_seconds", "From a deadline to its wake-up", _LATENESS_SECONDS
        )
        self.parked_keys = gauge("parked_keys", "Aggregates in the database that wait for a person")
        self.consumer_lag = gauge("consumer_lag", "Records not done yet", "topic", "partition")
        self.commit_failures = counter("offsets_commit_failures", "Offset commits that failed")
        self.db_up = gauge("db_up", "1 while the database answers")
        self.spans_dropped = gauge("spans_dropped", "Spans that could not be exported")

    def cycle(self, inputs: int, seconds: float) -> None:
        """One transaction was committed."""
        self.cycle_inputs.observe(inputs)
        self.cycle_seconds.observe(seconds)

    def verdicts(self, decided: Iterable[tuple[Work, str]]) -> None:
        """What was decided about the inputs of one batch."""
        for labels, count in Count((w.ref[0], w.type, verdict) for w, verdict in decided).items():
            self.inputs.labels(*labels).inc(count)

    def skipped(self, name: str) -> None:
        """A record of type `name` does not concern this service."""
        self.skips.labels(name).inc()

    def outcome(self, gateway: str, method: str, outcome: str) -> None:
        """An outside call was answered."""
        self.outcomes.labels(gateway, method, outcome).inc()

    def lag(self, records: Mapping[TopicPartition, int]) -> None:
        """How far behind each partition is; those no longer ours disappear."""
        self.consumer_lag.clear()
        for place, behind in records.items():
            self.consumer_lag.labels(place.topic, place.partition).set(behind)
