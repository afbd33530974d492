"""What one machine carries: orders at a steady rate through the whole system, and what they cost.

    python bench/rate.py --rate 250 --seconds 60

brings the system up in a folder of its own, receives stock, warms up, measures, and prints a
table and one JSON line. It counts only if everything sent has come to its end afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from oms_cli.stack import Stack, System

CHECKOUT = Path(__file__).resolve().parents[1]
UNITS_PER_SKU = 1_000_000
RECEIPT_LINES = 500
SETTLE_SECONDS = 120.0
SETTLE_LOOK_SECONDS = 1.0
"""Counting orders reads them all; asking more often would be measured along."""
SETTINGS = {
    "OMS_SMTP": "",
    "OMS_TRACE_RATIO": "0",
    "OMS_CYCLE_MS_MIN": "100",
    "OMS_FETCH_MIN_BYTES": "100000",
    "OMS_FETCH_MAX_WAIT_MS": "200",
}
ENDED = ("completed", "cancelled", "rejected")


async def receive(system: System, skus: int) -> None:
    """Put stock of every SKU into the warehouse that fulfils by itself."""
    async with httpx.AsyncClient(
        base_url=system.urls["warehouse"], headers=system.headers("operator"), timeout=120
    ) as client:
        for start in range(1, skus + 1, RECEIPT_LINES):
            lines = [
                {
                    "sku": f"SKU-{n:06}", "location": "HUB",
                    "qty": UNITS_PER_SKU, "cause_id": f"OPEN-{n}",
                }
                for n in range(start, min(start + RECEIPT_LINES, skus + 1))
            ]  # fmt: skip
            answer = await client.post("/receipts/batch", json={"lines": lines})
            answer.raise_for_status()
    db = await asyncpg.connect(system.check_dsns["inventory"])
    try:
        while await db.fetchval("SELECT count(*) FROM stock") < skus:
            await asyncio.sleep(0.2)
    finally:
        await db.close()


class Meter:
    """Reads what processes, database and log have used so far."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._system = stack.system

    async def read(self) -> dict[str, float]:
        """All figures at this moment."""
        figures: dict[str, float] = {"at": time.time()}
        for name, service in self._stack.services.items():
            figures[f"cpu.{name}"] = _cpu_seconds([service.pid] if service.pid else [])
        for name, pids in self._platform_pids().items():
            figures[f"cpu.{name}"] = _cpu_seconds(pids)
        figures |= await self._database()
        figures |= await self._services()
        return figures

    def _platform_pids(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"postgres": [], "broker": []}
        for name, record in self._stack.platform.state.processes.items():
            if name not in self._stack.services:
                found["postgres" if "postgres" in name else "broker"].append(record.pid)
        return found

    async def _database(self) -> dict[str, float]:
        db = await asyncpg.connect(self._stack.platform.state.admin_dsn)
        try:
            rows = await db.fetchrow(
                "SELECT sum(xact_commit) AS commits, "
                "sum(tup_inserted + tup_updated + tup_deleted) AS row_writes "
                "FROM pg_stat_database WHERE datname LIKE 'oms_%'"
            )
            wal = await db.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        finally:
            await db.close()
        return {
            "commits": float(rows["commits"]), "row_writes": float(rows["row_writes"]),
            "wal_bytes": float(wal),
        }  # fmt: skip

    async def _services(self) -> dict[str, float]:
        totals: dict[str, float] = dict.fromkeys(_COUNTED.values(), 0.0)
        async with httpx.AsyncClient(timeout=30) as client:
            for name in self._stack.services:
                text = (await client.get(f"{self._system.urls[name]}/metrics")).text
                for metric, label in _COUNTED.items():
                    totals[label] += sum(
                        float(v) for v in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.M)
                    )
        return totals


_COUNTED = {
    "oms_relay_publishes_total": "publishes",
    "oms_inputs_total": "inputs",
    "oms_skipped_total": "skips",
    "oms_cycle_seconds_count": "cycles",
    "oms_effect_outcomes_total": "calls",
}


def _cpu_seconds(pids: list[int]) -> float:
    """User and system time of processes and all they started, also those that ended."""
    total = 0.0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            family = [process, *process.children(recursive=True)]
            total += sum(
                t.user + t.system + t.children_user + t.children_system
                for t in (p.cpu_times() for p in family)
            )
        except psutil.NoSuchProcess:
            continue
    return total


