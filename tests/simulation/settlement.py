"""What must be true of an order's money once nothing moves any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from ways import must
from world import World

from oms_billing.domain import NOT_POSTED, Attempt, Payment
from oms_billing.domain import Status as PaymentStatus
from oms_billing.sandbox import Promise
from oms_order.domain import Order

_OPEN_BOOKS = ("receivables", "customer_deposits")
CLOCKS_DIFFER_BY = timedelta(minutes=10)
"""A promise that ends so soon has ended by some clock."""


def money_agrees(
    world: World, promises: Sequence[Promise], order_id: str, order: Order, left: Counter[str]
) -> None:
    """What left was invoiced, what was invoiced is paid, and the provider says the same."""
    payment: Payment = world.nodes["billing"].state("payment", order_id) or Payment()
    must(payment.call is None, f"{order_id}: a call to the provider is still open")
    invoiced: Counter[str] = Counter()
    charged_minor = 0
    for attempt in payment.attempts:
        _attempt_ended(order_id, attempt)
        for line, units, _ in attempt.invoiced():
            invoiced[line.line_id] += units
        charged_minor += sum(r.amount.gross_minor for r in attempt.receivables)
    must(+invoiced == +left, f"{order_id}: {dict(left)} left, {dict(invoiced)} were invoiced")
    must(
        order.payment.captured_minor == charged_minor,
        f"{order_id}: {charged_minor} were invoiced, the order knows {order.payment}",
    )
    for account in _OPEN_BOOKS:
        balance = world.invariants.money.ledger[order_id, account]
        must(balance == 0, f"{order_id}: {balance} left in the books of {account}")
    _provider_agrees(world, promises, order_id, payment)


def _attempt_ended(order_id: str, attempt: Attempt) -> None:
    ended = (PaymentStatus.CAPTURED, PaymentStatus.VOIDED, PaymentStatus.DECLINED)
    must(attempt.status in ended, f"{order_id}: its payment is still {attempt.status}")
    must(not attempt.strays, f"{order_id}: stray promises {attempt.strays}")
    must(not attempt.deposit_minor, f"{order_id}: {attempt.deposit_minor} of a deposit is kept")
    for receivable in attempt.receivables:
        must(receivable.open_minor == 0, f"{order_id}: {receivable} was never paid")
        must(bool(receivable.journal_id), f"{order_id}: {receivable} without a journal")
        settled = receivable.journal_id != NOT_POSTED or receivable.amount.gross_minor == 0
        must(settled, f"{order_id}: {receivable} was not posted")


def _provider_agrees(
    world: World, promises: Sequence[Promise], order_id: str, payment: Payment
) -> None:
    """The provider took what billing booked as taken, and keeps no money set aside."""
    for promise in promises:
        open_ = promise.open_minor and promise.until > world.now + CLOCKS_DIFFER_BY
        must(not open_, f"{order_id}: {promise.open_minor} are still set aside by {promise.token}")
    taken_minor = sum(promise.captured_minor for promise in promises)
    booked_minor = sum(
        r.captured_minor for a in payment.attempts if a.by_provider for r in a.receivables
    )
    must(
        taken_minor == booked_minor,
        f"{order_id}: the provider took {taken_minor}, billing booked {booked_minor}",
    )
