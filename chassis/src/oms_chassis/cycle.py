"""The cycle: everything that can change an aggregate goes through this one transaction.

    lock → load → inbox → decide → save → outbox, calls, due, parked → commit

It runs a batch of inputs from all five sources over one fold. It is retried as a whole, so
nothing in it may have an effect outside the database. The clock is read while the roots are
locked: of two transactions about one root, the later one has the later `now`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from oms_chassis import due, history, outbox, parking
from oms_chassis.crashpoints import reach
from oms_chassis.decision import Input, Invalid, Ref, Woke
from oms_chassis.fold import Core, Held, Outcome, fold
from oms_chassis.problems import CommandRefused, KeyParked
from oms_chassis.sealing import KeyRing
from oms_chassis.store import Store
from oms_chassis.work import Bundle, CallRow, DeadLetter, Source, Work, brief, from_, in_turn

_FIRST = """
WITH sent AS (DELETE FROM outbox WHERE id = ANY($1::bigint[])),
answered AS (DELETE FROM open_call WHERE id = ANY($2::bigint[]) RETURNING id),
fresh AS ({inbox} ON CONFLICT DO NOTHING RETURNING id)
SELECT statement_timestamp() AS now, ARRAY(SELECT id FROM answered) AS answered,
       ARRAY(SELECT id FROM fresh) AS fresh
