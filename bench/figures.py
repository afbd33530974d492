"""From what was read to what is told: differences per order and per thousand."""

from __future__ import annotations

from collections import Counter

from bench import counts, meter, record
from bench.plan import Stage
from bench.reading import Reading
from bench.result import Cost, Measured

SHARES = (0.5, 0.99, 0.999)
RECOVERY_STEP_SECONDS = 0.5
"""After a kill the open orders are counted so often."""
RECOVERED_MARGIN = 1.1
"""Open orders may be so many times as many as before the kill."""


def measured(stage: Stage, reading: Reading, told: record.Record) -> Measured:
    """The figures of a stage from what was read."""
    seconds = reading.ended - reading.began
    lives = told.between(reading.began, reading.ended)
    done = told.done_between(reading.began, reading.ended)
    per_1000 = 1000 / max(done, 1)
    used = dict(reading.used)
    machine_s, steal_s = used.pop("machine"), used.pop("steal")
    system = {name: cpu for name, cpu in used.items() if cpu > 0 and name not in meter.OURS}
    cpu = {name: round(value * per_1000, 3) for name, value in system.items()}
    p50, p99, p999 = (round(1000 * s) for s in record.percentiles(lives, SHARES))
    memory = {name: round(mb) for name, mb in reading.memory.items()}
    memory["system"] = sum(mb for name, mb in memory.items() if name not in meter.OURS)
    ends = Counter(life.end for life in lives if life.end)
    if used.get(meter.STUB):
        cpu[meter.STUB] = round(used[meter.STUB] * per_1000, 3)
    return Measured(
        rate=stage.rate, seconds=round(seconds, 2), orders=len(lives),
        orders_per_s=round(done / seconds, 1),
        behind_s=round(told.open_at(reading.ended) / stage.rate, 2),
        p50_ms=p50, p99_ms=p99, p999_ms=p999,
        cpu_s_per_1000=cpu | {"total": round(sum(system.values()) * per_1000, 3)},
        generator_cpu_s_per_1000=round(
            1000 * reading.generator["cpu_seconds"] / reading.generator["sent"], 3
        ),
        generator_late_s=round(reading.generator["late_s_max"], 2),
        others_cores=round(meter.others_cores(reading.used, seconds), 2),
        steal_cores=round(steal_s / seconds, 2), busy_cores=round(machine_s / seconds, 2),
        wal_bytes_per_order=round(reading.database["wal_bytes"] / max(done, 1)),
        memory_mb=memory, connections=round(reading.database["connections"]),
        recovered_s=recovered(reading, told), ends=dict(ends), unfinished=len(lives) - ends.total(),
    )  # fmt: skip


def cost(
    told: record.Record, services: counts.Figures, rows: dict[str, counts.Figures],
    log: counts.Figures, stored: counts.Figures,
) -> Cost:  # fmt: skip
    """What one order takes, warm-ups included: counts do not depend on the clock."""
    orders = max(len(told.lives), 1)
    ours = {kind: n for kind, n in told.records.items() if not kind[1].startswith("oms.goods.")}
    return Cost(
        orders=len(told.lives),
        publishes=round(services["publishes"] / orders, 2),
        consumes=round(services["consumes"] / orders, 2),
        skips=round(services["skips"] / orders, 2),
        transactions=round(services["transactions"] / orders, 2),
        row_writes=round(counts.written(rows) / orders, 2),
        outside_calls=round(services["calls"] / orders, 2),
        inputs_per_transaction=round(services["inputs"] / max(services["transactions"], 1), 1),
        log_bytes=round(sum(log.values()) / orders),
        record_bytes=round(sum(told.bytes[kind] for kind in ours) / orders),
        records_by_type={
            f"{topic} {name}": round(n / orders, 4) for (topic, name), n in sorted(ours.items())
        },
        rows_by_table={
            table: per
            for table, kinds in sorted(rows.items())
            if (per := {kind: round(n / orders, 4) for kind, n in kinds.items() if n})
        },
        stored_bytes_by_table=_per(orders, stored),
        log_bytes_by_topic=_per(orders, log),
    )


def _per(orders: int, sizes: counts.Figures) -> dict[str, float]:
    return {name: round(size / orders, 1) for name, size in sorted(sizes.items()) if size}


def recovered(reading: Reading, told: record.Record) -> float | None:
    """Seconds from the kill until no more orders were open than just before it."""
    if not reading.killed:
        return None
    before = told.open_at(reading.killed) * RECOVERED_MARGIN
    moment, last = reading.killed, max(life.done for life in told.lives.values())
    fell_behind = False
    while moment < last:
        moment += RECOVERY_STEP_SECONDS
        now_open = told.open_at(moment)
        fell_behind = fell_behind or now_open > before
        if fell_behind and now_open <= before:
            break
    return round(moment - reading.killed, 1)
