"""A decision in the making: the payment as it becomes, and what is said, called and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec.structs import replace

from oms_billing.decisions import calls
from oms_billing.domain import (
    NOT_POSTED,
    Attempt,
    Call,
    Journal,
    JournalEntry,
    Method,
    Numbers,
    OpenItem,
    Payment,
    Policy,
    Receivable,
    Series,
    Side,
    Terms,
)
from oms_chassis.decision import Decision, Effect, Input, Ref, derive_id, seconds
from oms_contracts.billing import JournalEntry as ToldEntry
from oms_contracts.billing import LedgerPosted, PostingCause
from oms_contracts.event import Event


class World(Protocol):
    """The roots that an input may change, by kind and key; None where there is none yet."""

    def __getitem__(self, ref: Ref) -> Any: ...


@dataclass(slots=True)
class Draft:
    """Collects the consequences of one input; `decision` adds the next provider call."""

    policy: Policy
    world: World
    input: Input
    now: datetime
    payment: Payment
    facts: list[Event] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    numbers: dict[Series, Numbers] = field(default_factory=dict)
    ids_taken: int = 0

    def new_id(self) -> UUID:
        """The next id of this decision."""
        self.ids_taken += 1
        return self.input.new_id(self.ids_taken - 1)

    def say(self, *facts: Event) -> None:
        """Publish these."""
        self.facts.extend(facts)

    def add(self, attempt: Attempt) -> Attempt:
        """A new attempt begins."""
        born = self.world["payment", self.input.key] is None
        head = attempt.terms if born else self.payment.head
        self.payment = replace(self.payment, head=head, attempts=(*self.payment.attempts, attempt))
        return attempt

    def put(self, attempt: Attempt) -> Attempt:
        """The attempt is now so."""
        self.payment = self.payment.with_attempt(attempt)
        return attempt

    def issue(self, series: Series) -> Numbers:
        """The next number of a series: taken by this decision, or by none if it fails."""
        last = self.numbers.get(series) or self.world["numbers", series.value]
        self.numbers[series] = (last or Numbers(series, self.now)).next(self.now)
        return self.numbers[series]

    def post(
        self, terms: Terms, cause: PostingCause, reference: str, document_no: str, *sides: Side
    ) -> str:
        """Post a journal of the sides above zero and tell; returns its id.

        The id follows from what was first asked for, cause and reference, and takes its time
        from there: the same business event has the same id, and lies in the same month.
        """
        posted = [s for s in sides if s.debit_minor or s.credit_minor]
        if not posted:
            return NOT_POSTED
        debit_minor = sum(s.debit_minor for s in posted)
        if debit_minor != sum(s.credit_minor for s in posted):
            raise ValueError(f"{cause} {document_no} does not balance: {posted}")
        first = UUID(self.payment.attempts[0].terms.request_id)
        journal_id = derive_id(first, f"{cause.value} {reference}")
        self.rows.append(
            Journal(
                journal_id, self.input.key, cause, reference, document_no, self.now,
                terms.currency, len(posted), debit_minor,
            )
        )  # fmt: skip
        self.rows.extend(
            JournalEntry(journal_id, line, s.account, s.debit_minor, s.credit_minor)
            for line, s in enumerate(posted, start=1)
        )
        self.say(_posted(str(journal_id), cause, document_no, self.now, terms.currency, posted))
        return str(journal_id)

    def ask_again(self, call: Call) -> None:
        """Call the provider once more about the same wish, under the same key."""
        self._call(replace(call, open_id=str(self.new_id())))

    def decision(self, answer: dict[str, Any] | None = None) -> Decision:
        """All of it; with the next provider call, if none is under way."""
        if self.payment.call is None and (wish := calls.next_wish(self.payment, self.now)):
            id_ = str(self.new_id())
            self._call(Call(wish.method, wish.request_id, wish.target, id_, id_, self.now))
        order_id = self.input.key
        self.rows.extend(_changed_items(order_id, self.world["payment", order_id], self.payment))
        states: dict[Ref, Any] = {("payment", order_id): self.payment}
        states |= {("numbers", series.value): n for series, n in self.numbers.items()}
        return Decision(None, self.facts, self.effects, self.rows, states=states, answer=answer)

    def _call(self, call: Call) -> None:
        attempt = self.payment.attempt(call.request_id)
        if attempt is None:
            raise ValueError(f"a call for {call.request_id}, which was never asked for")
        if call.method is Method.AUTHORISE:
            attempt = self.put(replace(attempt, authorise_key=call.key))
        patience = seconds(self.policy.provider_answers_within_seconds)
        self.payment = replace(self.payment, call=replace(call, next_at=self.now + patience))
        body = calls.body_of(self.input.key, attempt, call)
        self.effects.append(Effect(calls.GATEWAY, call.method.value, body, id=UUID(call.open_id)))


def _posted(
    journal_id: str, cause: PostingCause, document_no: str, at: datetime, currency: str,
    sides: list[Side],
) -> LedgerPosted:  # fmt: skip
    entries = tuple(
        ToldEntry(account=s.account, debit_minor=s.debit_minor, credit_minor=s.credit_minor)
        for s in sides
    )
    return LedgerPosted(
        journal_id=journal_id,
        cause=cause,
        document_no=document_no,
        posted_at=at,
        currency=currency,
        entries=entries,
    )


def _changed_items(order_id: str, before: Payment | None, after: Payment) -> list[OpenItem]:
    """Open items that are not as they were."""
    known = set(open_items(order_id, before)) if before else set()
    return [item for item in open_items(order_id, after) if item not in known]


def open_items(order_id: str, payment: Payment) -> Iterator[OpenItem]:
    """Receivables that had to wait, as the aged list shows them.

    One that is captured at once never gets there: that saves every ordinary order two writes.
    """
    for attempt in payment.attempts:
        for r in attempt.receivables:
            if r.had_to_wait:
                yield _open_item(order_id, attempt, r)


def _open_item(order_id: str, attempt: Attempt, receivable: Receivable) -> OpenItem:
    r = receivable
    return OpenItem(
        r.invoice_no, order_id, attempt.terms.order_no, r.issued_at, r.due_at,
        attempt.terms.currency, r.amount.gross_minor, r.paid_minor, r.credited_minor,
        r.status, r.code, r.reminders,
    )  # fmt: skip
