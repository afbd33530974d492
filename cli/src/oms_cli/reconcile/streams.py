"""I6: topics, roots and inboxes tell the same. I7: every key is told of in order, without a gap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

from oms_cli.reconcile.door import input_id
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.log import Told, channel_of, is_answers, root_key
from oms_cli.reconcile.stores import service
from oms_platform import SERVICES

ANSWERS = "oms.channel.{channel}.answers.v1"
_DEAD = 'SELECT topic, partition, "offset" FROM dead_letter'

Numbered = tuple[str, str]
"""A topic, or the template of one, and the key of the root that numbers its facts."""


def _numbered(ground: Ground, topic: str, key: str) -> Numbered:
    return ANSWERS if is_answers(topic) else topic, root_key(ground.tenant, topic, key)


def _ours(told: Told) -> bool:
    return not channel_of(told.topic) or is_answers(told.topic)


async def topics_hold_what_roots_counted(ground: Ground) -> Finding:
    """What a root numbered is in the log or still in the outbox: nothing less, nothing more.

    Compacted topics, and partitions whose oldest records are gone, hold the newest at least.
    """
    numbers: dict[Numbered, set[int]] = defaultdict(set)
    partial: set[Numbered] = set()
    for told in filter(_ours, ground.log.told):
        place = _numbered(ground, told.topic, told.key)
        numbers[place].add(told.sequence)
        if ground.log.topics[told.topic].compacted or ground.log.begins.get(told.place):
            partial.add(place)
    for row in ground.outgoing:
        numbers[_numbered(ground, row.topic, row.key)].add(row.sequence)
    counted = dict(_counted(ground))
    wrong = []
    for place in counted.keys() | numbers.keys():
        if ground.settled(place[1]):
            fault = _fault(counted.get(place, 0), numbers.get(place, set()), place in partial)
            wrong += [f"{place[0]} of {place[1]}: {fault}"] if fault else []
    return found("I6", "topics hold what roots counted", len(counted), wrong)


def _counted(ground: Ground) -> Iterator[tuple[Numbered, int]]:
    """How many facts each root says it has numbered, by topic."""
    for name in SERVICES:
        for kind in service(name).kinds:
            for key, kept in ground.roots[name][kind.name].items():
                for topic, last in zip(kind.topics, kept.sequences, strict=True):
                    yield (topic, key), last


def _fault(counted: int, numbers: set[int], partial: bool) -> str:
    if not counted and numbers:
        return f"{len(numbers)} facts, and no root that told them"
    if beyond := {n for n in numbers if n > counted}:
        return f"numbers {sorted(beyond)} are beyond the root's {counted}"
    missing = {counted} - numbers if partial else set(range(1, counted + 1)) - numbers
    return f"numbers {sorted(missing)} of {counted} are gone" if counted and missing else ""


async def every_fact_was_heard(ground: Ground) -> Finding:
    """What a service has read past is in its inbox, parked, or a dead letter."""
    wrong, count = [], 0
    for name in SERVICES:
        ids = _to_be_heard(ground, name)
        count += len(ids)
        unheard = await ground.stores.unheard(name, sorted(ids))
        unheard -= {p.id for p in ground.parked if p.service == name}
        dead = await ground.stores.rows(name, _DEAD) if unheard else ()
        buried = {tuple(row) for row in dead}
        wrong += [
            f"{name} never heard {ids[id_]}"
            for id_ in unheard
            if (ids[id_].topic, ids[id_].partition, ids[id_].offset) not in buried
        ]
    return found("I6", "every fact was heard by all it concerns", count, wrong)


def _to_be_heard(ground: Ground, name: str) -> dict[str, Told]:
    """Records that a service must have heard, by the id under which it hears them."""
    made_of = service(name)
    ours = {event.TYPE for event in made_of.hears}
    strangers = {event.TYPE for event in made_of.strangers.hears} if made_of.strangers else set()
    found: dict[str, Told] = {}
    for told in ground.log.told:
        if not ground.log.was_heard(told, name):
            continue
        if channel_of(told.topic):
            if told.type in strangers and not is_answers(told.topic):
                found[input_id(told)] = told
        elif told.type in ours and told.id:
            found[told.id] = told
    return found


async def every_key_is_told_in_order(ground: Ground) -> Finding:
    """First occurrences of a key's facts are numbered 1, 2, 3 … in the order of the log, all in
    one partition; copies are identical."""
    stream = sorted(
        filter(_ours, ground.log.told), key=lambda t: (t.topic, t.key, t.partition, t.offset)
    )
    wrong, count = [], 0
    for (topic, key), records in groupby(stream, key=lambda t: (t.topic, t.key)):
        count += 1
        told = list(records)
        whole = not ground.log.topics[topic].compacted
        wrong += [f"{topic} of {key}: {fault}" for fault in _disorder(ground, told, whole)]
    return found("I7", "every key is told of in order", count, wrong)


def _disorder(ground: Ground, told: list[Told], whole: bool) -> Iterator[str]:
    if len({t.partition for t in told}) > 1:
        yield f"lies in partitions {sorted({t.partition for t in told})}"
    first: dict[int, Told] = {}
    last = 0 if whole and not ground.log.begins.get(told[0].place) else told[0].sequence - 1
    for record in told:
        known = first.setdefault(record.sequence, record)
        if known is not record:
            if (known.id, known.digest) != (record.id, record.digest):
                places = f"at {known.offset} and {record.offset}"
                yield f"two facts have number {record.sequence}, {places}"
        elif record.sequence != last + 1 and (whole or record.sequence < last):
            yield f"number {record.sequence} follows {last} at {record.offset}"
        last = max(last, record.sequence)
