"""`oms events tail`: what is being said, as it is said."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from oms_cli.where import running, topics
from oms_contracts import wire
from oms_contracts.catalogue import EVENTS
from oms_platform import SERVICES

app = typer.Typer(no_args_is_help=True, help="Facts as they are told.")


@app.command()
def tail(
    topic: Annotated[str, typer.Option(help="one topic; all of our own otherwise")] = "",
    key: Annotated[str, typer.Option(help="one order or SKU")] = "",
    beginning: Annotated[bool, typer.Option("--all", help="from the beginning")] = False,
    follow: Annotated[bool, typer.Option(help="wait for more")] = True,
) -> None:
    """Print facts in one line each, without anything personal."""
    ours = [topic.name for topic in topics() if topic.owner in SERVICES]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_tail([topic] if topic else ours, key, beginning, follow))


async def _tail(names: list[str], key: str, beginning: bool, follow: bool) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=running().bootstrap)
    await consumer.start()
    try:
        partitions = topics()[0].partitions
        places = [TopicPartition(name, p) for name in names for p in range(partitions)]
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            # Without a pause after `assign`, or the consumer begins to look for a position itself.
            consumer.seek(place, begins[place] if beginning else ends[place])
        while follow or any([await consumer.position(tp) < end for tp, end in ends.items()]):
            found = await consumer.getmany(timeout_ms=200)
            records = sorted((r for rs in found.values() for r in rs), key=lambda r: r.timestamp)
            for record in records:
                if not key or record.key == key.encode():
                    typer.echo(line(record))
    finally:
        await consumer.stop()


def line(record: ConsumerRecord) -> str:
    """One record: when, where, about whom, and the fact."""
    try:
        about = wire.envelope(record.headers)
        known = EVENTS.get(about.type)
        said = str(wire.decode(known, record.value)) if known else about.type
    except ValueError as error:
        return f"{record.topic} {record.partition}@{record.offset}: unreadable: {error}"
    at = about.at.isoformat(timespec="milliseconds") if about.at else ""
    return f"{at} {record.topic:<22} {(record.key or b'').decode()} #{about.sequence} {said}"
