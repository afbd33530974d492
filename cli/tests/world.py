"""The six services around real databases, with a broker that is a list: the cycle, the cores, the
stores and the sandboxes are the real ones, only processes and Kafka are not.

Which service goes next, and how far it reads, is drawn from a seed, as are the people's pauses.
"""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import msgspec
from aiokafka import ConsumerRecord

from oms_chassis import due
from oms_chassis.calls import Calls
from oms_chassis.cycle import Cycle
from oms_chassis.decision import Input, Ref, mint_id
from oms_chassis.history import remember_policy
from oms_chassis.intake import Intake
from oms_chassis.metrics import Metrics
from oms_chassis.outbox import Writer
from oms_chassis.sealing import KeyRing
from oms_chassis.settings import Settings
from oms_chassis.store import partition_of
from oms_chassis.telemetry import Tracer
from oms_chassis.work import Batch, Bundle, Source, Work
from oms_cli.reconcile.stores import service
from oms_contracts import wire
from oms_platform import SERVICES, load_topics

CHECKOUT = Path(__file__).resolve().parents[2]
TOPICS = {topic.name: topic for topic in load_topics(CHECKOUT / "deploy/topics.toml")}
PARTITIONS = next(iter(TOPICS.values())).partitions
TENANT = "main"

_RULES = tomllib.loads((CHECKOUT / "deploy/local/policies.toml").read_text())
_FASTER: Mapping[str, Mapping[str, float]] = {
    "order": {"follow_up_seconds": 0.0, "payer_seconds": 3.0},
    "shipping": {"track_after_seconds": 0.0, "track_every_seconds": 0.05},
}


class Member:
    """One service: its database, its cycle, its gateways, and how far it has read."""

    def __init__(self, name: str, db: asyncpg.Connection, ring: KeyRing, data_dir: Path) -> None:
        self.name, self.db = name, db
        made_of = service(name)
        settings = Settings(
            service=name, kafka_bootstrap="", database_dsn="", data_dir=data_dir, trace_ratio=0.0
        )
        policy = msgspec.convert(_RULES[name] | _FASTER.get(name, {}), made_of.policy)
        self.policy = policy
        self.core = made_of.core(policy)
        metrics = Metrics()
        writer = Writer(name, PARTITIONS, Tracer(settings, lambda spans: None))
        self.cycle = Cycle(self.core, made_of.store, writer, ring, TENANT, PARTITIONS)
        self.intake = Intake(
            made_of.hears, made_of.strangers, self.core.home, TENANT, ring, metrics, 0.0
        )
        self.reads = re.compile(self.intake.pattern)
        gateways = made_of.gateways(settings, ring)
        for gateway in gateways.values():
            gateway.timeout_seconds = 0.2
        self.outcomes: list[Work] = []
        self.calls = Calls(gateways, self.outcomes.append, metrics)
        self.sent: list[int] = []
        self.position: Counter[tuple[str, int]] = Counter()

    async def remember_policy(self) -> None:
        """As a process does when it starts."""
        if service(self.name).store.history:
            number = await remember_policy(self.db, version(f"oms-{self.name}"), self.policy)
            self.cycle = replace(self.cycle, policy=number)

    async def run(self, works: Sequence[Work], batch: Batch | None = None) -> list[Bundle]:
        """One cycle; what it wants published."""
        dead = batch.dead if batch else ()
        done = await self.cycle.run(self.db, works, dead, self.sent)
        self.sent = []
        for work, answer in done.answers:
            if work.result is not None and isinstance(answer, Exception):
                work.result.set_exception(answer)
            elif work.result is not None:
                work.result.set_result(answer)
        self.calls.feed(done.calls, first_try=True)
        return done.bundles


class World:
    """All services and the broker between them."""

    def __init__(self, members: Sequence[Member], seed: int) -> None:
        self.members = {member.name: member for member in members}
        self.chance = Random(seed)
        self.records: dict[tuple[str, int], list[ConsumerRecord]] = {}
        self._told = 0

    def publish(self, topic: str, key: str, value: bytes, type_: str) -> None:
        """A channel puts something on its topic."""
        headers = wire.headers_of(
            mint_id(datetime.now(UTC), f"stranger {self._told}"), type_, "/shops/test",
            datetime.now(UTC), 1, None, TENANT, None,
        )  # fmt: skip
        self._append(topic, partition_of(key, PARTITIONS), key, value, headers)

    def _append(
        self, topic: str, partition: int, key: str, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        self._told += 1
        log = self.records.setdefault((topic, partition), [])
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        log.append(
            ConsumerRecord(
                topic, partition, len(log), now_ms, 0, key.encode(), value, None,
                len(key), len(value), tuple(headers),
            )
        )  # fmt: skip

    async def command(self, name: str, ref: Ref, body: Any, actor: str = "tester") -> Any:
        """A person tells a service something; raises what the door would answer."""
        now = datetime.now(UTC)
        self._told += 1
        item = Input(mint_id(now, f"command {self._told}"), ref[1], body, now, actor=actor)
        answer = asyncio.get_running_loop().create_future()
        work = Work(item, Source.COMMAND, ref, type(body).__name__, result=answer)
        self._publish(name, await self.members[name].run([work]))
        return await answer

    async def step(self) -> bool:
        """Let one service go on; False if no service has anything to do."""
        names = list(SERVICES)
        self.chance.shuffle(names)
        for name in names:
            if await self._go_on(self.members[name]):
                return True
        return False

    async def _go_on(self, member: Member) -> bool:
        batch = self._poll(member)
        works = [*batch.works, *member.outcomes] if batch else list(member.outcomes)
        member.outcomes.clear()
        if batch is None:
            works += await due.fired(member.db, range(PARTITIONS), 0.0)
        if not works and batch is None:
            if member.sent:
                await member.run([])
            return False
        self._publish(member.name, await member.run(works, batch))
        return True

    def _poll(self, member: Member) -> Batch | None:
        """Some of what lies before a service, of each partition the oldest."""
        taken: list[ConsumerRecord] = []
        for place, log in self.records.items():
            if member.reads.fullmatch(place[0]):
                unread = len(log) - member.position[place]
                count = min(unread, self.chance.choice((0, 1, 3, 50)))
                taken += log[member.position[place] : member.position[place] + count]
                member.position[place] += count
        return member.intake.batch(taken) if taken else None

    def unread(self, member: Member) -> int:
        """Records that lie before a service."""
        return sum(
            len(log) - member.position[place]
            for place, log in self.records.items()
            if member.reads.fullmatch(place[0])
        )

    def _publish(self, name: str, bundles: Sequence[Bundle]) -> None:
        for bundle in bundles:
            for fact in bundle.facts:
                headers = wire.headers_of(
                    fact.id, fact.type, f"/oms/{name}", fact.at, fact.sequence, fact.cause, TENANT,
                    fact.traceparent or None,
                )  # fmt: skip
                self._append(fact.topic, bundle.partition, fact.key, bytes(fact.body), headers)
            self.members[name].sent.append(bundle.id)

    @property
    def quiet(self) -> bool:
        """Whether nothing is unread and no outcome waits."""
        return not any(self.unread(m) or m.outcomes or m.sent for m in self.members.values())


async def state(member: Member, kind: str, key: str) -> Any:
    """An aggregate as it is, or None."""
    [root] = [r for r in service(member.name).store.roots if r.kind == kind]
    columns = ", ".join(f'"{column}"' for column in root.columns)
    table = root.table.__tablename__
    row = await member.db.fetchrow(f'SELECT {columns} FROM "{table}" WHERE "{root.key}" = $1', key)
    return root.read(row) if row is not None else None
