"""What is true of every history, whatever happens and in whatever order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from builders import (
    EUR,
    LINES,
    NOW,
    ORDER,
    TOTAL,
    Story,
    names,
    refund,
    request_id,
    requested,
    shipped,
    void,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oms_billing.domain import (
    Attempt,
    AuthorisationReported,
    DeclineReported,
    JournalEntry,
    MoneyReceived,
    PayerRetried,
    RefundStatus,
    Status,
)
from oms_contracts.billing import Account, PostingCause
from oms_contracts.channel import PaymentMethod

TOKENS = (
    "tok_approve", "tok_decline", "tok_decline_then_pay", "tok_silent", "tok_late_success",
    "tok_wrong_amount", "tok_expires_soon", "tok_capture_fails_once", "tok_capture_fails",
    "tok_refund_fails",
)  # fmt: skip
REQUESTS = tuple(request_id(f"pay {n}") for n in range(3))
UNDOS = tuple(request_id(f"void {n}") for n in range(3))
QUIET_WAKES_MAX = 500


class Histories(RuleBasedStateMachine):
    """Everything that can be told to a payment, in any order, lost answers included."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.shipments = 0
        self.left = {id_: qty for id_, _, qty, *_ in LINES}
        self.received_minor = 0

    @property
    def attempts(self) -> Sequence[Attempt]:
        return self.story.payment.attempts if self.born else ()

    @property
    def born(self) -> bool:
        held = self.story.held.get(("payment", ORDER))
        return held is not None and held.state is not None

    @rule(
        request=st.sampled_from(REQUESTS),
        token=st.sampled_from(TOKENS),
        method=st.sampled_from(("token", "token", "prepaid", "terms")),
    )
    def the_order_asks_for_payment(self, request: str, token: str, method: str) -> None:
        known = self.born and self.story.payment.attempt(request) is not None
        asked = requested(token, request=request, method=method, expires_at=self.soon())
        if not known:
            self.left = {id_: qty for id_, _, qty, *_ in LINES}
        self.story.tell(asked)

    def soon(self) -> datetime:
        return self.story.now + timedelta(hours=2)

    @rule(request=st.sampled_from(REQUESTS), undo=st.sampled_from(UNDOS))
    def the_order_undoes_a_payment(self, request: str, undo: str) -> None:
        self.story.tell(void(undo, request))

    @precondition(lambda self: self.attempts and any(self.left.values()))
    @rule(data=st.data())
    def goods_leave(self, data: st.DataObject) -> None:
        units = {
            id_: data.draw(st.integers(0, qty), label=f"units of line {id_}")
            for id_, qty in self.left.items()
            if qty
        }
        if not any(units.values()):
            return
        self.shipments += 1
        self.left = {id_: qty - units.get(id_, 0) for id_, qty in self.left.items()}
        lines = [(id_, qty) for id_, qty in units.items() if qty]
        last = not any(self.left.values())
        left = shipped(f"S-{self.shipments}", *lines, last=last)
        said = names(self.story.tell(left))
        assert said[0] == "LedgerPosted"
        again = self.story.tell(left)
        assert "LedgerPosted" not in names(again), "a shipment told twice is invoiced once"

    @precondition(lambda self: self.attempts)
    @rule(
        n=st.integers(0, 5),
        request=st.sampled_from(REQUESTS),
        amount_minor=st.one_of(st.integers(1, TOTAL), st.just(TOTAL)),
        lines=st.lists(st.tuples(st.sampled_from("123"), st.integers(1, 3)), max_size=2),
    )
    def the_order_wants_money_back(
        self, n: int, request: str, amount_minor: int, lines: list[tuple[str, int]]
    ) -> None:
        id_ = request_id(f"refund {n} of {request}")
        self.story.tell(refund(amount_minor, *lines, request=id_, of=request))

    @precondition(lambda self: self.story.open_calls)
    @rule()
    def the_provider_answers(self) -> None:
        self.story.answered()

    @precondition(lambda self: self.story.open_calls)
    @rule(done=st.booleans())
    def the_answer_is_lost(self, done: bool) -> None:
        if done:
            self.story.performed()
        self.story.unknown()

    @precondition(lambda self: self.born and self.story.due)
    @rule()
    def time_passes(self) -> None:
        self.story.time_is_up()

    @precondition(lambda self: self.attempts)
    @rule(token=st.sampled_from(TOKENS))
    def the_payer_tries_again(self, token: str) -> None:
        self.story.tell(PayerRetried(token))

    @precondition(lambda self: self.attempts)
    @rule(request=st.sampled_from(("", *REQUESTS)), n=st.integers(0, 1))
    def the_provider_reports(self, request: str, n: int) -> None:
        self.story.tell(AuthorisationReported(f"page-{TOTAL}-{n}{request}", TOTAL, EUR, request))

    @precondition(lambda self: self.attempts)
    @rule(request=st.sampled_from(("", *REQUESTS)))
    def the_provider_reports_a_decline(self, request: str) -> None:
        self.story.tell(DeclineReported("insufficient_funds", request))

    @precondition(lambda self: any(a.receivables for a in self.attempts))
    @rule(data=st.data(), amount_minor=st.integers(1, TOTAL), n=st.integers(0, 9))
    def the_customer_pays_by_bank(self, data: st.DataObject, amount_minor: int, n: int) -> None:
        numbers = [r.invoice_no for a in self.attempts for r in a.receivables]
        number = data.draw(st.sampled_from(numbers))
        self.story.tell(MoneyReceived(number, amount_minor, EUR, f"bank-{n}"))
        if self.story.last.rows:
            self.received_minor += amount_minor

    @invariant()
    def every_journal_balances(self) -> None:
        for journal, sides in self.story.journals():
            assert sum(sides.values()) == 0
            assert sum(m for m in sides.values() if m > 0) == journal.total_minor
        entries = self.story.of(JournalEntry)
        assert all((e.debit_minor > 0) != (e.credit_minor > 0) for e in entries)

    @invariant()
    def a_business_event_is_posted_once(self) -> None:
        events = [(journal.cause, journal.reference) for journal, _ in self.story.journals()]
        assert len(events) == len(set(events))

    @invariant()
    def invoices_are_numbered_without_gaps(self) -> None:
        expected = [f"INV-{NOW.year}-{n + 1:06d}" for n in range(self.shipments)]
        years = {number[4:8] for number in self.story.numbers()}
        if years <= {str(NOW.year)}:
            assert self.story.numbers() == expected

    @invariant()
    def receivables_are_what_customers_owe(self) -> None:
        ledger_minor = self.story.ledger()[Account.RECEIVABLES]
        reserved_minor = sum(
            s.amount_minor
            for a in self.attempts
            for r in a.refunds
            if r.status is RefundStatus.WANTED
            for s in r.set_offs
        )
        open_minor = sum(r.open_minor for a in self.attempts for r in a.receivables)
        assert ledger_minor == open_minor + reserved_minor
        assert all(r.open_minor >= 0 for a in self.attempts for r in a.receivables)

    @invariant()
    def deposits_are_what_we_hold_of_prepayments(self) -> None:
        held_minor = sum(
            a.remaining_minor
            - a.voided_minor
            - sum(r.deposit_minor for r in a.refunds if r.status is RefundStatus.COMPLETED)
            for a in self.attempts
            if a.terms.method is PaymentMethod.PREPAID and a.authorised_minor
        )
        assert -self.story.ledger()[Account.CUSTOMER_DEPOSITS] == held_minor

    @invariant()
    def shares_of_a_wholly_shipped_order_are_exactly_its_total(self) -> None:
        for attempt in self.attempts:
            if attempt.shipped == tuple(qty for _, _, qty, *_ in LINES):
                assert sum(r.amount.gross_minor for r in attempt.receivables) == TOTAL

    @invariant()
    def no_more_is_given_back_than_was_invoiced(self) -> None:
        for attempt in self.attempts:
            charged = {line.line_id: amount for line, _, amount in attempt.invoiced()}
            charged[""] = attempt.terms.shipping
            for c in attempt.credited:
                left = charged[c.line_id] - c.amount
                assert left.net_minor >= 0 and left.tax_minor >= 0

    def teardown(self) -> None:
        """Once all is answered and every deadline of billing's own has passed, books and
        provider agree, and nothing that was undone is still promised."""
        if not self.born:
            return
        for attempt in self.attempts:  # the order is closed
            self.the_order_undoes_a_payment(attempt.terms.request_id, UNDOS[0])
        self._come_to_rest()
        assert self.story.ledger()[Account.CASH] == self._cash_minor()
        for attempt in self.attempts:
            wanted_no_more = attempt.status in (Status.VOIDED, Status.DECLINED)
            promise = self.story.provider.promises.get(attempt.authorisation_id)
            if wanted_no_more and promise is not None:
                assert promise.open_minor == 0, f"{promise} survived its end"
            assert attempt.status in (Status.VOIDED, Status.CAPTURED) or (
                attempt.status is Status.VOIDING and attempt.terms.reference == "tok_refund_fails"
            ), "the void wins"
        pages = [p for name, p in self.story.provider.promises.items() if name.startswith("page")]
        in_use = {a.authorisation_id for a in self.attempts}
        assert all(p.open_minor == 0 or p.key in in_use for p in pages)

    def _come_to_rest(self) -> None:
        for _ in range(QUIET_WAKES_MAX):
            self.story.all_answered()
            due = self.story.due
            if due is None or due.owner not in ("billing", "payer"):
                return
            self.story.time_is_up()
        raise AssertionError(f"it never comes to rest: {self.story.due}")

    def _cash_minor(self) -> int:
        prepaid_minor = sum(
            journal.total_minor
            for journal, _ in self.story.journals()
            if journal.cause is PostingCause.PREPAYMENT
        )
        return self.story.moved_minor + prepaid_minor + self.received_minor


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(
    net=st.integers(0, 10**9),
    tax=st.integers(0, 10**8),
    units=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_however_a_line_is_split_its_invoices_add_up_to_its_price(
    net: int, tax: int, units: int, cuts: list[int]
) -> None:
    story = Story()
    story.tell(requested("acme", method="terms", lines=[("1", "LAMP", units, net, tax)]))
    edges = sorted({0, units, *(c for c in cuts if c < units)})
    for n, (start, end) in enumerate(pairwise(edges)):
        story.tell(shipped(f"S-{n}", ("1", end - start), last=end == units))
    charged = [r.amount for r in story.attempt.receivables]
    shipping_net, shipping_tax = 498, 95
    assert sum(a.net_minor for a in charged) == net + shipping_net
    assert sum(a.tax_minor for a in charged) == tax + shipping_tax
