"""The inputs of a story as they come into a cycle, and as the history keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace
from story import Story

from oms_chassis import history
from oms_chassis.decision import Input, Malformed, Woke
from oms_chassis.work import Source, Work
from oms_contracts import wire
from oms_contracts.channel import CancellationRequested, OrderPlaced
from oms_contracts.event import Event
from oms_order.domain import CancellationWish, Submission
from oms_order.history import WAKE, Heard
from oms_order.inputs import KIND

_STRANGERS = {Submission: OrderPlaced.TYPE, CancellationWish: CancellationRequested.TYPE}


def work_of(item: Input) -> Work:
    """An input on its way into a cycle, by the door through which it comes."""
    ref, body = (KIND, item.key), item.body
    if isinstance(body, Event):
        return Work(item, Source.RECORD, ref, body.TYPE, raw=wire.encode(body))
    if isinstance(body, Woke):
        return Work(item, Source.WAKE, ref, WAKE)
    if isinstance(body, Malformed):
        return Work(item, Source.RECORD, ref, body.type, raw=b"-", stranger=True)
    if isinstance(body, Submission | CancellationWish):
        name = _STRANGERS[type(body)]
        return Work(item, Source.RECORD, ref, name, raw=b"-", stranger=True)
    return Work(item, Source.COMMAND, ref, type(body).__name__)


def works_of(story: Story) -> list[Work]:
    """Everything that was told; of a deadline the reason is found once it is looked at."""
    works = [work_of(item) for item in story.inputs]
    for work in works:
        if work.source is Source.WAKE:
            work.item = replace(work.item, body=None)
    return works


def heard_of(inputs: Iterable[Input]) -> Iterator[Heard]:
    """Every input as it is kept, decided when it was heard, under the policy of number 1."""
    for place, item in enumerate(inputs):
        work = work_of(item)
        yield Heard(
            item.id, item.key, work.type, item.topic, item.actor, item.at, item.at, None, place, 1,
            history.body(work),
        )  # fmt: skip


def portions(works: Sequence[Work], sizes: Iterable[int]) -> Iterator[Sequence[Work]]:
    """`works` in batches of the given sizes, in order."""
    left = list(works)
    for size in sizes:
        if not left:
            return
        yield left[:size]
        left = left[size:]
