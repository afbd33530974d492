"""Shipping's rules about requests, labels and the hand-over, one sentence each."""

from datetime import UTC, datetime

import pytest
from builders import (
    ASKED,
    ASKED_AGAIN,
    NOW,
    SHIPMENT_ID,
    Story,
    asked,
    labelled,
    labels,
    parcel,
    scan,
    shipped,
    stop,
)

from oms_chassis.decision import Done, Woke, mint_id
from oms_contracts.event import Tracked
from oms_contracts.shipping import (
    FailureCode,
    ShipmentFailed,
    Shipped,
)
from oms_shipping.decisions import ImpossibleInput, deadline
from oms_shipping.domain import HandOver, Handover, LabelState, Policy, Status


def test_a_request_buys_labels_for_all_parcels_in_one_call() -> None:
    story = Story()
    story.tell(asked(parcels=(parcel("P-1"), parcel("P-2"))))
    (call,) = story.effects
    assert (call.gateway, call.method) == ("carrier", "buy_labels")
    assert [p["parcel_id"] for p in call.body["parcels"]] == ["P-1", "P-2"]
    assert call.body["purchase_id"] == ASKED and call.body["address"] == "sealed"
    assert story.facts == []


def test_labels_are_handed_over_at_once_by_default() -> None:
    story = shipped()
    assert story.facts == [
        Shipped(
            request_id=ASKED,
            shipment_id=SHIPMENT_ID,
            parcels=(
                Tracked(
                    parcel_id="P-1", carrier="parcelpost", tracking_no="T-P-1",
                    url="https://track.parcelpost.example/T-P-1",
                ),
            ),
            eta=datetime(2026, 11, 26, 18, tzinfo=UTC),
            shipped_at=NOW,
        )
    ]  # fmt: skip


def test_where_hand_over_is_by_hand_labels_alone_ship_nothing() -> None:
    story = labelled()
    assert story.said == [] and story.shipment.status is Status.LABELLED
    story.tell(HandOver(SHIPMENT_ID, ("T-P-1",)))
    assert story.said == ["Shipped"]


def test_the_way_of_hand_over_is_chosen_by_location() -> None:
    story = Story(Policy(handover_by_location={"STORE": Handover.MANUAL}))
    story.tell(asked(location="STORE"))
    story.answer(**labels())
    assert story.shipment.status is Status.LABELLED


def test_hand_over_needs_a_scan_of_every_parcel_and_of_no_other() -> None:
    story = labelled()
    for scanned in ((), ("T-P-9",), ("T-P-1", "T-P-9")):
        decision = story.tell(HandOver(SHIPMENT_ID, scanned))
        assert decision.refusal is not None and decision.refusal.code == "parcels_differ"
    assert story.said == []


def test_hand_over_twice_ships_once() -> None:
    story = labelled()
    first = story.tell(HandOver(SHIPMENT_ID, ("T-P-1",)))
    second = story.tell(HandOver(SHIPMENT_ID, ("T-P-1",)))
    assert second.verdict == "again" and second.answer == first.answer
    assert story.said == ["Shipped"]


def test_parcels_of_a_shipment_that_is_not_ready_stay_at_the_ramp() -> None:
    stopping = labelled()
    stopping.tell(stop())
    buying, failed = Story(), Story()
    buying.tell(asked())
    failed.tell(asked())
    failed.refuse("address")
    codes = {}
    for name, story in {"stopping": stopping, "buying": buying, "failed": failed}.items():
        refusal = story.tell(HandOver(SHIPMENT_ID, ("T-P-1",))).refusal
        assert refusal is not None
        codes[name] = refusal.code
    assert codes == {"stopping": "stopped", "buying": "no_labels", "failed": "failed"}


def test_a_hand_over_of_an_order_never_heard_of_is_refused_and_leaves_nothing() -> None:
    story = Story()
    decision = story.tell(HandOver(SHIPMENT_ID, ()))
    assert decision.refusal is not None and story.state is None


def test_a_repeated_request_is_answered_again_the_same_way() -> None:
    story = shipped()
    decision = story.tell(asked(), after_seconds=3_000)
    assert decision.verdict == "again"
    assert story.facts[0] == story.facts[1]
    assert story.calls == ["buy_labels"]


def test_a_repeated_request_changes_nothing_while_the_first_is_open() -> None:
    story = Story()
    story.tell(asked())
    assert story.tell(asked()).verdict == "again"
    assert story.calls == ["buy_labels"] and story.said == []


