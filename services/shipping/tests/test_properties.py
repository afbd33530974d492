"""What holds for every history: tried with histories that nobody would think of."""

from datetime import timedelta
from typing import Any

from builders import (
    ASKED,
    BY_HAND,
    NOW,
    OTHER_STOP,
    SHIPMENT_ID,
    STOP,
    Story,
    asked,
    labels,
    scan,
    stop,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from oms_contracts.shipping import ParcelDelivered, ParcelStatus, ShipmentStopped, Shipped
from oms_shipping.decisions import deadline
from oms_shipping.domain import HandOver, Policy, Shipments, Status

STEPS = (
    "ask", "stop", "stop otherwise", "hand over", "scan", "answer", "refuse", "too late", "lose",
    "wake",
)  # fmt: skip
histories = st.lists(st.sampled_from(STEPS), max_size=25)
policies = st.sampled_from((Policy(), BY_HAND, replace(BY_HAND, void_attempts_max=1)))


def step(story: Story, name: str) -> None:
    """One thing that may happen now; what cannot happen in this state is left out."""
    match name:
        case "ask":
            story.tell(asked())
        case "stop":
            story.tell(stop(STOP))
        case "stop otherwise":
            story.tell(stop(OTHER_STOP))
        case "hand over":
            story.tell(HandOver(SHIPMENT_ID, ("T-P-1",)))
        case "scan" if story.state is not None:
            story.tell(scan("AE", story.now))
        case "wake" if story.state is not None and deadline(story.policy, story.state):
            story.wake()
        case "answer" | "refuse" | "too late" | "lose" if story.state and story.state.open_call:
            respond(story, name)


def respond(story: Story, name: str) -> None:
    """The carrier, or nobody, answers the open call."""
    match name, story.effects[-1].method:
        case "answer", "buy_labels":
            story.answer(**labels())
        case "answer", "track":
            story.answer(scans=[])
        case "answer", _:
            story.answer()
        case "refuse", _:
            story.refuse("address")
        case "too late", _:
            story.refuse("in_transit")
        case _:
            story.lose()


def run(policy: Policy, history: list[str]) -> Story:
    story = Story(policy)
    for name in history:
        step(story, name)
    return story


def end(story: Story) -> None:
    """The carrier answers everything and the driver comes."""
    for _ in range(10):
        if story.state is None:
            return
        if story.state.open_call:
            respond(story, "answer")
        shipment = story.state.find(SHIPMENT_ID)
        if shipment is not None and shipment.status in (Status.BUYING, Status.VOIDING):
            story.wake()
    story.tell(HandOver(SHIPMENT_ID, ("T-P-1",)))


def answers(story: Story, kind: type) -> set[str]:
    return {fact.request_id for fact in story.facts if isinstance(fact, kind)}


@given(policies, histories)
def test_a_request_is_never_both_shipped_and_stopped(policy: Policy, history: list[str]) -> None:
    story = run(policy, history)
    end(story)
    assert not (answers(story, Shipped) and answers(story, ShipmentStopped))


@given(policies, histories)
def test_in_the_end_every_request_and_every_stop_is_answered(
    policy: Policy, history: list[str]
) -> None:
    story = run(policy, history)
    end(story)
    answered = {fact.request_id for fact in story.facts if hasattr(fact, "request_id")}
    stopped = answers(story, ShipmentStopped)
    wanted = {"ask": ASKED, "stop": STOP, "stop otherwise": OTHER_STOP}
    for name, request_id in wanted.items():
        if name in history:
            assert request_id in answered or (name == "ask" and stopped)


@given(policies, histories)
def test_at_most_one_call_is_open_and_it_is_the_last_one_begun(
    policy: Policy, history: list[str]
) -> None:
    story = Story(policy)
    for name in history:
        open_before = story.state is not None and story.state.open_call is not None
        begun_before = len(story.effects)
        step(story, name)
        begun = len(story.effects) - begun_before
        assert begun <= 1
        responded = name in ("answer", "refuse", "too late", "lose")
        assert not (begun and open_before and not responded)
        if story.state is not None and story.state.open_call is not None:
            assert story.state.open_call.effect_id == str(story.effects[-1].id)


@given(policies, histories)
def test_the_same_request_is_one_purchase_however_often_it_is_called(
    policy: Policy, history: list[str]
) -> None:
    story = run(policy, history)
    bought = [e for e in story.effects if e.method == "buy_labels"]
    assert {e.body["purchase_id"] for e in bought} <= {ASKED}
    assert len({e.id for e in story.effects}) == len(story.effects)


@given(policies, histories)
def test_every_wake_up_acts_or_sets_a_later_deadline(policy: Policy, history: list[str]) -> None:
    story = run(policy, history)
    for _ in range(3):
        if story.state is None or deadline(policy, story.state) is None:
            return
        begun = len(story.effects)
        story.wake()
        later = deadline(policy, story.state)
        assert len(story.effects) > begun or later is None or later.at > story.now


@given(policies, histories)
def test_something_is_awaited_exactly_while_something_is_open(
    policy: Policy, history: list[str]
) -> None:
    story = run(policy, history)
    if story.state is None:
        return
    waiting = {Status.BUYING, Status.VOIDING, Status.LABELLED}
    open_ = story.state.open_call is not None or any(
        s.status in waiting or (s.status is Status.HANDED_OVER and s.underway)
        for s in story.state.shipments
    )
    assert (deadline(policy, story.state) is not None) == open_


CODES = ("VA", "AE", "PO", "LA", "ZU", "AN", "RT", "BS", "VL", "??")
scans = st.lists(st.tuples(st.sampled_from(CODES), st.integers(0, 6)), min_size=1, max_size=7)


def followed(told: list[tuple[str, int]]) -> tuple[Shipments, list[Any]]:
    story = run(Policy(), ["ask", "answer"])
    story.now += timedelta(hours=1)
    for code, minutes in told:
        story.tell(scan(code, NOW + timedelta(minutes=minutes)))
    assert story.state is not None
    return story.state, story.facts


@given(scans.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_same_scans_lead_to_the_same_status_in_any_order(
    orders: tuple[list[tuple[str, int]], list[tuple[str, int]]],
) -> None:
    (one, _), (other, _) = followed(orders[0]), followed(orders[1])
    assert [p.status for p in one.shipments[0].parcels] == [
        p.status for p in other.shipments[0].parcels
    ]


@given(scans)
def test_a_parcel_is_delivered_at_most_once_and_only_if_it_was_said(
    told: list[tuple[str, int]],
) -> None:
    state, facts = followed(told + told)
    delivered = [fact for fact in facts if isinstance(fact, ParcelDelivered)]
    assert len(delivered) <= 1
    if state.shipments[0].parcels[0].status is ParcelStatus.DELIVERED:
        assert delivered
    if "ZU" not in dict(told):
        assert not delivered
