"""Orders, shipments and a provider to tell billing's story with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from oms_billing.decisions import deadline, decide
from oms_billing.domain import (
    Attempt,
    CreditNote,
    Invoice,
    Journal,
    JournalEntry,
    OpenItem,
    Payment,
    Policy,
    Receivable,
)
from oms_billing.inputs import KINDS, roots
from oms_billing.sandbox import Provider, Reply
from oms_chassis.decision import (
    Deadline,
    Decision,
    Done,
    Effect,
    Input,
    Ref,
    Refused,
    Unknown,
    Woke,
    mint_id,
)
from oms_chassis.fold import Core, Held, fold
from oms_contracts.billing import Account
from oms_contracts.channel import PaymentMethod
from oms_contracts.event import Alloc, Event, LineQty
from oms_contracts.order import (
    OrderShipped,
    PaymentRequested,
    PaymentVoidRequested,
    PricedLine,
    RefundRequested,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
ORDER = "019ab5d2-4c80-7000-8000-000000000001"
ORDER_NO = "100042"
EUR = "EUR"
TOTAL = 13_157
LINES = (("1", "LAMP", 3, 9_999, 1_900), ("2", "BULB", 2, 500, 95), ("3", "CORD", 1, 70, 0))
"""Line, SKU, units, net and tax: amounts that do not divide by their units."""
SHIPPING = (498, 95)

T = TypeVar("T")


def request_id(name: str) -> str:
    """The id of the request that a test calls so."""
    return str(mint_id(NOW, name))


PAY, VOID, REFUND = request_id("pay"), request_id("void"), request_id("refund")


def requested(
    token: str = "tok_approve", *, request: str = PAY, method: str = "token",
    lines: Sequence[tuple[str, str, int, int, int]] = LINES,
    shipping: tuple[int, int] = SHIPPING, expires_at: datetime = NOW + timedelta(days=1),
) -> PaymentRequested:  # fmt: skip
    """The order asks for its money."""
    return PaymentRequested(
        request_id=request,
        order_no=ORDER_NO,
        amount_minor=sum(net + tax for *_, net, tax in lines) + sum(shipping),
        currency=EUR,
        method=PaymentMethod(method),
        reference=token,
        lines=tuple(
            PricedLine(line_id=id_, sku=sku, qty=qty, net_minor=net, tax_minor=tax)
            for id_, sku, qty, net, tax in lines
        ),
        shipping_net_minor=shipping[0],
        shipping_tax_minor=shipping[1],
        expires_at=expires_at,
    )


def void(request: str = VOID, of: str = PAY) -> PaymentVoidRequested:
    """The order wants the payment undone."""
    return PaymentVoidRequested(request_id=request, payment_request_id=of)


def refund(
    amount_minor: int, *lines: tuple[str, int], request: str = REFUND, of: str = PAY,
    currency: str = EUR,
) -> RefundRequested:  # fmt: skip
    """The order wants money given back, perhaps for returned units of lines."""
    skus = {id_: sku for id_, sku, *_ in LINES}
    return RefundRequested(
        request_id=request,
        payment_request_id=of,
        amount_minor=amount_minor,
        currency=currency,
        lines=tuple(LineQty(line_id=id_, sku=skus[id_], qty=qty) for id_, qty in lines),
        reason="returned",
    )


def shipped(shipment: str, *lines: tuple[str, int], last: bool = False) -> OrderShipped:
    """A shipment left with so many units of these lines."""
    skus = {id_: sku for id_, sku, *_ in LINES}
    return OrderShipped(
        order_no=ORDER_NO,
        shipment_id=shipment,
        fulfilment_id=f"F-{shipment}",
        alloc=tuple(
            Alloc(line_id=id_, sku=skus.get(id_, "SKU"), location="BER", qty=qty)
            for id_, qty in lines
        ),
        last=last,
        parcels=(),
        shipped_at=NOW,
    )


def all_shipped(shipment: str = "S-1") -> OrderShipped:
    """Everything left at once."""
    return shipped(shipment, *((id_, qty) for id_, _, qty, *_ in LINES), last=True)


@dataclass
class Story:
    """One order's payment from the first request on, with a provider that answers when told to.

    It checks at every step that no two calls are open, and that what waits has a deadline.
    """

    policy: Policy = field(default_factory=Policy)
    now: datetime = NOW
    order_id: str = ORDER
    provider: Provider = field(default_factory=Provider)
    held: dict[Ref, Held] = field(default_factory=dict)
    facts: list[Event] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    open_calls: list[Effect] = field(default_factory=list)
    last: Decision = field(default_factory=Decision)
    inputs: list[Input] = field(default_factory=list)
    told: int = 0
    moved_minor: int = 0
    """What the provider moved to us, less what it moved back: the truth about cash."""

    @property
    def core(self) -> Core:
        """The pure part, under the story's policy."""
        return Core(KINDS, roots, partial(decide, self.policy), partial(deadline, self.policy))

    @property
    def payment(self) -> Payment:
        """The payment as it stands."""
        state = self.held["payment", self.order_id].state
        assert isinstance(state, Payment)
        return state

    @property
    def attempt(self) -> Attempt:
        """Its latest attempt."""
        assert self.payment.current is not None
        return self.payment.current

    @property
    def receivable(self) -> Receivable:
        """The latest invoice's claim."""
        return self.attempt.receivables[-1]

    @property
    def due(self) -> Deadline | None:
        """What is waited for."""
        return deadline(self.policy, self.payment)

    def tell(self, *bodies: Any) -> list[Event]:
        """Say something to billing; returns what it said. Raises what the decision raises."""
        said: list[Event] = []
        for body in bodies:
            self.told += 1
            self.now += timedelta(milliseconds=1)
            id_ = body.effect_id if isinstance(body, Done | Refused | Unknown) else None
            item = Input(
                id_ or mint_id(self.now, f"input {self.told}"), self.order_id, body, self.now
            )
            self.inputs.append(item)
            said += self._take(item)
        return said

    def _take(self, item: Input) -> list[Event]:
        refs = roots(item)
        for ref in refs:
            self.held.setdefault(ref, Held(None, 0, [0] if ref[0] == "payment" else [], born=True))
        known = {ref: self.held[ref] for ref in refs}
        out = fold(self.core, known, [(refs[0], item)], self.now, set())
        for failed in out.failed:
            assert failed.error is not None
            raise failed.error
        ((_, self.last),) = out.decisions
        self.rows += out.rows
        self.open_calls += [
            Effect(c.effect.gateway, c.effect.method, c.effect.body, c.id) for c in out.effects
        ]
        assert len(self.open_calls) <= 1, "two calls are open"
        state = self.held[refs[0]].state
        if state is not None:
            waits = deadline(self.policy, state)
            assert not self.open_calls or waits is not None
            if isinstance(item.body, Woke) and waits is not None:
                assert waits.at > self.now, f"a deadline was left in the past: {waits}"
        said = [f.body for f in out.facts]
        self.facts += said
        return said

    def answered(self) -> list[Event]:
        """The provider answers the open call in its own way."""
        reply = self.performed()
        if reply.code:
            return self.refused(reply.code)
        return self.unknown() if reply.answer is None else self.done(**reply.answer)

    def performed(self) -> Reply:
        """The provider does what the open call says; whether billing hears of it is open."""
        effect = self.open_calls[0]
        key = str(effect.body["key"])
        reply = self.provider.handle(effect.method, key, effect.body, self.now)
        way = {"capture": 1, "refund": -1, "transfer": -1}.get(effect.method, 0)
        self.moved_minor += way * reply.moved_minor
        return reply

    def all_answered(self) -> list[Event]:
        """The provider answers until nothing is open."""
        said: list[Event] = []
        while self.open_calls:
            said += self.answered()
        return said

    def done(self, **answer: Any) -> list[Event]:
        """The open call succeeded with this answer."""
        effect, id_ = self._closed()
        return self.tell(Done(id_, effect.gateway, effect.method, answer))

    def refused(self, code: str) -> list[Event]:
        """The open call was turned down."""
        effect, id_ = self._closed()
        return self.tell(Refused(id_, effect.gateway, effect.method, code, "the provider's words"))

    def unknown(self) -> list[Event]:
        """Nobody knows what became of the open call."""
        effect, id_ = self._closed()
        return self.tell(Unknown(id_, effect.gateway, effect.method, "no answer"))

    def _closed(self) -> tuple[Effect, UUID]:
        effect = self.open_calls.pop()
        assert effect.id is not None
        return effect, effect.id

    def time_is_up(self) -> list[Event]:
        """The deadline passes and nothing was heard until then."""
        due = self.due
        assert due is not None, "nothing is waited for"
        self.now = max(due.at, self.now)
        return self.tell(Woke(due.reason, due.owner))

    def of(self, kind: type[T]) -> list[T]:
        """Rows of one kind that were written so far."""
        return [row for row in self.rows if type(row) is kind]

    def ledger(self) -> Counter[Account]:
        """Balance of every account that is not zero: debit less credit."""
        sums: Counter[Account] = Counter()
        for entry in self.of(JournalEntry):
            sums[entry.account] += entry.debit_minor - entry.credit_minor
        return Counter({account: minor for account, minor in sums.items() if minor})

    def numbers(self) -> list[str]:
        """Numbers of invoices, in the order in which they were issued."""
        return [invoice.invoice_no for invoice in self.of(Invoice)]

    def open_item(self) -> OpenItem:
        """The newest entry of the aged list."""
        return self.of(OpenItem)[-1]

    def credit_note(self) -> CreditNote:
        """The newest credit note."""
        return self.of(CreditNote)[-1]

    def journals(self) -> list[tuple[Journal, dict[Account, int]]]:
        """Every journal with its sides, credits negative."""
        sides: dict[UUID, dict[Account, int]] = {}
        for e in self.of(JournalEntry):
            sides.setdefault(e.journal_id, {})[e.account] = e.debit_minor - e.credit_minor
        return [(journal, sides[journal.journal_id]) for journal in self.of(Journal)]


def told(story: Story, *bodies: Any) -> Story:
    """The story after these, every call answered at once."""
    for body in bodies:
        story.tell(body)
        story.all_answered()
    return story


def authorised(token: str = "tok_approve", **changes: Any) -> Story:
    """A story whose payment was asked for and answered."""
    return told(Story(), requested(token, **changes))


def names(said: Sequence[Event]) -> list[str]:
    """What was said, by name."""
    return [type(event).__name__ for event in said]
