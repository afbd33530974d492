"""Topics as declared in deploy/topics.toml, and their creation. Nothing else creates a topic."""

import asyncio
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from oms_platform.errors import DeadlineError, PlatformError, TopicMismatchError, TopicsFileError

_MS_PER_HOUR = 3_600_000
_BROKER_DEFAULT = -1
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class TopicSpec:
    """One topic: who writes it, who reads it, how long records stay (hours)."""

    name: str
    owner: str
    readers: tuple[str, ...]
    retention_hours: int
    partitions: int
    compacted: bool = False

    def config(self) -> dict[str, str]:
        """The broker's topic settings."""
        if self.compacted:
            return {"cleanup.policy": "compact"}
        return {"retention.ms": str(self.retention_hours * _MS_PER_HOUR)}


def load_topics(path: Path) -> list[TopicSpec]:
    """Read the topics file: `partitions = N`, then `[[topic]]` tables.

    All topics share the one partition count, because one process owns partition p of all of
    them; a table cannot set its own. Raises TopicsFileError naming what is wrong.
    """
    try:
        document = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise TopicsFileError(f"{path}: {error}") from error
    partitions = document.pop("partitions", None)
    tables = document.pop("topic", [])
    if document:
        raise TopicsFileError(f"{path}: unknown key {sorted(document)[0]!r}")
    _expect(_positive(partitions), f"{path}: `partitions` must be a whole number above 0")
    topics = [_spec(table, partitions, f"{path}: topic {i + 1}") for i, table in enumerate(tables)]
    names = [topic.name for topic in topics]
    for name in names:
        _expect(names.count(name) == 1, f"{path}: topic {name!r} is declared twice")
    return topics


def _spec(table: dict[str, Any], partitions: int, where: str) -> TopicSpec:
    allowed = {"name", "owner", "readers", "retention_hours", "compacted"}
    _expect(set(table) <= allowed, f"{where}: unknown keys {sorted(set(table) - allowed)}")
    for key in ("name", "owner"):
        _expect(isinstance(table.get(key), str) and table[key], f"{where}: `{key}` must be text")
    readers, compacted = table.get("readers"), table.get("compacted", False)
    texts = isinstance(readers, list) and all(isinstance(reader, str) for reader in readers)
    _expect(texts, f"{where}: `readers` must be a list of text")
    positive = _positive(table.get("retention_hours"))
    _expect(positive, f"{where}: `retention_hours` must be a whole number above 0")
    _expect(isinstance(compacted, bool), f"{where}: `compacted` must be true or false")
    return TopicSpec(
        name=table["name"],
        owner=table["owner"],
        readers=tuple(table["readers"]),
        retention_hours=table["retention_hours"],
        partitions=partitions,
        compacted=compacted,
    )


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _expect(holds: object, message: str) -> None:
    if not holds:
        raise TopicsFileError(message)


async def create_topics(
    bootstrap: str, topics: Sequence[TopicSpec], deadline_seconds: float = 30.0
) -> list[str]:
    """Create what is missing, check what is there; the names created.

    Returns when every partition has a leader. Raises TopicMismatchError if a topic exists with
    another partition count, DeadlineError if leaders are late, PlatformError if the broker
    refuses one, and aiokafka's KafkaConnectionError if there is no broker.
    """
    if not topics:
        return []  # and no broker is asked: describing no topic would describe all
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        if missing:
            await _create(admin, missing)
        await _wait_for_leaders(admin, topics, deadline_seconds)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec]) -> None:
    # The replication factor is the broker's business: 1 on one node, 3 on three.
    response = await admin.create_topics(
        [NewTopic(t.name, t.partitions, _BROKER_DEFAULT, {}, t.config()) for t in topics]
    )
    for name, code, *rest in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise PlatformError(f"topic {name}: {for_code(code).__name__} {rest}")


async def _wait_for_leaders(
    admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec], deadline_seconds: float
) -> None:
    give_up = time.monotonic() + deadline_seconds
    while waiting := await _leaderless(admin, topics):
        if time.monotonic() > give_up:
            raise DeadlineError(f"no leader after {deadline_seconds} s: {', '.join(waiting)}")
        await asyncio.sleep(_POLL_SECONDS)


async def _leaderless(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec]) -> list[str]:
    described = await admin.describe_topics([topic.name for topic in topics])
    partitions = {found["topic"]: found["partitions"] for found in described}
    waiting = []
    for topic in topics:
        found = partitions.get(topic.name, [])
        if not found or any(partition["leader"] < 0 for partition in found):
            waiting.append(topic.name)
        elif len(found) != topic.partitions:
            raise TopicMismatchError(
                f"topic {topic.name} has {len(found)} partitions, declared are {topic.partitions}"
            )
    return waiting
