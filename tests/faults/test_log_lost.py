"""Row 4: a partition of the broker's log is lost; what it held is named, to the record."""

import re
import shutil
from collections import defaultdict
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from rig import TOPICS, Rig
from rows import row
from trial import REST_SECONDS, Trial

from oms_cli.reconcile import Demands, reconcile
from oms_contracts import wire

LOST = TopicPartition("oms.order.v1", 2)
_NAMED = re.compile(rf"^{re.escape(LOST.topic)} of (\S+): numbers \[(.*)\] of \d+ are gone$")


@row(4, "a partition of the broker's log is lost: reconcile names every record, and no other")
async def test_what_a_lost_partition_held_is_named(fresh_trial: Trial) -> None:
    rig = fresh_trial.rig
    assert rig.platform.kafka is not None
    [broker] = rig.platform.kafka.nodes
    async with fresh_trial.load(orders=40) as load:
        await load.reaches(0.5)
    held = await _held(rig)
    assert held, "nothing lay in the partition"
    await broker.stop()
    for folder in Path(rig.run_dir).glob(f"kafka/*/data/{LOST.topic}-{LOST.partition}"):
        shutil.rmtree(folder)
    broker.start()
    await broker.wait_ready()
    assert await _held(rig) == {}
    report = await reconcile(rig.system, TOPICS, REST_SECONDS, Demands())
    violations = [what for f in report.findings for what in f.violations]
    assert _gone(violations) == held
    astray = [what for what in violations if not any(key in what for key in held)]
    assert not astray, astray  # what else is said follows from that: nobody else is accused
    fresh_trial.witness("facts that were lost", sum(map(len, held.values())))
    fresh_trial.witness("aggregates named, each with what is missing of it", len(held))


async def _held(rig: Rig) -> dict[str, set[int]]:
    """The numbers of every aggregate's facts in the partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=rig.platform.state.bootstrap)
    await consumer.start()
    try:
        consumer.assign([LOST])
        await consumer.seek_to_beginning(LOST)
        [end] = (await consumer.end_offsets([LOST])).values()
        held: dict[str, set[int]] = defaultdict(set)
        while await consumer.position(LOST) < end:
            for record in (await consumer.getmany(timeout_ms=200)).get(LOST, ()):
                sequence = wire.envelope(record.headers).sequence
                held[record.key.decode()].add(sequence)
        return dict(held)
    finally:
        await consumer.stop()


def _gone(violations: list[str]) -> dict[str, set[int]]:
    """By aggregate, the numbers that are said to be gone."""
    found = filter(None, map(_NAMED.match, violations))
    return {match[1]: set(map(int, match[2].split(", "))) for match in found}
