"""Picking and packing by scanning: what is accepted, what is refused, and what a repeat gets."""

from __future__ import annotations

import pytest
from builders import (
    F1,
    F2,
    NOW,
    Warehouse,
    lines,
    part,
    refused,
    released,
    scan_id,
    stop_requested,
)

from oms_contracts.order import Parcel
from oms_contracts.warehouse import FulfilmentPacked, FulfilmentShort, ShortLine
from oms_warehouse.domain import (
    ClosePacking,
    Misscan,
    NextStep,
    ParcelMeasure,
    Scan,
    ScanPick,
    ScanVerb,
    StartPick,
    Status,
)


def test_an_order_goes_from_its_pick_list_into_a_parcel() -> None:
    warehouse = Warehouse().packed()
    (packed,) = warehouse.facts
    assert isinstance(packed, FulfilmentPacked)
    assert (packed.fulfilment_id, packed.packed_by, packed.packed_at) == (F1, "bob", NOW)
    assert packed.parcels == (
        Parcel(
            parcel_id="F-1-P1", weight_grams=701, length_mm=300, width_mm=200, height_mm=100,
            lines=part().lines,
        ),
    )  # fmt: skip


def test_every_step_says_what_comes_next() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    steps = [warehouse.fulfilment.next_step]
    for answer in (
        warehouse.start(),
        warehouse.pick("MUG-1", 2),
        warehouse.pick("TEA-1"),
        warehouse.pack("TEA-1"),
        warehouse.pack("MUG-1", 2),
        warehouse.close(),
    ):
        assert answer.answer is not None
        steps.append(NextStep(answer.answer["next_step"]))
    assert steps == ["start", "pick", "pick", "pack", "pack", "close_packing", "none"]


def test_the_scans_tell_who_took_what_and_when() -> None:
    warehouse = Warehouse().packed()
    scans = [row for row in warehouse.rows if isinstance(row, Scan)]
    assert [(s.verb, s.sku, s.qty, s.person) for s in scans] == [
        (ScanVerb.PICK, "MUG-1", 2, "ann"),
        (ScanVerb.PICK, "TEA-1", 1, "ann"),
        (ScanVerb.PACK, "MUG-1", 2, "bob"),
        (ScanVerb.PACK, "TEA-1", 1, "bob"),
    ]
    assert {s.at for s in scans} == {NOW}


def test_a_pick_list_is_claimed_once_unless_somebody_takes_over() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start(by="ann")
    assert warehouse.start(by="ann").verdict == "again"
    assert refused(warehouse.start(by="eve")) == "claimed"
    assert refused(warehouse.pick("MUG-1", by="eve")) == "claimed"
    warehouse.start(by="eve", take_over=True)
    assert warehouse.fulfilment.picker == "eve"
    assert refused(warehouse.pick("MUG-1", by="ann")) == "claimed"


def test_a_wrong_item_is_refused_and_the_mistake_is_remembered() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    before = warehouse.order
    decision = warehouse.pick("CUP-1")
    assert refused(decision) == "wrong_item"
    assert decision.refusal is not None
    assert decision.refusal.text == "CUP-1 does not belong to this fulfilment: put 1 back."
    assert warehouse.order is before
    (caught,) = [row for row in warehouse.rows if isinstance(row, Misscan)]
    assert (caught.person, caught.sku, caught.code) == ("ann", "CUP-1", "wrong_item")


def test_more_than_wanted_is_refused_and_says_how_many_to_put_back() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.pick("MUG-1")
    decision = warehouse.pick("MUG-1", 3)
    assert refused(decision) == "surplus"
    assert decision.refusal is not None
    assert decision.refusal.text == "1 more of MUG-1 belong here, not 3: put 2 back."
    assert warehouse.fulfilment.picked == 1


def test_a_sku_on_two_lines_fills_them_one_after_the_other() -> None:
    warehouse = Warehouse()
    units = lines(("1", "MUG-1", 1), ("2", "TEA-1", 1), ("3", "MUG-1", 2))
    warehouse.tell(released(part(of=units)))
    warehouse.start()
    warehouse.pick("MUG-1", 2)
    assert [line.picked for line in warehouse.fulfilment.lines] == [1, 0, 1]
    warehouse.pick("MUG-1")
    warehouse.pick("TEA-1")
    warehouse.pack("MUG-1", 3)
    assert [(c.line_id, c.qty) for c in warehouse.fulfilment.parcels[0].contents] == [
        ("1", 1),
        ("3", 2),
    ]


def test_the_same_scan_sent_twice_counts_once_and_is_answered_alike() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    first = warehouse.pick("MUG-1", n=7)
    warehouse.pick("MUG-1", n=8)
    repeat = warehouse.pick("MUG-1", n=7)
    assert repeat.verdict == "again"
    assert repeat.answer == first.answer
    assert warehouse.fulfilment.picked == 2


def test_one_scan_id_for_two_different_scans_is_refused() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.pick("MUG-1", n=7)
    assert refused(warehouse.pick("TEA-1", n=7)) == "scan_id_used"


def test_a_scan_that_was_refused_is_judged_anew() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    assert refused(warehouse.pick("MUG-1", n=7)) == "not_started"
    warehouse.start()
    assert warehouse.pick("MUG-1", n=7).verdict == "apply"


def test_packing_waits_until_every_unit_is_picked() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    assert refused(warehouse.pack("MUG-1")) == "not_started"
    warehouse.start()
    warehouse.pick("MUG-1", 2)
    decision = warehouse.pack("MUG-1")
    assert refused(decision) == "not_picked"
    assert decision.refusal is not None
    assert decision.refusal.text == "Pick the remaining 1 units, or report them short."


