"""Stops: before the hand-over they win, after it they are refused."""

from builders import (
    ASKED,
    ASKED_AGAIN,
    NOW,
    OTHER_STOP,
    SHIPMENT_ID,
    STOP,
    Story,
    asked,
    labelled,
    labels,
    scan,
    shipped,
    stop,
)

from oms_contracts.shipping import (
    ShipmentStopped,
    ShipmentStopRefused,
)
from oms_shipping.domain import LabelState, Status


def test_a_stop_before_hand_over_voids_the_labels_and_wins() -> None:
    story = labelled()
    story.tell(stop())
    assert story.calls == ["buy_labels", "void"] and story.said == []
    assert story.effects[-1].body["purchase_id"] == ASKED
    story.answer()
    assert story.facts == [
        ShipmentStopped(request_id=STOP, shipment_id=SHIPMENT_ID, labels_voided=True)
    ]


def test_a_stop_after_hand_over_is_refused_each_time() -> None:
    story = shipped()
    story.tell(stop())
    story.tell(stop())
    assert story.said == ["Shipped", "ShipmentStopRefused", "ShipmentStopRefused"]
    assert story.facts[1] == story.facts[2]
    assert isinstance(story.facts[1], ShipmentStopRefused)


def test_a_stop_that_overtakes_its_request_wins_over_it() -> None:
    story = Story()
    story.tell(stop())
    story.tell(asked())
    stopped = ShipmentStopped(request_id=STOP, shipment_id=SHIPMENT_ID, labels_voided=True)
    assert story.facts == [stopped, stopped] and story.effects == []


def test_a_stop_during_the_purchase_is_decided_when_it_answers() -> None:
    story = Story()
    story.tell(asked())
    story.tell(stop())
    assert story.calls == ["buy_labels"] and story.said == []
    story.answer(**labels())
    assert story.calls == ["buy_labels", "void"] and story.said == []
    story.answer()
    assert story.said == ["ShipmentStopped"]


def test_a_stop_during_a_purchase_that_is_refused_needs_no_void() -> None:
    story = Story()
    story.tell(asked())
    story.tell(stop())
    story.refuse("address")
    assert story.said == ["ShipmentStopped"] and story.calls == ["buy_labels"]


def test_a_stop_of_an_unclear_purchase_voids_it_by_its_name() -> None:
    story = Story()
    story.tell(asked())
    story.lose()
    story.tell(stop())
    assert story.calls == ["buy_labels", "void"]
    assert story.effects[-1].body["purchase_id"] == ASKED
    story.answer()
    assert story.said == ["ShipmentStopped"]


def test_a_stop_of_a_purchase_that_waits_its_turn_ends_at_once() -> None:
    story = Story()
    story.tell(asked(shipment_id="S-0"))
    story.tell(asked())
    story.tell(stop())
    assert story.said == ["ShipmentStopped"] and story.calls == ["buy_labels"]


def test_every_stop_is_answered_and_a_repeated_one_again() -> None:
    story = labelled()
    for request_id in (STOP, OTHER_STOP, STOP):
        story.tell(stop(request_id))
    story.answer()
    assert [fact.request_id for fact in story.facts] == [STOP, OTHER_STOP]
    story.tell(stop(STOP))
    assert story.facts[-1].request_id == STOP


def test_a_void_that_comes_too_late_at_the_carrier_means_the_parcels_left() -> None:
    story = labelled()
    story.tell(stop())
    story.refuse("in_transit")
    assert story.said == ["Shipped", "ShipmentStopRefused"]


def test_a_stop_that_came_too_late_at_the_carrier_is_refused_again_when_repeated() -> None:
    story = labelled()
    story.tell(stop())
    story.refuse("in_transit")
    story.tell(stop())
    assert story.said == ["Shipped", "ShipmentStopRefused", "ShipmentStopRefused"]
    assert story.facts[1] == story.facts[2]


def test_labels_that_cannot_be_voided_stop_the_shipment_at_a_cost() -> None:
    story = labelled()
    story.tell(stop())
    story.refuse("too_old")
    assert story.said == ["ShipmentStopped"] and not story.facts[0].labels_voided
    assert story.shipment.attention


def test_an_unclear_void_is_tried_again_and_at_last_called_what_it_is() -> None:
    story = labelled()
    story.tell(stop())
    for _ in range(story.policy.void_attempts_max - 1):
        story.lose()
        assert story.said == []
        story.wake()
    story.lose()
    assert story.calls.count("void") == story.policy.void_attempts_max
    assert story.said == ["ShipmentStopped"] and not story.facts[0].labels_voided
    assert story.shipment.labels is LabelState.UNCLEAR


def test_after_a_stop_a_new_request_starts_afresh_and_the_old_stop_is_only_answered() -> None:
    story = labelled()
    story.tell(stop())
    story.answer()
    story.tell(asked(ASKED_AGAIN))
    story.tell(stop(STOP))
    story.answer(**labels())
    assert story.shipment.status is Status.LABELLED
    assert story.said == ["ShipmentStopped", "ShipmentStopped"]


def test_a_stop_of_a_failed_shipment_is_answered() -> None:
    story = Story()
    story.tell(asked())
    story.refuse("address")
    story.tell(stop())
    assert story.said == ["ShipmentFailed", "ShipmentStopped"]


def test_a_scan_during_the_void_refuses_the_stop_whatever_the_void_brings() -> None:
    story = labelled()
    story.tell(stop())
    story.tell(scan("AE", NOW))
    story.answer()
    assert story.said == ["Shipped", "ShipmentStopRefused"]
    assert "voided" in story.shipment.attention
