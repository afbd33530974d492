"""What an order may take, to the piece: counted for a small run, held against `counts.toml`.

python -m bench.guard               count, and compare; ends with 1 if a number grew
python -m bench.guard --write WHY   count, and write down; WHY is kept for each that grew
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import asyncpg

from bench.cycles import Node, Six, node, statuses
from bench.places import CHECKOUT, policies
from bench.plan import Work
from oms_chassis import migrate
from oms_chassis.sealing import KeyRing
from oms_platform import SERVICES, LocalPlatform, PlatformState, load_topics

ORDERS = 200
LOAD = Work(seed=1, skus=50)
UNHURRIED = "level_every_seconds = 0.0"
"""Every change of a stock level is published: how many are left out depends on the clock."""
COUNTS = CHECKOUT / "bench/counts.toml"
KINDS = (
    "statements", "transactions", "row_writes", "publishes", "consumes", "skips", "calls",
)  # fmt: skip

Counts = Mapping[str, Mapping[str, int]]
"""By kind and service, for all orders together: whole numbers compare exactly."""


class NotAtTheEnd(RuntimeError):
    """Orders of the small run did not come to their end, so its counts mean nothing."""


Plant = Callable[[Node], None]
"""Changes a service before it is counted: a test plants waste with it."""


async def count(dsns: Mapping[str, str], folder: Path, plant: Plant = lambda _: None) -> Counts:
    """Run the orders on six migrated, empty databases."""
    topics = load_topics(CHECKOUT / "deploy/topics.toml")
    rules = policies(folder, {"inventory": UNHURRIED})
    KeyRing.create(folder / "ring.json")
    async with contextlib.AsyncExitStack() as after:
        nodes = []
        for name in SERVICES:
            db = await asyncpg.connect(dsns[name])
            after.push_async_callback(db.close)
            nodes.append(node(name, db, topics, folder, rules))
            plant(nodes[-1])
        six = Six(nodes)
        await six.receive(LOAD)
        found = await six.run(LOAD, ORDERS)
        ended = await statuses(nodes[SERVICES.index("order")].db)
    if set(ended) != {"shipped", "cancelled"} or sum(ended.values()) != ORDERS:
        raise NotAtTheEnd(str(ended))
    return {kind: {name: found[name][kind] for name in SERVICES} for kind in KINDS}


def grown(known: Counts, found: Counts) -> list[str]:
    """Every number that is larger than what is written down."""
    return [
        f"{kind} of {name}: {known[kind][name]} → {now} "
        f"({(now - known[kind][name]) / ORDERS:+.2f} an order)"
        for kind in KINDS
        for name, now in found[kind].items()
        if now > known[kind][name]
    ]


def read() -> tuple[Counts, list[str]]:
    """What is written down: the numbers, and why they were raised."""
    told = tomllib.loads(COUNTS.read_text())
    return {kind: told[kind] for kind in KINDS}, list(told["raised"])


def text(found: Counts, raised: list[str]) -> str:
    """The file's text."""
    lines = [
        f"# What {ORDERS} orders of the same work take, exactly; see guard.py. A number grows only",
        "# with a reason; where one falls, write it down, so that it stays there.",
        "",
        "raised = [",
        *(f"  {_quoted(why)}," for why in raised),
        "]",
    ]
    for kind in KINDS:
        total = sum(found[kind].values()) / ORDERS
        lines += ["", f"[{kind}]  # {total:.2f} an order"]
        lines += [f"{name} = {n}" for name, n in found[kind].items()]
    return "\n".join(lines) + "\n"


def _quoted(told: str) -> str:
    escaped = told.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def count_afresh(plant: Plant = lambda _: None) -> Counts:
    """Count on a database server of our own."""
    with tempfile.TemporaryDirectory(prefix="oms-guard-") as place:
        folder = Path(place)
        async with databases(folder) as state:
            return await count(state.dsns, folder, plant)


@contextlib.asynccontextmanager
async def databases(folder: Path) -> AsyncIterator[PlatformState]:
    """Six migrated, empty databases on a server of our own, without a broker."""
    folder.chmod(0o755)  # the database server may be another account
    os.environ["OMS_KAFKA_BOOTSTRAP"] = "127.0.0.1:1"  # or the platform would start a broker
    async with LocalPlatform(folder / "platform", shared_buffers_mb=64) as platform:
        await migrate_all(platform.state.dsns)
        yield platform.state


async def migrate_all(dsns: Mapping[str, str]) -> None:
    """Bring all databases up to date, in silence."""
    for name in SERVICES:
        migrations = importlib.import_module(f"oms_{name}.migrations")
        await migrate.migrate(dsns[name], migrations, say=lambda _: None)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", metavar="WHY", help="write down; why numbers grew, if any did")
    given = parser.parse_args()
    found = asyncio.run(count_afresh())
    known, raised = read()
    larger = grown(known, found)
    if given.write is not None:
        raised += [f"{what}: {given.write}" for what in larger]
        COUNTS.write_text(text(found, raised))
    print(text(found, []) if given.write is None else "written")
    print("\n".join(larger))
    sys.exit(1 if larger and given.write is None else 0)


if __name__ == "__main__":
    main()
