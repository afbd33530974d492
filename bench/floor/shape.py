"""What one order makes, per service: taken from what a session counted."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from bench.result import Cost
from oms_platform import SERVICES
from oms_platform.topics import TopicSpec

CHANNELS = "channels"
"""The outside world, a writer like the others and without tables."""
RARE_ROWS = 0.01
"""What is written for fewer than one order in a hundred is left out."""


class TableRows(msgspec.Struct, frozen=True):
    """Rows per order."""

    insert: float = 0.0
    update: float = 0.0
    delete: float = 0.0


class Share(msgspec.Struct, frozen=True):
    """What one service does for an order."""

    inputs: float
    """Records heard and calls answered: what is counted in a transaction of so many."""
    tables: dict[str, TableRows]
    publishes: dict[str, float]
    """Records by topic."""
    reads: tuple[str, ...]
    """Topics it reads, whether it hears what is in them or not."""
    paced_by: dict[str, float]
    """Topics it may not run ahead of, with their records per order."""


def shares(cost: Cost, topics: list[TopicSpec]) -> dict[str, Share]:
    """The shape of an order, by who has to do it."""
    by_topic: dict[str, float] = defaultdict(float)
    for kind, per_order in cost.records_by_type.items():
        by_topic[kind.split()[0]] += per_order
    found = {CHANNELS: Share(1.0, {}, _of_channels(by_topic, topics), (), {})}
    for service in SERVICES:
        tables = {
            table.partition(".")[2]: TableRows(**{k: n for k, n in kinds.items() if n > RARE_ROWS})
            for table, kinds in cost.rows_by_table.items()
            if table.partition(".")[0] == service
        }
        publishes = {
            t.name: by_topic[t.name] for t in topics if t.owner == service and by_topic[t.name]
        }
        reads = tuple(t.name for t in topics if service in t.readers and by_topic[t.name])
        leader = CHANNELS if service == "order" else "order"
        leading = found[leader].publishes
        found[service] = Share(
            _inputs(tables, publishes), tables, publishes, reads,
            {topic: leading[topic] for topic in reads if topic in leading},
        )  # fmt: skip
    return found


def _of_channels(by_topic: dict[str, float], topics: list[TopicSpec]) -> dict[str, float]:
    outside = [t.name for t in topics if t.owner not in SERVICES]
    return {name: by_topic[name] for name in outside if by_topic[name]}


def _inputs(tables: dict[str, TableRows], publishes: dict[str, float]) -> float:
    """Records heard, and calls."""
    return sum(tables.get(name, TableRows()).insert for name in ("inbox", "open_call"))
