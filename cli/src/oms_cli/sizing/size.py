"""How much of everything a shop needs: arithmetic over what was measured, and nothing else.

Orders are taken to be like the measured ones (three lines, one parcel). What a period of time
keeps is what an order leaves behind, times the orders of that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import msgspec

from oms_cli.sizing.figures import PARTS_BESIDE, Figures

SECONDS_PER_DAY = 86_400
DAYS_PER_MONTH = 30.44
BUSY_MAX = 0.6
"""Share of a core that is planned for at the peak: the rest is for takeovers and bad luck."""
MEMORY_HEADROOM = 1.5
WAL_DAYS_KEPT = 7
"""Write-ahead log that an archive holds for going back to a moment."""
SKU_BYTES = 1_200
"""A SKU in inventory and in the warehouse: its books, one shelf, one bin."""
LEVEL_BYTES = 400
"""The newest stock level of a SKU in its compacted topic."""
CHANNEL_TOPICS = 2
"""A channel writes to one topic and reads its answers from another."""


class Demand(msgspec.Struct, frozen=True):
    """What a shop expects. `peak_factor` is the busiest hour's rate over the day's mean."""

    orders_per_day: int
    skus: int
    channels: int
    peak_factor: float = 5.0

    @property
    def peak_per_s(self) -> float:
        """Orders a second in the busiest hour."""
        return self.orders_per_day * self.peak_factor / SECONDS_PER_DAY


class Kept(msgspec.Struct, frozen=True):
    """For how many days things stay: by `service.table`, by topic, and tables not named."""

    tables: Mapping[str, float]
    topics: Mapping[str, float]
    ended_orders_days: float
    partitions: int
    """Of every topic, now."""
    topics_between_services: int


class Sizing(msgspec.Struct, frozen=True):
    """The answer. Disk is in bytes, replicated nowhere; memory in megabytes."""

    peak_per_s: float
    cores: int
    machines: int
    replicas: dict[str, int]
    partitions: int
    """Least number of partitions per topic that so many replicas can share."""
    topic_partitions: int
    """Of all topics: what a broker has to keep apart."""
    memory_mb: float
    disk_bytes: int
    disk_by_store: dict[str, int]
    disk_by_topic: dict[str, int]
    disk_of_wal: int
    wal_bytes_per_day: int
    cpu_share: dict[str, float]
    disk_share: dict[str, float]


def size(figures: Figures, demand: Demand, kept: Kept) -> Sizing:
    """What the demand takes."""
    cpu = figures.cpu_s_per_1000
    busy = {part: demand.peak_per_s * used / 1000 / BUSY_MAX for part, used in cpu.items()}
    cores = max(1, ceil(round(sum(busy.values()), 9)))
    replicas = {
        part: max(1, ceil(round(cores_busy, 9)))
        for part, cores_busy in busy.items()
        if part not in PARTS_BESIDE
    }
    stores, topics = _stores(figures, demand, kept), _topics(figures, demand, kept)
    wal_per_day = round(figures.stage.wal_bytes_per_order * demand.orders_per_day)
    wal = wal_per_day * WAL_DAYS_KEPT
    partitions = max(kept.partitions, *replicas.values())
    topic_count = kept.topics_between_services + demand.channels * CHANNEL_TOPICS
    disk = {"stores": sum(stores.values()), "topics": sum(topics.values()), "wal": wal}
    return Sizing(
        peak_per_s=round(demand.peak_per_s, 2), cores=cores,
        machines=ceil(cores / figures.cores), replicas=replicas,
        partitions=partitions, topic_partitions=partitions * topic_count,
        memory_mb=_memory(figures, replicas),
        disk_bytes=sum(disk.values()), disk_by_store=stores, disk_by_topic=topics,
        disk_of_wal=wal, wal_bytes_per_day=wal_per_day, cpu_share=_share(cpu),
        disk_share=_share(disk),
    )  # fmt: skip


def _stores(figures: Figures, demand: Demand, kept: Kept) -> dict[str, int]:
    found: dict[str, float] = {"inventory": demand.skus * SKU_BYTES}
    for table, per_order in figures.cost.stored_bytes_by_table.items():
        store = table.partition(".")[0]
        days = kept.tables.get(table, kept.ended_orders_days)
        # A queue's table may have shrunk while it was measured.
        found[store] = found.get(store, 0.0) + max(per_order, 0.0) * demand.orders_per_day * days
    return {store: round(size_) for store, size_ in sorted(found.items())}


def _topics(figures: Figures, demand: Demand, kept: Kept) -> dict[str, int]:
    """Topics of channels are taken together: their number does not change what orders write."""
    found: dict[str, float] = {}
    for topic, per_order in figures.cost.log_bytes_by_topic.items():
        name = "channels" if topic.startswith("oms.channel.") else topic
        if topic in kept.topics:
            size_ = per_order * demand.orders_per_day * kept.topics[topic]
        else:
            size_ = float(demand.skus * LEVEL_BYTES)
        found[name] = found.get(name, 0.0) + size_
    return {topic: round(size_) for topic, size_ in sorted(found.items())}


def _memory(figures: Figures, replicas: Mapping[str, int]) -> float:
    """Measured peaks, each service's as many times as it has replicas, with headroom."""
    used = figures.stage.memory_mb
    services = sum(used.get(part, 0.0) * n for part, n in replicas.items())
    beside = sum(used.get(part, 0.0) for part in PARTS_BESIDE)
    return round((services + beside) * MEMORY_HEADROOM)


def _share(parts: Mapping[str, float]) -> dict[str, float]:
    total = sum(parts.values())
    return {part: round(one / total, 3) if total else 0.0 for part, one in parts.items()}
