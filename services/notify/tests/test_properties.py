"""What holds for every history of an order's messages."""

from collections import Counter

from builders import (
    Story,
    accepted,
    cancellation_refused,
    cancelled,
    completed,
    delayed,
    held,
    invoiced,
    shipped,
    shortage,
)
from hypothesis import given
from hypothesis import strategies as st

from oms_notify.decisions import deadline
from oms_notify.domain import Policy, Resend, Status

FACTS = {
    "accepted": accepted, "shipped": shipped, "invoiced": invoiced, "delayed": delayed,
    "held": held, "cancelled": cancelled, "cancellation refused": cancellation_refused,
    "completed": completed,
}  # fmt: skip
OUTCOMES = ("sent", "refused", "lost")
histories = st.lists(st.sampled_from((*FACTS, *OUTCOMES, "wake")), max_size=30)
with_wishes = st.lists(st.sampled_from((*FACTS, *OUTCOMES, "wake", "resend")), max_size=30)


def run(history: list[str], kind: str = "messages") -> Story:
    story = Story(kind, Policy(attempts_max=3))
    story.tell(accepted() if kind == "messages" else shortage())
    for name in history:
        step(story, name)
    return story


def step(story: Story, name: str) -> None:
    """One thing that may happen now; what cannot happen in this state is left out."""
    assert story.state is not None
    open_ = story.state.bag.open_call
    match name:
        case "sent" if open_:
            story.sent()
        case "refused" if open_:
            story.refuse()
        case "lost" if open_:
            story.lose()
        case "wake" if deadline(story.policy, story.state):
            story.wake()
        case "resend" if story.kind == "messages":
            story.tell(Resend(story.messages[0].message_id))
        case _ if name in FACTS and story.kind == "messages":
            story.tell(FACTS[name]())


@given(histories)
def test_each_template_tells_each_fact_by_one_mail(history: list[str]) -> None:
    story = run(history)
    told = Counter((m.template, m.fact_id) for m in story.messages)
    assert set(told.values()) <= {1}
    assert Counter(m.message_id for m in story.messages).most_common(1)[0][1] == 1


@given(with_wishes)
def test_a_mail_goes_out_again_only_after_its_fate_was_unknown(history: list[str]) -> None:
    story = run(history)
    begun = Counter(effect.body["message_id"] for effect in story.effects)
    attempts = {m.message_id: m.attempts for m in story.messages if m.attempts}
    assert begun == attempts
    assert all(count <= story.policy.attempts_max for count in begun.values())


@given(with_wishes)
def test_at_most_one_mail_is_open_and_it_is_the_one_being_sent(history: list[str]) -> None:
    story = run([])
    for name in history:
        before = len(story.effects)
        step(story, name)
        assert len(story.effects) - before <= 1
        assert story.state is not None
        sending = [m for m in story.messages if m.status is Status.SENDING]
        assert len(sending) == bool(story.state.bag.open_call)


@given(histories)
def test_mails_begin_in_the_order_in_which_things_happened(history: list[str]) -> None:
    story = run(history)
    first_begun = list(dict.fromkeys(effect.body["message_id"] for effect in story.effects))
    queued = [m.message_id for m in story.messages]
    assert first_begun == queued[: len(first_begun)]


@given(with_wishes, st.sampled_from(("messages", "alerts")))
def test_everything_is_sent_in_the_end_and_then_nothing_is_awaited(
    history: list[str], kind: str
) -> None:
    story = run(history, kind)
    for _ in range(200):
        assert story.state is not None
        if story.state.bag.open_call:
            story.sent()
        elif deadline(story.policy, story.state):
            story.wake()
        else:
            break
    assert {m.status for m in story.messages} <= {Status.SENT, Status.FAILED, Status.RESENT}
    assert not story.state.bag.silent


@given(with_wishes)
def test_every_failure_is_told_once(history: list[str]) -> None:
    story = run(history)
    failed = [m for m in story.messages if m.status in (Status.FAILED, Status.RESENT)]
    assert Counter((f.fact_id, f.template) for f in story.facts) == Counter(
        (m.fact_id, m.template) for m in failed
    )


@given(with_wishes)
def test_every_wake_up_acts_or_sets_a_later_deadline(history: list[str]) -> None:
    story = run(history)
    for _ in range(3):
        assert story.state is not None
        if deadline(story.policy, story.state) is None:
            return
        begun = len(story.effects)
        story.wake()
        later = deadline(story.policy, story.state)
        assert len(story.effects) > begun or (later is not None and later.at > story.now)