def test_a_parcel_takes_nothing_that_was_not_picked() -> None:
    warehouse = Warehouse().picked()
    assert refused(warehouse.pack("CUP-1")) == "wrong_item"
    assert refused(warehouse.pack("MUG-1", 3)) == "surplus"
    warehouse.pack("MUG-1", 2)
    assert refused(warehouse.pack("MUG-1")) == "surplus"


def test_parcels_are_not_closed_before_everything_picked_lies_in_them() -> None:
    warehouse = Warehouse().picked()
    assert refused(warehouse.close()) == "not_packed"
    warehouse.pack("MUG-1", 2)
    decision = warehouse.close()
    assert refused(decision) == "not_packed"
    assert decision.refusal is not None
    assert decision.refusal.text.startswith("1 picked units lie in no parcel")


def test_a_fulfilment_may_fill_several_parcels_and_each_is_weighed_once() -> None:
    warehouse = Warehouse().picked()
    warehouse.pack("MUG-1", parcel=2)
    warehouse.pack("MUG-1", parcel=1)
    warehouse.pack("TEA-1", parcel=2)
    assert refused(warehouse.close(1)) == "parcels_differ"
    assert refused(warehouse.close(1, 2, 3)) == "parcels_differ"
    assert refused(warehouse.close(1, 2, 2)) == "parcels_differ"
    warehouse.close(1, 2)
    (packed,) = warehouse.facts
    assert [(p.parcel_id, p.weight_grams, sum(c.qty for c in p.lines)) for p in packed.parcels] == [
        ("F-1-P1", 701, 1),
        ("F-1-P2", 702, 2),
    ]


def test_closing_twice_is_answered_alike_and_told_once() -> None:
    warehouse = Warehouse().packed()
    repeat = warehouse.close()
    assert repeat.verdict == "again"
    assert repeat.answer is not None
    assert repeat.answer["status"] == "packed"
    assert len(warehouse.facts) == 1


def test_short_units_leave_the_fulfilment_and_the_rest_goes_on() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.pick("MUG-1")
    warehouse.short("1")
    short = ShortLine(line_id="1", sku="MUG-1", location="main", qty=1, reason="not_found")
    assert warehouse.facts == [FulfilmentShort(fulfilment_id=F1, short=(short,))]
    warehouse.pick("TEA-1")
    assert warehouse.fulfilment.status is Status.PICKED
    warehouse.pack("MUG-1")
    warehouse.pack("TEA-1")
    warehouse.close()
    packed = warehouse.facts[-1]
    assert [(c.line_id, c.qty) for c in packed.parcels[0].lines] == [("1", 1), ("2", 1)]


def test_a_fulfilment_of_which_nothing_is_found_ends_there() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    warehouse.short("1", 2)
    warehouse.short("2")
    assert warehouse.fulfilment.status is Status.STOPPED
    assert sum(line.qty for fact in warehouse.facts for line in fact.short) == 3
    assert warehouse.core.deadline(warehouse.order) is None


def test_a_unit_found_broken_at_the_packing_table_drops_out_as_well() -> None:
    warehouse = Warehouse().picked()
    warehouse.pack("MUG-1")
    warehouse.pack("TEA-1")
    assert refused(warehouse.short("1", 2)) == "too_many_short"
    warehouse.short("1")
    warehouse.close()
    assert sum(c.qty for c in warehouse.facts[-1].parcels[0].lines) == 2
    assert warehouse.fulfilment.lines[0].short == 1


def test_no_more_units_are_short_than_are_left_to_pick() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    assert refused(warehouse.short("1")) == "not_started"
    warehouse.start()
    warehouse.pick("MUG-1")
    assert refused(warehouse.short("1", 2)) == "too_many_short"
    assert refused(warehouse.short("9")) == "unknown_line"
    assert refused(warehouse.short("1", by="eve")) == "claimed"


def test_the_same_short_report_sent_twice_is_told_once() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.start()
    first = warehouse.short("1", n=7)
    assert warehouse.short("1", n=7).answer == first.answer
    assert len(warehouse.facts) == 1


def test_what_is_out_of_turn_is_refused_with_what_to_do_instead() -> None:
    warehouse = Warehouse().picked()
    assert refused(warehouse.pick("MUG-1")) == "already_picked"
    assert refused(warehouse.start()) == "already_picked"
    warehouse.pack("MUG-1")
    assert refused(warehouse.pick("MUG-1")) == "packing"
    warehouse.pack("MUG-1")
    warehouse.pack("TEA-1")
    warehouse.close()
    for decision in (
        warehouse.start(),
        warehouse.pick("MUG-1"),
        warehouse.pack("MUG-1"),
        warehouse.short("1"),
    ):
        assert refused(decision) == "already_packed"
    assert refused(warehouse.put_back("MUG-1")) == "not_stopping"


def test_nothing_is_scanned_for_a_stopped_fulfilment() -> None:
    warehouse = Warehouse()
    warehouse.tell(released())
    warehouse.tell(stop_requested())
    for decision in (
        warehouse.start(),
        warehouse.pick("MUG-1"),
        warehouse.pack("MUG-1"),
        warehouse.short("1"),
        warehouse.close(),
    ):
        assert refused(decision) == "stopped"


@pytest.mark.parametrize(
    "command",
    [StartPick(F2), ScanPick(F2, "MUG-1", scan_id(1)), ClosePacking(F2, (ParcelMeasure(1, 5),))],
)
def test_a_fulfilment_that_nobody_released_is_unknown(command: object) -> None:
    warehouse = Warehouse()
    assert refused(warehouse.tell(command, by="ann")) == "unknown_fulfilment"
    warehouse.tell(released())
    assert refused(warehouse.tell(command, by="ann")) == "unknown_fulfilment"
