"""Whatever the participants do, in whatever order it is heard: the books of an order add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from participants import Billing, Inventory, Participant, Shipping, Warehouse
from story import Story, line, submission

from oms_chassis.decision import Decision
from oms_contracts import answers
from oms_contracts import order as said
from oms_contracts.catalogue import EVENTS
from oms_contracts.channel import BackorderPolicy, ShipPolicy
from oms_contracts.event import Event
from oms_order.decisions import deadline
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancellationWish,
    CancelOrder,
    Hold,
    PlaceHold,
    Policy,
    ReleaseHold,
    ResolveTask,
    Status,
)

STEPS_MAX = 400
SAYS = {
    event
    for event in EVENTS.values()
    if event.TOPIC in (said.OrderAccepted.TOPIC, answers.OrderConfirmed.TOPIC)
}
"""Everything an order can say."""
NEVER_IN_A_HISTORY = {answers.OrderRejected, said.CostsRejected, said.RefundRequested}
"""No order is rejected there, nobody rejects its costs, and billing takes what is owed alone."""


class History:
    """An order among its participants."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.inventory, self.billing = Inventory(), Billing()
        self.warehouse, self.shipping = Warehouse(), Shipping()
        self.all: tuple[Participant, ...] = (
            self.inventory,
            self.billing,
            self.warehouse,
            self.shipping,
        )
        self.spread()

    def spread(self) -> None:
        """Everybody hears what was said last, in order."""
        for fact in self.story.news:
            for participant in self.all:
                participant.hear(fact)

    def tell(self, body: object) -> Decision:
        """The order hears something; the books are checked."""
        decision = self.story.tell(body, actor="ada")
        self.spread()
        check_books(self.story)
        return decision

    def hear_next(self, choice: int) -> None:
        """The order hears the oldest answer of somebody who said something."""
        speaking = [p for p in self.all if p.answers]
        if speaking:
            self.tell(speaking[choice % len(speaking)].answers.popleft())

    def step(self, choice: int) -> None:
        """Anything that may happen next."""
        moves = [move for p in self.all for move in p.moves()]
        kind, choice = choice % 8, choice // 8
        if kind < 3 and moves:
            moves[choice % len(moves)]()
        elif kind < 6:
            self.hear_next(choice)
        elif kind == 6:
            commands = self.commands()
            self.tell(commands[choice % len(commands)])
        elif deadline(self.story.policy, self.story.order) is not None:
            self.story.wake()
            self.spread()
            check_books(self.story)

    def commands(self) -> list[object]:
        """What people and the channel might say."""
        order = self.story.order
        names = ("webshop", "S-1001")
        commands: list[object] = [
            CancelOrder(),
            CancelOrder(lines=(("2", 1),)),
            CancellationWish(*names),
            CancellationWish(*names, lines=(("1", 1),)),
            PlaceHold(said.Gate.SHIP, "look"),
            AnswerBackorder(BackorderChoice.CANCEL),
            AnswerBackorder(BackorderChoice.WAIT),
        ]
        commands += [released(hold) for hold in order.body.holds]
        return commands + [ResolveTask(task.task_id) for task in order.body.tasks]

    def come_to_rest(self) -> None:
        """From here on everybody means well, until nothing moves."""
        for _ in range(STEPS_MAX):
            order = self.story.order
            moves = [move for p in self.all for move in p.kind_moves()]
            if any(p.answers for p in self.all):
                self.hear_next(0)
            elif order.body.holds:
                self.tell(released(order.body.holds[0]))
            elif order.body.tasks:
                self.tell(ResolveTask(order.body.tasks[0].task_id))
            elif moves:
                moves[0]()
            elif deadline(self.story.policy, order) is not None:
                self.story.wake()
                self.spread()
                check_books(self.story)
            else:
                return
        pytest.fail(f"no end: {self.story.order.status}, {self.story.said[-5:]}")


def released(hold: Hold) -> ReleaseHold | ApproveCosts:
    """What lets an order pass."""
    costs = hold.type is said.HoldType.COSTS
    return ApproveCosts() if costs else ReleaseHold(hold.hold_id)


