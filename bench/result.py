"""What a measurement found, in units that stand in the names."""

from __future__ import annotations

from typing import Any

import msgspec

BEHIND_MAX_SECONDS = 2.0
"""A rate is sustained if no more than so many seconds of arrivals are open at its end."""
GENERATOR_LATE_MAX_SECONDS = 1.0
"""A generator that was held up longer did not offer the rate."""


class Measured(msgspec.Struct, frozen=True):
    """One stage."""

    rate: float
    seconds: float
    orders: int
    """Placed within the stage, warm-up left out."""
    orders_per_s: float
    """Done within the stage."""
    behind_s: float
    """Orders open at the end of the stage, in seconds of arrivals."""
    p50_ms: int
    p99_ms: int
    p999_ms: int
    cpu_s_per_1000: dict[str, float]
    """By services, PostgreSQL, broker, and `total` of these; the generator stands apart."""
    generator_cpu_s_per_1000: float
    """The thermometer: the same code does the same work, so a change is the machine's."""
    generator_late_s: float
    others_cores: float
    steal_cores: float
    busy_cores: float
    wal_bytes_per_order: int
    memory_mb: dict[str, int]
    """Largest proportional set size seen, by group; `system` of all but generator and bench."""
    connections: int
    recovered_s: float | None
    """After a kill: until no more orders were open than before it."""
    ends: dict[str, int]
    unfinished: int

    @property
    def sustained(self) -> bool:
        """Whether the rate was carried."""
        return self.behind_s <= BEHIND_MAX_SECONDS


class Cost(msgspec.Struct, frozen=True):
    """What one order takes, over everything sent in a session."""

    orders: int
    publishes: float
    consumes: float
    skips: float
    transactions: float
    row_writes: float
    outside_calls: float
    inputs_per_transaction: float
    log_bytes: float
    record_bytes: float
    records_by_type: dict[str, float]
    rows_by_table: dict[str, dict[str, float]]
    stored_bytes_by_table: dict[str, float] = {}
    """What tables grew by, with their indexes, by `service.table`."""
    log_bytes_by_topic: dict[str, float] = {}


class Floor(msgspec.Struct, frozen=True):
    """The same records and rows without logic, in transactions of `batch` inputs."""

    batch: int
    partitions: int
    orders: int
    orders_per_s: float
    cpu_s_per_1000: dict[str, float]
    rows_per_order: float
    records_per_order: float
    transactions_per_order: float
    wal_bytes_per_order: int
    busy_cores: float


class Result(msgspec.Struct, frozen=True):
    """A session: what was asked, what was found, and whether it counts."""

    plan: dict[str, Any]
    revision: str
    machine: str
    at: str
    measured: tuple[Measured, ...]
    cost: Cost
    idle_cores: float
    """Used by the system with nothing to do."""
    reconciled: bool
    violations: tuple[str, ...] = ()
    floors: tuple[Floor, ...] = ()

    def share_of(self, floor: Floor) -> float:
        """Ours divided by the floor: orders a CPU-second of the best stage."""
        ours = min((one.cpu_s_per_1000["total"] for one in self.measured), default=0.0)
        return round(floor.cpu_s_per_1000["total"] / ours, 3) if ours else 0.0

    @property
    def doubts(self) -> list[str]:
        """Why the result does not count; empty if it does."""
        doubts = list(self.violations[:5])
        if not self.reconciled:
            doubts.append("not reconciled")
        for one in self.measured:
            if one.unfinished:
                doubts.append(f"{one.unfinished} orders at {one.rate:g}/s came to no end")
            if one.generator_late_s > GENERATOR_LATE_MAX_SECONDS:
                doubts.append(f"the generator was {one.generator_late_s:.1f} s late")
        return doubts

    def line(self) -> str:
        """The result as one line of JSON."""
        told = msgspec.to_builtins(self) | {"counts": not self.doubts, "doubts": self.doubts}
        told["ours_by_floor"] = {
            f"{f.batch} inputs, {f.partitions} partitions": self.share_of(f) for f in self.floors
        }
        return msgspec.json.encode(told).decode()