async def counts(system: System) -> Counter[str]:
    """How many orders stand where."""
    db = await asyncpg.connect(system.check_dsns["order"])
    try:
        rows = await db.fetch("SELECT status, count(*) AS orders FROM orders GROUP BY status")
    finally:
        await db.close()
    return Counter({r["status"]: r["orders"] for r in rows})


_LATENCY = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
  ORDER BY extract(epoch FROM s.at - p.happened_at))
FROM inbox p JOIN inbox s ON s.key = p.key AND s.type = 'oms.shipping.Shipped.v1'
WHERE p.type = 'oms.channel.OrderPlaced.v1' AND p.happened_at BETWEEN $1 AND $2
"""


async def latency(system: System, start: float, end: float) -> list[float]:
    """p50 and p99 of placed (record's time) → shipped, in seconds."""
    from datetime import UTC, datetime

    db = await asyncpg.connect(system.check_dsns["order"])
    try:
        moments = [datetime.fromtimestamp(t, UTC) for t in (start, end)]
        return list(await db.fetchval(_LATENCY, *moments) or [])
    finally:
        await db.close()


async def load(system: System, rate: float, seconds: float, skus: int, seed: int) -> dict[str, Any]:
    """Run the generator as a process of its own."""
    argv = [
        sys.executable, str(Path(__file__).with_name("load.py")), "--bootstrap", system.bootstrap,
        "--rate", str(rate), "--seconds", str(seconds), "--skus", str(skus), "--seed", str(seed),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    told: dict[str, Any] = json.loads(out)
    return told


async def settle(system: System, shipped_or_ended: int) -> float:
    """Wait until so many orders have left or ended; returns the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < SETTLE_SECONDS:
        now = await counts(system)
        if sum(now[s] for s in ("shipped", "delivered", *ENDED)) >= shipped_or_ended:
            return time.monotonic() - began
        await asyncio.sleep(SETTLE_LOOK_SECONDS)
    raise RuntimeError(
        f"{shipped_or_ended} orders were sent, and after {SETTLE_SECONDS} s: {await counts(system)}"
    )


def table(before: Mapping[str, float], after: Mapping[str, float], orders: int) -> dict[str, Any]:
    """Differences per order and per thousand."""
    used = {k: after[k] - before.get(k, 0.0) for k in after if k != "at"}
    cpu = {
        k.removeprefix("cpu."): round(v / orders * 1000, 3)
        for k, v in used.items()
        if k.startswith("cpu.")
    }
    per_order = {k: round(v / orders, 2) for k, v in used.items() if not k.startswith("cpu.")}
    return {"cpu_s_per_1000": {**cpu, "total": round(sum(cpu.values()), 3)}, "per_order": per_order}


async def run(rate: float, seconds: float, warm_up: float, skus: int) -> dict[str, Any]:
    """One measurement."""
    with tempfile.TemporaryDirectory(prefix="oms-bench-") as folder:
        os.chmod(folder, 0o755)
        async with Stack(
            CHECKOUT, run_dir=Path(folder), settings=SETTINGS, progress=_say,
            policies=CHECKOUT / "deploy/policies.toml",
        ) as stack:  # fmt: skip
            _say(f"receiving {skus} SKUs")
            await receive(stack.system, skus)
            meter = Meter(stack)
            warm = await load(stack.system, rate, warm_up, skus, seed=1)
            await settle(stack.system, warm["sent"])
            before = await meter.read()
            _say(f"{rate:g} orders/s for {seconds:g} s")
            sent = await load(stack.system, rate, seconds, skus, seed=2)
            ended = time.time()
            behind = await settle(stack.system, warm["sent"] + sent["sent"])
            after = await meter.read()
            p50, p99 = await latency(stack.system, before["at"], ended)
            return {
                "rate": rate, "seconds": seconds, "orders": sent["sent"],
                "orders_per_s": round(sent["sent"] / (ended - before["at"] + behind), 1),
                "behind_s": round(behind, 2),
                "p50_ms": round(p50 * 1000), "p99_ms": round(p99 * 1000),
                "generator_cpu_s_per_1000": round(sent["cpu_seconds"] / sent["sent"] * 1000, 3),
                **table(before, after, sent["sent"]),
                "states": dict(await counts(stack.system)),
            }  # fmt: skip


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=250)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=15)
    parser.add_argument("--skus", type=int, default=10_000)
    given = parser.parse_args()
    found = asyncio.run(run(given.rate, given.seconds, given.warm_up, given.skus))
    for name, value in found.items():
        _say(f"{name:>26}  {value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