def check_books(story: Story) -> None:
    """What must be true after every single input."""
    order = story.order
    in_fulfilments = Counter[int]()
    for fulfilment in order.fulfilments:
        for n, qty in fulfilment.units:
            assert qty > 0
            in_fulfilments[n] += qty
    for n, (ordered, units) in enumerate(zip(order.placed.lines, order.lines, strict=True)):
        assert min(units.open, units.backordered, units.cancelled, units.unwanted) >= 0
        assert all(qty > 0 for _, qty in units.reserved)
        assert units.units_free + units.cancelled + in_fulfilments[n] == ordered.qty
        assert units.unwanted <= ordered.qty - units.cancelled
    waits = deadline(story.policy, order) is not None
    assert waits or order.finished, "the order waits in silence"


def units_of(facts: Sequence[Event]) -> Counter[str]:
    """Units by line that these facts name."""
    units: Counter[str] = Counter()
    for fact in facts:
        for x in getattr(fact, "lines", ()) or getattr(fact, "alloc", ()):
            units[x.line_id] += x.qty
    return units


def check_end(history: History) -> None:
    """What must be true once nothing moves any more."""
    story, order = history.story, history.story.order
    assert order.status in (Status.COMPLETED, Status.CANCELLED)
    shipped = units_of(story.all(said.OrderShipped))
    cancelled = units_of(story.all(said.OrderCancelled))
    for n, ordered in enumerate(order.placed.lines):
        assert shipped[ordered.line_id] + cancelled[ordered.line_id] == ordered.qty
        assert cancelled[ordered.line_id] == order.lines[n].cancelled
    assert not +history.inventory.held, "inventory keeps units that nobody wants"
    assert not +history.inventory.waiting
    _check_money(history)


def _check_money(history: History) -> None:
    story, payment = history.story, history.story.order.payment
    names = {asked.request_id for asked in story.all(said.PaymentRequested)}
    assert len(names) <= 1, "two payments of one order"
    assert {undo.payment_request_id for undo in story.all(said.PaymentVoidRequested)} <= names
    taken = history.billing.taken
    assert payment.captured_minor == sum(taken.values())
    if not story.all(said.OrderShipped):
        assert not taken
    if payment.authorised_minor > payment.captured_minor:
        assert names <= history.billing.voided, "money stays promised for nothing"
    last = [gone.last for gone in story.all(said.OrderShipped)]
    assert not any(last[:-1]), "something was shipped after the last shipment"


POLICIES = st.builds(
    Policy,
    backorder_default=st.sampled_from(BackorderChoice),
    follow_up_seconds=st.just(60.0),
    payer_seconds=st.sampled_from([30.0, 86_400.0]),
)
SUBMISSIONS = st.builds(
    lambda ship, wait: submission(
        line("1", 3), line("2", 1, 499), ship_policy=ship, backorder_policy=wait
    ),
    st.sampled_from([ShipPolicy.SPLIT, ShipPolicy.COMPLETE]),
    st.sampled_from([BackorderPolicy.WAIT, BackorderPolicy.DENY]),
)


CHOICES = st.integers(0, 90).flatmap(
    lambda n: st.lists(st.integers(0, 2**20), min_size=n, max_size=n)
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(POLICIES, SUBMISSIONS, CHOICES)
def test_every_history_comes_to_an_end_and_its_books_add_up(
    policy: Policy, placed: object, choices: list[int]
) -> None:
    story = Story(policy)
    story.tell(placed)
    history = History(story)
    for choice in choices:
        history.step(choice)
    history.come_to_rest()
    check_end(history)


def test_the_histories_reach_whatever_an_order_can_say() -> None:
    """So that the property above proves something: compensations, refusals and delays happen."""
    seen: set[type[Event]] = set()
    for seed in range(150):
        chance = Random(seed)
        story = Story(chance.choice([Policy(), Policy(payer_seconds=30.0)]))
        story.tell(submission(line("1", 3), line("2", 1), currency=chance.choice(["EUR", "NOK"])))
        history = History(story)
        for _ in range(60):
            history.step(chance.randrange(2**20))
        history.come_to_rest()
        check_end(history)
        seen |= {type(fact) for fact in story.said}
    assert SAYS - seen <= NEVER_IN_A_HISTORY