@pytest.mark.parametrize(
    ("code", "whose"),
    [("address", FailureCode.ADDRESS), ("not_served", FailureCode.CARRIER)],
)
def test_a_refused_purchase_fails_the_shipment(code: str, whose: FailureCode) -> None:
    story = Story()
    story.tell(asked())
    story.refuse(code, "no such street")
    failure = ShipmentFailed(
        request_id=ASKED, shipment_id=SHIPMENT_ID, code=whose, text="no such street"
    )
    assert story.facts == [failure]
    story.tell(asked())
    assert story.facts == [failure, failure]


def test_after_a_failure_a_new_request_starts_afresh() -> None:
    story = Story()
    story.tell(asked())
    story.refuse("address")
    story.tell(asked(ASKED_AGAIN))
    story.answer(**labels())
    assert [e.body["purchase_id"] for e in story.effects] == [ASKED, ASKED_AGAIN]
    assert [fact.request_id for fact in story.facts] == [ASKED, ASKED_AGAIN]


def test_no_carrier_for_the_parcels_fails_without_a_call() -> None:
    story = Story()
    story.tell(asked(parcels=(parcel(weight_grams=2_000_000),)))
    assert story.effects == [] and story.facts[0].code is FailureCode.CARRIER


def test_an_unclear_purchase_is_repeated_under_the_same_name_ever_less_often() -> None:
    story = Story()
    story.tell(asked())
    pauses = []
    for _ in range(4):
        story.lose()
        assert story.said == [] and story.shipment.attention
        before = story.now
        story.wake()
        pauses.append((story.now - before).total_seconds())
    assert pauses == [60.0, 120.0, 240.0, 480.0]
    assert {e.body["purchase_id"] for e in story.effects} == {ASKED}
    assert len({e.id for e in story.effects}) == len(story.effects)
    story.answer(**labels())
    assert story.said == ["Shipped"] and not story.shipment.attention


def test_a_call_open_for_too_long_comes_to_a_persons_attention_and_stays_open() -> None:
    story = Story()
    story.tell(asked())
    due = deadline(story.policy, story.state)
    assert due is not None and due.owner == "carrier"
    story.wake()
    assert story.shipment.attention and story.calls == ["buy_labels"]
    later = deadline(story.policy, story.state)
    assert later is not None and later.at > story.now
    story.answer(**labels())
    assert story.said == ["Shipped"] and not story.shipment.attention


def test_parcels_that_wait_too_long_for_the_driver_come_to_a_persons_attention() -> None:
    story = labelled()
    due = deadline(story.policy, story.state)
    assert due is not None and due.owner == "warehouse"
    story.wake()
    assert story.shipment.attention
    later = deadline(story.policy, story.state)
    assert later is not None and later.at > story.now


def test_shipments_of_one_order_are_bought_one_call_at_a_time() -> None:
    story = Story()
    story.tell(asked())
    story.tell(asked(ASKED_AGAIN, shipment_id="S-2"))
    assert len(story.effects) == 1
    story.answer(**labels())
    assert [e.body["shipment_id"] for e in story.effects] == ["S-1", "S-2"]


def test_an_answer_to_a_call_no_longer_open_is_late() -> None:
    story = shipped()
    stray = Done(mint_id(NOW, "stray"), "carrier", "void", {})
    assert story.tell(stray).verdict == "late"
    assert story.said == ["Shipped"]


def test_labels_for_other_parcels_than_ours_park_the_order() -> None:
    story = Story()
    story.tell(asked())
    with pytest.raises(ImpossibleInput):
        story.answer(**labels("P-2"))


def test_a_second_request_while_the_first_is_open_parks_the_order() -> None:
    story = Story()
    story.tell(asked())
    with pytest.raises(ImpossibleInput):
        story.tell(asked(ASKED_AGAIN))


def test_a_scan_proves_a_hand_over_that_nobody_recorded() -> None:
    story = labelled()
    story.tell(scan("AE", NOW))
    assert story.said == ["Shipped"] and story.shipment.status is Status.HANDED_OVER


def test_nothing_is_awaited_once_a_shipment_failed_or_was_stopped() -> None:
    failed, stopped = Story(), labelled()
    failed.tell(asked())
    failed.refuse("address")
    stopped.tell(stop())
    stopped.answer()
    assert deadline(failed.policy, failed.state) is None
    assert deadline(stopped.policy, stopped.state) is None


def test_rows_follow_the_label() -> None:
    story = labelled()
    story.tell(stop())
    story.answer()
    assert [row.label for row in story.rows] == [LabelState.BOUGHT, LabelState.VOIDED]


def test_a_wake_up_with_nothing_due_changes_nothing() -> None:
    story = shipped()
    before = story.state
    decision = story.tell(Woke("a parcel is on its way", "carrier"))
    assert decision.state is before and decision.effects == ()
