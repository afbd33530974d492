"""Scans: asked for and reported, in any order."""

from datetime import timedelta

import pytest
from builders import NOW, SHIPMENT_ID, Story, asked, labelled, labels, parcel, scan, shipped, stop

from oms_contracts.shipping import ParcelDelivered, ParcelException, ParcelStatus
from oms_shipping.decisions import deadline
from oms_shipping.domain import ParcelRecord, Policy, ScanRecord


def polled(story: Story, *codes: tuple[str, float]) -> None:
    """The carrier is asked and tells these scans, given as code and seconds after hand-over."""
    story.wake()
    story.answer(
        scans=[
            {"tracking_no": "T-P-1", "event_id": f"e{n}", "code": code,
             "at": (NOW + timedelta(seconds=after)).isoformat()}
            for n, (code, after) in enumerate(codes)
        ]
    )  # fmt: skip


def test_the_carrier_is_asked_some_time_after_the_hand_over() -> None:
    story = shipped()
    due = deadline(story.policy, story.state)
    assert due is not None and due.owner == "carrier"
    assert due.at == NOW + timedelta(seconds=story.policy.track_after_seconds)
    story.wake()
    assert story.calls == ["buy_labels", "track"]
    assert story.effects[-1].body["tracking_nos"] == ["T-P-1"]


def test_a_parcel_is_asked_for_until_it_is_delivered() -> None:
    story = shipped()
    polled(story, ("AE", 60))
    assert story.said == ["Shipped"]
    polled(story, ("AE", 60), ("ZU", 3_600))
    assert story.facts[1] == ParcelDelivered(
        shipment_id=SHIPMENT_ID, parcel_id="P-1", at=NOW + timedelta(seconds=3_600)
    )
    assert deadline(story.policy, story.state) is None


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AN", ParcelStatus.DELIVERY_FAILED),
        ("BS", ParcelStatus.DAMAGED),
        ("RT", ParcelStatus.RETURN_TO_SENDER),
        ("VL", ParcelStatus.LOST),
    ],
)
def test_what_goes_wrong_on_the_way_is_an_exception(code: str, status: ParcelStatus) -> None:
    story = shipped()
    story.tell(scan(code, NOW + timedelta(minutes=50)), after_seconds=3_000)
    raised = story.facts[-1]
    assert isinstance(raised, ParcelException) and raised.status is status and raised.text
    assert story.shipment.parcels[0].problem


def test_a_scan_reported_twice_counts_once() -> None:
    story = shipped()
    at = NOW + timedelta(minutes=5)
    story.tell(scan("AN", at), after_seconds=600)
    assert story.tell(scan("AN", at), after_seconds=600).verdict == "again"
    assert story.said == ["Shipped", "ParcelException"]


def test_a_second_attempt_in_vain_is_told_as_well() -> None:
    story = shipped()
    story.tell(scan("AN", NOW + timedelta(minutes=5)), after_seconds=600)
    story.tell(scan("AN", NOW + timedelta(minutes=9)))
    assert story.said == ["Shipped", "ParcelException", "ParcelException"]


def test_an_older_scan_does_not_turn_the_parcel_back() -> None:
    story = shipped()
    story.tell(scan("PO", NOW + timedelta(minutes=9)), after_seconds=600)
    story.tell(scan("AE", NOW + timedelta(minutes=5)))
    assert story.shipment.parcels[0].status is ParcelStatus.OUT_FOR_DELIVERY


def test_delivered_is_final_but_for_a_return() -> None:
    story = shipped()
    story.tell(scan("ZU", NOW + timedelta(minutes=5)), after_seconds=600)
    story.tell(scan("AE", NOW + timedelta(minutes=9)))
    assert story.shipment.parcels[0].status is ParcelStatus.DELIVERED
    story.tell(scan("RT", NOW + timedelta(minutes=9)))
    assert story.said == ["Shipped", "ParcelDelivered", "ParcelException"]


def test_a_parcel_delivered_back_to_the_sender_is_not_delivered() -> None:
    story = shipped()
    story.tell(scan("RT", NOW + timedelta(minutes=5)), after_seconds=600)
    story.tell(scan("ZU", NOW + timedelta(minutes=9)))
    assert story.said == ["Shipped", "ParcelException"]
    assert story.shipment.parcels[0].status is ParcelStatus.RETURN_TO_SENDER


