"""The money books that the simulator keeps beside billing's: nothing appears, nothing is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

from node import Cycle, Node
from ways import Violation

from oms_billing.domain import Attempt, Invoice, Journal, JournalEntry, Payment, RefundStatus
from oms_billing.domain import Status as PaymentStatus

_LIVE = (PaymentStatus.AUTHORISED, PaymentStatus.PART_CAPTURED)


class MoneyBooks:
    """Journals, invoices and balances, as the rows tell it."""

    def __init__(self) -> None:
        self.ledger: Counter[tuple[str, str]] = Counter()
        """Debit less credit, by order and account."""
        self._journals: set[tuple[str, str, str]] = set()
        self._invoices = 0

    def after(self, cycle: Cycle) -> None:
        """Look at every journal, invoice and payment of a cycle."""
        if cycle.out.rows:
            self._post(cycle.out.rows)
        for order_id, _, payment in cycle.changed("payment"):
            _payment(order_id, payment)

    def audit(self, node: Node) -> None:
        """The whole ledger is balanced, and so is every payment."""
        if sum(self.ledger.values()):
            raise Violation(f"the ledger does not balance: {self.ledger}")
        for order_id in node.memory.keys("payment"):
            _payment(order_id, node.state("payment", order_id))

    def _post(self, rows: Any) -> None:
        """Each journal adds up to nothing in its currency, and is posted for its cause once."""
        sides: Counter[Any] = Counter()
        entries: dict[Any, Journal] = {}
        for row in rows:
            match row:
                case Journal():
                    name = (row.order_id, row.cause.value, row.reference)
                    if name in self._journals:
                        raise Violation(f"{name} was posted before")
                    self._journals.add(name)
                    entries[row.journal_id] = row
                case JournalEntry():
                    balance = row.debit_minor - row.credit_minor
                    journal = entries[row.journal_id]
                    sides[row.journal_id, journal.currency] += balance
                    self.ledger[journal.order_id, row.account.value] += balance
                case Invoice():
                    self._invoices += 1
                    number = int(row.invoice_no.rpartition("-")[2])
                    if number != self._invoices:
                        raise Violation(f"{row.invoice_no} is number {self._invoices}")
        if any(sides.values()):
            raise Violation(f"journals that do not balance: {sides}")


def _payment(order_id: str, payment: Payment) -> None:
    promises = [a.authorisation_id for a in payment.attempts if a.status in _LIVE]
    if len(promises) > 1:
        raise Violation(f"{order_id}: several live promises {promises}")
    for attempt in payment.attempts:
        _attempt(order_id, attempt)


def _attempt(order_id: str, attempt: Attempt) -> None:
    """Captured at most what was promised, given back at most what was captured."""
    taken, promised = attempt.captured_minor, attempt.authorised_minor
    if taken > promised:
        raise Violation(f"{order_id}: captured {taken} of {promised} promised")
    returned = sum(r.invoiced_minor for r in attempt.refunds if r.status is not RefundStatus.FAILED)
    if returned > taken:
        raise Violation(f"{order_id}: {returned} of {taken} captured to be given back")
    for line, units in zip(attempt.terms.lines, attempt.shipped, strict=False):
        if units > line.qty:
            raise Violation(f"{order_id}: {units} of {line} invoiced")
    for receivable in attempt.receivables:
        if receivable.open_minor < 0:
            raise Violation(f"{order_id}: overpaid {receivable}")
