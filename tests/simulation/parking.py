"""Parked keys: what no decision could be made on, and all that waits behind it, in order.

As in `oms_chassis.parking`: a person asks for a retry, perhaps of another body, or skips; then
everything parked for the key runs again, first come first served, until the next one fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from ways import Source, Violation

from oms_chassis.decision import Decision, Input, Invalid, Ref
from oms_chassis.fold import Core, Failed


@dataclass(slots=True)
class Work:
    """One input on its way into a cycle, with the root it is about.

    `serial` is its record's place among all that was said to the service; 0 where it has none.
    """

    source: Source
    item: Input
    ref: Ref
    serial: int = 0


class Undecidable(Exception):
    """What a planted input does to the decision about it."""


@dataclass(slots=True)
class Parking:
    """The parked inputs of a service, and what is wrong with them."""

    keys: dict[Ref, list[Work]] = field(default_factory=dict)
    undecidable: set[UUID] = field(default_factory=set)
    """Inputs on which the service's decision fails, until it is mended."""
    garbled: dict[UUID, Input] = field(default_factory=dict)
    """Records whose bytes make no sense, with what they should have said."""

    def as_read(self, item: Input) -> Input:
        """What a reader makes of a record."""
        if item.id not in self.garbled:
            return item
        return Input(item.id, item.key, Invalid("garbled"), item.at, 0, item.topic)

    def guarded(self, core: Core) -> Core:
        """The core, failing where it is to fail."""
        if not self.undecidable:
            return core

        def decide(world: Any, item: Input, now: datetime) -> Decision:
            if item.id in self.undecidable:
                raise Undecidable(f"{type(item.body).__name__} cannot be decided on")
            return core.decide(world, item, now)

        return replace(core, decide=decide)

    def stuck(self, works: Sequence[Work]) -> set[Ref]:
        """Keys that hold what comes in: all but those whose parked inputs all run again."""
        redriven = {w.ref for w in works if w.source is Source.REDRIVE}
        return {ref for ref in self.keys if ref not in redriven}

    def expects(self, name: str, failed: Sequence[Failed]) -> None:
        """Nothing may fail but what was meant to; raises Violation."""
        for one in failed:
            meant = isinstance(one.input.body, Invalid) or one.input.id in self.undecidable
            if one.error is not None and not meant:
                said = type(one.input.body).__name__
                text = f"{name} cannot take {said} about {one.input.key}: {one.error!r}"
                raise Violation(text) from one.error

    def settle(self, works: Sequence[Work], failed: Sequence[Failed]) -> None:
        """Let go what came through, park what failed. A wake-up that only waits fires again."""
        if not failed and not self.keys:
            return
        lost = {f.input.id for f in failed}
        for work in works:
            if work.source is Source.REDRIVE and work.item.id not in lost:
                self.let_go(work)
        by_id = {work.item.id: work for work in works}
        for one in failed:
            work = by_id[one.input.id]
            kept = work.source in (Source.RECORD, Source.OUTCOME)
            if kept or (work.source is Source.WAKE and one.error is not None):
                self.keys.setdefault(work.ref, []).append(work)

    def let_go(self, work: Work) -> None:
        """A parked input is through, or skipped."""
        parked = [w for w in self.keys[work.ref] if w.item.id != work.item.id]
        if parked:
            self.keys[work.ref] = parked
        else:
            del self.keys[work.ref]

    def mend(self, work: Work) -> Work | None:
        """What a person does about the first input of a parked key; None: it is skipped.

        A decision that failed is mended by then, garbled bytes are written anew, a strange
        record is skipped, and a wake-up let go: it fires again by itself.
        """
        self.undecidable.discard(work.item.id)
        if work.source is Source.WAKE:
            return None
        if isinstance(work.item.body, Invalid):
            if work.item.id not in self.garbled:
                return None
            work.item = self.garbled.pop(work.item.id)
        return work

    def again(self, ref: Ref) -> list[Work]:
        """All that is parked for a key, as it runs again."""
        return [Work(Source.REDRIVE, w.item, w.ref, w.serial) for w in self.keys.get(ref, ())]