def test_damage_is_told_even_when_it_is_heard_late() -> None:
    story = shipped()
    story.tell(scan("PO", NOW + timedelta(minutes=9)), after_seconds=600)
    story.tell(scan("BS", NOW + timedelta(minutes=5)))
    story.tell(scan("BS", NOW + timedelta(minutes=5)))
    assert story.said == ["Shipped", "ParcelException"]
    assert story.shipment.parcels[0].status is ParcelStatus.OUT_FOR_DELIVERY


def test_a_lost_parcel_is_no_longer_asked_for_until_it_is_found() -> None:
    story = shipped()
    polled(story, ("VL", 60))
    assert deadline(story.policy, story.state) is None
    story.tell(scan("AE", NOW + timedelta(minutes=50)))
    assert deadline(story.policy, story.state) is not None
    story.tell(scan("ZU", NOW + timedelta(minutes=55)))
    assert story.said == ["Shipped", "ParcelException", "ParcelDelivered"]


def test_a_code_that_nobody_has_mapped_is_kept_and_moves_nothing() -> None:
    story = shipped()
    story.tell(scan("??", NOW))
    assert story.said == ["Shipped"]
    (raw,) = [row for row in story.rows if isinstance(row, ScanRecord)]
    assert (raw.code, raw.status) == ("??", ParcelStatus.UNKNOWN)


def test_the_aggregators_vocabulary_is_understood_for_every_carrier() -> None:
    assert Policy().word("swiftair", "OutForDelivery") is ParcelStatus.OUT_FOR_DELIVERY
    assert Policy().word("swiftair", "ok") is ParcelStatus.DELIVERED


def test_a_scan_dated_ahead_of_our_clock_is_not_believed() -> None:
    story = shipped()
    decision = story.tell(scan("ZU", NOW + timedelta(hours=2)))
    assert decision.refusal is not None and decision.refusal.code == "dated_ahead"
    story.policy = Policy(track_after_seconds=0)
    polled(story, ("ZU", 86_400))
    assert story.said == ["Shipped"]


def test_a_parcel_without_a_scan_for_too_long_is_an_exception_once() -> None:
    story = shipped(Policy(track_every_seconds=5 * 86_400.0))
    for _ in range(5):
        polled(story, ("AE", 60))
    raised = [fact for fact in story.facts if isinstance(fact, ParcelException)]
    assert [fact.status for fact in raised] == [ParcelStatus.UNKNOWN]
    assert story.shipment.parcels[0].problem


def test_a_carrier_that_does_not_answer_is_asked_again_later() -> None:
    story = shipped()
    story.wake()
    story.lose()
    due = deadline(story.policy, story.state)
    assert due is not None
    assert due.at == story.now + timedelta(seconds=story.policy.track_every_seconds)


def test_each_parcel_is_followed_by_itself() -> None:
    story = Story()
    story.tell(asked(parcels=(parcel("P-1"), parcel("P-2"))))
    story.answer(**labels("P-1", "P-2"))
    story.tell(scan("ZU", NOW, "T-P-2"))
    assert story.facts[-1].parcel_id == "P-2"
    story.wake()
    assert story.effects[-1].body["tracking_nos"] == ["T-P-1"]


def test_a_parcel_that_moves_although_it_was_stopped_is_an_exception_once() -> None:
    story = labelled()
    story.tell(stop())
    story.answer()
    for _ in range(2):
        story.tell(scan("AE", NOW))
    assert story.said == ["ShipmentStopped", "ParcelException"]
    assert story.state is not None and "stopped" in story.state.attention


def test_a_scan_of_a_label_that_was_replaced_is_late() -> None:
    story = shipped()
    assert story.tell(scan("AE", NOW, "T-OLD")).verdict == "late"


def test_a_scan_updates_the_row_that_people_search() -> None:
    story = shipped()
    story.tell(scan("PO", NOW))
    row = [r for r in story.rows if isinstance(r, ParcelRecord)][-1]
    assert (row.tracking_no, row.status, row.problem) == (
        "T-P-1", ParcelStatus.OUT_FOR_DELIVERY, "",
    )  # fmt: skip
