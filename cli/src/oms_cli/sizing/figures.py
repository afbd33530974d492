"""What was measured: a line that the bench wrote, as far as a size follows from it."""

from __future__ import annotations

from pathlib import Path

import msgspec

FIGURES = Path(__file__).with_name("figures.json")
"""One of the bench's result files, unchanged: a newer one is put in its place by copying."""
NOT_OURS = ("total", "generator", "bench", "mailbox")
PARTS_BESIDE = ("postgres", "broker")
"""What is no service among the parts that used CPU."""


class Stage(msgspec.Struct, frozen=True):
    """A rate, and what it took."""

    rate: float
    orders_per_s: float
    behind_s: float
    cpu_s_per_1000: dict[str, float]
    wal_bytes_per_order: float
    memory_mb: dict[str, float]


class Cost(msgspec.Struct, frozen=True):
    """What one order leaves behind, in bytes, by `service.table` and by topic."""

    stored_bytes_by_table: dict[str, float]
    log_bytes_by_topic: dict[str, float]


class Figures(msgspec.Struct, frozen=True):
    """A measurement, when and on what."""

    at: str
    revision: str
    machine: str
    """Begins with its number of cores."""
    measured: tuple[Stage, ...]
    cost: Cost

    @property
    def cores(self) -> int:
        """Cores of the machine that was measured on."""
        return int(self.machine.split()[0])

    @property
    def stage(self) -> Stage:
        """The stage that finished most orders a second."""
        return max(self.measured, key=lambda stage: stage.orders_per_s)

    @property
    def cpu_s_per_1000(self) -> dict[str, float]:
        """CPU-seconds per 1,000 orders, by service, PostgreSQL and broker."""
        used = self.stage.cpu_s_per_1000
        return {part: cpu for part, cpu in used.items() if part not in NOT_OURS}


def load(path: Path = FIGURES) -> Figures:
    """The figures in a result of the bench; raises msgspec.ValidationError for another file."""
    return msgspec.json.decode(path.read_bytes(), type=Figures)
