"""Row 27: nothing grows with the number of orders that have passed through."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import asyncpg
from rig import Rig
from rows import row
from trial import Trial

from oms_platform import SERVICES

ORDERS, WARM_UP = 1_500, 0.3
"""What a process learns once (pools, caches, compiled patterns) it has learned by then."""
SAMPLE_SECONDS = 4.0
GROWTH_MAX_BYTES = 6 * 1024 * 1024
"""Of a process, over two thirds of the soak: a leak of 8 kB an order would be more."""
FILES_GROWTH_MAX = 3
CONNECTIONS_GROWTH_MAX = 2
SAMPLES_MIN = 9
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'oms_%' AND usename = $1"


@row(27, "a soak: memory, open files and connections after the first orders and after the last")
async def test_nothing_grows_with_the_orders(trial: Trial) -> None:
    samples: dict[str, list[int]] = defaultdict(list)
    async with trial.load(orders=ORDERS, a_second=12) as load:
        await load.reaches(WARM_UP)
        while len(load.placed) < ORDERS:
            await _sample(trial.rig, samples)
            await asyncio.sleep(SAMPLE_SECONDS)
    grown = {what: _growth(values) for what, values in samples.items()}
    limits = {
        "memory": GROWTH_MAX_BYTES, "files": FILES_GROWTH_MAX,
        "connections": CONNECTIONS_GROWTH_MAX,
    }  # fmt: skip
    leaks = {what: n for what, n in grown.items() if n > limits[what.split()[0]]}
    assert not leaks, f"{leaks} of {dict(samples)}"
    trial.witness("orders in the soak", len(load.placed))
    trial.witness("samples of every process", min(map(len, samples.values())))


def _growth(values: Sequence[int]) -> float:
    """From the first third to the last: medians, so that a moment's peak is no leak."""
    assert len(values) >= SAMPLES_MIN, "too few samples to tell"
    third = len(values) // 3
    return median(values[-third:]) - median(values[:third])


async def _sample(rig: Rig, samples: dict[str, list[int]]) -> None:
    for name in SERVICES:
        pid = rig.services[name].pid
        smaps = Path(f"/proc/{pid}/smaps_rollup").read_text()
        [kilobytes] = re.findall(r"^Pss: +(\d+) kB", smaps, re.M)
        samples[f"memory of {name}"].append(int(kilobytes) * 1024)
        samples[f"files of {name}"].append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
    db = await asyncpg.connect(rig.platform.state.admin_dsn)
    try:
        for name in SERVICES:
            count = await db.fetchval(_CONNECTIONS, f"oms_{name}")
            samples[f"connections of {name}"].append(count)
    finally:
        await db.close()
