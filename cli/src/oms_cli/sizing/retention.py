"""How long things stay, as it is declared where they are kept."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence

from oms_chassis import ageing
from oms_chassis.ageing import Period
from oms_cli.sizing.size import DAYS_PER_MONTH, Kept
from oms_platform import SERVICES
from oms_platform.topics import TopicSpec

HOURS_PER_DAY = 24
DAYS = {Period.WEEK: 7.0, Period.MONTH: DAYS_PER_MONTH}
ENDED_ORDERS_MONTHS = 36
"""Aggregates of orders that have ended (docs/scaling.md, Ended orders)."""
DOCUMENTS = ("billing.invoice", "billing.credit_note")
SHORT_LIVED = ("due", "outbox", "parked", "allocation", "numbers")
"""Tables whose rows leave within a day or are few: their size does not follow from orders."""


def declared(topics: Sequence[TopicSpec], orders_months: int = ENDED_ORDERS_MONTHS) -> Kept:
    """What topics and services say, each service by the tables it declares to age."""
    tables: dict[str, float] = {}
    for service in SERVICES:
        tables |= {f"{service}.{table}": 1.0 for table in SHORT_LIVED}
        for aged in ageing.of_service(importlib.import_module(f"oms_{service}.migrations")):
            tables |= {f"{service}.{table}": _days(aged) for table in aged.tables}
    tables |= dict.fromkeys(DOCUMENTS, tables["billing.journal"])
    between = sum(not t.name.startswith("oms.channel.") for t in topics)
    days = orders_months * DAYS_PER_MONTH
    return Kept(tables, _topics(topics), days, topics[0].partitions, between)


def _days(aged: ageing.Aged) -> float:
    """With the period that is running."""
    assert aged.kept is not None
    return (aged.kept + 1) * DAYS[aged.period]


def _topics(topics: Sequence[TopicSpec]) -> Mapping[str, float]:
    return {t.name: t.retention_hours / HOURS_PER_DAY for t in topics if not t.compacted}
