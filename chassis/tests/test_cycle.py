"""The pure half of the cycle: what is decided, in which order, and what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from oms_chassis.cycle import Cycle
from oms_chassis.decision import Decision, Input, Ref, mint_id
from oms_chassis.fold import Core, Held, Kind
from oms_chassis.work import Source, Work

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def _roots_of(item: Input) -> Sequence[Ref]:
    if item.body == "odd":
        raise ValueError("nobody knows what this touches")
    return [("thing", item.key)]


CORE = Core(
    kinds=(Kind("thing"),),
    roots_of=_roots_of,
    decide=lambda state, item, now: Decision((*(state or ()), item.body)),
    deadline=lambda state: None,
)


def _work(source: Source, key: str, body: str) -> Work:
    return Work(Input(mint_id(NOW, f"{key} {body}"), key, body, NOW), source, ("thing", key), "")


def _run(
    works: Sequence[Work], stuck: frozenset[Ref] = frozenset(), free: frozenset[Ref] = frozenset()
) -> tuple[list[Any], list[Any]]:
    cycle = Cycle(CORE, None, None, None, "main", 1)  # type: ignore[arg-type]
    refs, impossible = cycle._roots(works)
    held = {ref: Held(None, 0, [], born=True) for ref in refs}
    out, _ = cycle._fold(works, held, NOW, set(stuck), set(free), impossible)
    by_id = {work.item.id: work.item.body for work in works}
    return [item.body for item, _ in out.decisions], [by_id[f.input.id] for f in out.failed]


def test_what_cannot_say_what_it_touches_holds_back_what_comes_after_it_for_its_key() -> None:
    works = [
        _work(Source.RECORD, "a", "before"),
        _work(Source.RECORD, "a", "odd"),
        _work(Source.RECORD, "a", "after"),
        _work(Source.RECORD, "b", "elsewhere"),
    ]
    assert _run(works) == (["before", "elsewhere"], ["odd", "after"])


def test_what_is_tried_again_in_vain_is_not_overtaken_by_what_waits_behind_it() -> None:
    works = [_work(Source.REDRIVE, "a", "odd"), _work(Source.REDRIVE, "a", "behind")]
    assert _run(works) == ([], ["odd", "behind"])


def test_what_comes_anew_follows_a_line_that_is_run_whole_and_waits_behind_any_other() -> None:
    thing = frozenset([("thing", "a")])
    works = [_work(Source.REDRIVE, "a", "first"), _work(Source.RECORD, "a", "new")]
    assert _run(works, stuck=thing, free=thing) == (["first", "new"], [])
    assert _run(works, stuck=thing) == (["first"], ["new"])