"""
_FIRST_IDS = _FIRST.format(inbox="INSERT INTO inbox (id) SELECT unnest($3::uuid[])")
_FIRST_HISTORY = _FIRST.format(inbox=history.INSERT)


@dataclass(slots=True)
class Committed:
    """What a cycle left behind once it was committed."""

    bundles: list[Bundle] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    foreign_partitions: set[int] = field(default_factory=set)
    answers: list[tuple[Work, Mapping[str, Any] | Exception]] = field(default_factory=list)
    verdicts: list[tuple[Work, str]] = field(default_factory=list)
    newly_parked: int = 0
    repeats: int = 0
    """Records that had been heard before."""
    due: due.Moves = field(default_factory=due.Moves)
    answered: set[Ref] = field(default_factory=set)


@dataclass(frozen=True)
class Cycle:
    """The transaction of one service; `policy` is the number of the one its core decides by."""

    core: Core
    store: Store
    writer: outbox.Writer
    ring: KeyRing
    tenant: str
    partitions: int
    policy: int | None = None

    async def run(
        self, db: asyncpg.Connection, works: Sequence[Work],
        dead: Sequence[DeadLetter] = (), sent: Sequence[int] = (),
    ) -> Committed:  # fmt: skip
        """One batch in one transaction; raises what the database raises."""
        done = Committed()
        async with db.transaction():
            for place, work in enumerate(in_turn(works)):
                work.place = place
            refs, impossible = self._roots(works)
            placed = [w.item for w in works if w.item.id not in impossible]
            held = await self.store.load(db, self.tenant, refs, placed, self.partitions)
            now, fresh = await self._admit(db, works, sent)
            reach("after_inbox")
            if len(fresh) < len(works):
                done.repeats = len(from_(works, Source.RECORD)) - len(from_(fresh, Source.RECORD))
                if any(root.born for root in held.values()):
                    # Whoever heard them first may have given birth to it since we looked.
                    held = await self.store.load(db, self.tenant, refs, placed, self.partitions)
            if fresh:
                await self._decide(db, fresh, held, impossible, now, done)
            if dead:
                await parking.bury(db, self.ring, dead)
            reach("before_commit")
        answered = {id(work) for work, _ in done.answers}
        repeated = KeyParked("this command was carried out before")
        done.answers += [
            (w, repeated) for w in from_(works, Source.COMMAND) if id(w) not in answered
        ]
        return done

    async def _admit(
        self, db: asyncpg.Connection, works: Sequence[Work], sent: Sequence[int]
    ) -> tuple[datetime, list[Work]]:
        """Keep what was never seen before: the inbox and the deleted call decide."""
        heard: dict[UUID, Work] = {}
        for work in from_(works, Source.RECORD, Source.WAKE, Source.COMMAND):
            heard.setdefault(work.item.id, work)
        ids = sorted(heard)
        rows = [w.row for w in from_(works, Source.OUTCOME)]
        if self.store.history:
            columns = history.columns([heard[i] for i in ids], self.policy)
            first = await db.fetchrow(_FIRST_HISTORY, sent, rows, *columns)
        else:
            first = await db.fetchrow(_FIRST_IDS, sent, rows, ids)
        answered, fresh = set(first["answered"]), set(first["fresh"])
        kept = [
            w for w in works
            if w.source is Source.REDRIVE
            or (w.source is Source.OUTCOME and w.row in answered)
            or (heard.get(w.item.id) is w and w.item.id in fresh)
        ]  # fmt: skip
        return first["now"], kept

    async def _decide(
        self, db: asyncpg.Connection, works: list[Work], held: dict[Ref, Held],
        impossible: Mapping[UUID, Input], now: datetime, done: Committed,
    ) -> None:  # fmt: skip
        before = {ref: h.state for ref, h in held.items()}
        stuck = await parking.parked_among(db, {w.ref for w in works})
        again, free = await parking.redrivable(db, from_(works, Source.REDRIVE))
        works = again + [w for w in works if w.source is not Source.REDRIVE]
        started = time.time_ns()
        # What hangs below several roots, too, is dated no earlier than what is there already.
        latest = max([now, *(h.changed_at for h in held.values() if h.changed_at)])
        out, errors = self._fold(works, held, latest, stuck, free, impossible)
        reach("after_decide")
        await self.store.save(db, self.tenant, before, held, out.rows)
        if self.store.history:
            await history.settle(db, works, out.decisions, now, self.policy)
        by_id = {w.item.id: w for w in works}
        done.bundles, done.calls, done.foreign_partitions = await self.writer.write(
            db, out, by_id, started
        )
        woken = {w.ref for w in from_(works, Source.WAKE)}
        done.answered = {w.ref for w in from_(works, Source.OUTCOME, Source.REDRIVE)}
        calling = {call.ref for call in out.effects}
        done.due = await due.reschedule(
            db, self.core, before, held, woken, now, calling, done.answered
        )
        done.newly_parked = await parking.settle(db, self.ring, works, by_id, out.failed)
        done.verdicts = [(by_id[i.id], d.verdict) for i, d in out.decisions]
        done.answers = _answers(by_id, out, errors)

    def _roots(self, works: Sequence[Work]) -> tuple[set[Ref], dict[UUID, Input]]:
        """Every root that this batch touches, and the inputs that cannot even say which: as what
        they are to the fold, which parks them in their turn.
        """
        refs: set[Ref] = set()
        impossible: dict[UUID, Input] = {}
        for work in works:
            refs.add(work.ref)
            if work.source is Source.WAKE:
                continue
            try:
                refs.update(self.core.roots_of(work.item))
            except Exception as error:  # a body that its own service cannot place
                impossible[work.item.id] = replace(work.item, body=Invalid(brief(error)))
        return refs, impossible

    def _fold(
        self, works: Sequence[Work], held: dict[Ref, Held], now: datetime, stuck: set[Ref],
        free: set[Ref], impossible: Mapping[UUID, Input],
    ) -> tuple[Outcome, dict[UUID, Exception]]:  # fmt: skip
        """What was parked first; then streams, in order; then deadlines that are still due; then
        people's commands. Of the `stuck`, those are `free` whose whole line runs again here.
        """

        def told(works: Iterable[Work]) -> list[tuple[Ref, Input]]:
            return [(w.ref, impossible.get(w.item.id, w.item)) for w in works]

        redrives = from_(works, Source.REDRIVE)
        failing = stuck - {w.ref for w in redrives}
        out = fold(self.core, held, told(redrives), now, failing)
        stuck = failing | (stuck - free)
        streams = from_(works, Source.RECORD, Source.OUTCOME)
        out.add(fold(self.core, held, told(streams), now, stuck))
        for work in from_(works, Source.WAKE):
            state = held[work.ref].state
            deadline = self.core.deadline(state) if state is not None else None
            if deadline is not None and deadline.at <= now:
                woke = Woke(deadline.reason, deadline.owner)
                work.item = Input(work.item.id, work.item.key, woke, now, work.item.partition)
                out.add(fold(self.core, held, [(work.ref, work.item)], now, stuck))
                reach("in_wake_up")
        errors: dict[UUID, Exception] = {}
        for work in from_(works, Source.COMMAND):
            # A command that fails is the caller's to hear about; it parks nothing.
            tried = fold(self.core, held, told([work]), now, set(stuck))
            for failed in tried.failed:
                errors[work.item.id] = failed.error or KeyParked(
                    f"{work.ref[0]} {work.ref[1]} waits for a person; see the parked inputs"
                )
            tried.failed.clear()
            out.add(tried)
        return out, errors


def _answers(
    by_id: Mapping[UUID, Work], out: Outcome, errors: Mapping[UUID, Exception]
) -> list[tuple[Work, Mapping[str, Any] | Exception]]:
    answers: list[tuple[Work, Mapping[str, Any] | Exception]] = [
        (by_id[i], error) for i, error in errors.items()
    ]
    for item, decision in out.decisions:
        work = by_id[item.id]
        if work.source is Source.COMMAND:
            refusal = decision.refusal
            answers.append(
                (
                    work,
                    CommandRefused(refusal.code, refusal.text)
                    if refusal
                    else decision.answer or {},
                )
            )
    return answers
