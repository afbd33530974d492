"""Goods that left become an invoice, a receivable and a journal, and then the money is due."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from msgspec.structs import replace

from oms_billing.decisions import answers, collecting
from oms_billing.decisions.draft import Draft
from oms_billing.domain import (
    Amount,
    Attempt,
    BilledLine,
    Invoice,
    Receivable,
    ReceivableStatus,
    Series,
    credit,
    debit,
    lines_json,
    share,
    total,
)
from oms_chassis.decision import Decision, Value, again
from oms_contracts.billing import Account, PostingCause
from oms_contracts.channel import PaymentMethod
from oms_contracts.order import OrderShipped


class _Bill(Value, frozen=True):
    """What a shipment costs, and the units of every line invoiced with it."""

    lines: tuple[BilledLine, ...]
    shipping: Amount
    shipped: tuple[int, ...]

    @property
    def amount(self) -> Amount:
        """Of all lines and the shipping charge."""
        return total([*(line.amount for line in self.lines), self.shipping])


def ship(draft: Draft, shipped: OrderShipped) -> Decision:
    """The customer owes what left: invoice, receivable, journal; then the money is fetched."""
    for attempt in draft.payment.attempts:
        if known := attempt.receivable(shipped.shipment_id):
            return again(None, *answers.to_shipment(attempt, known))
    current = draft.payment.current
    if current is None:
        raise ValueError("goods left that nobody ever priced: there is no payment request")
    bill = _bill(current, shipped)
    receivable = _invoice(draft, current, shipped.shipment_id, bill)
    attempt = replace(
        current,
        shipped=bill.shipped,
        last_shipped=current.last_shipped or shipped.last,
        receivables=(*current.receivables, receivable),
    )
    collecting.collect(draft, draft.put(attempt), receivable)
    return draft.decision()


def _bill(attempt: Attempt, shipped: OrderShipped) -> _Bill:
    """Each line's share of the units shipped so far, less what was invoiced before; the first
    invoice carries the shipping charge."""
    units: Counter[str] = Counter()
    for alloc in shipped.alloc:
        units[alloc.line_id] += alloc.qty
    terms = attempt.terms
    if strange := set(units) - {line.line_id for line in terms.lines}:
        raise ValueError(f"lines {sorted(strange)} were shipped and never priced")
    before = attempt.shipped or (0,) * len(terms.lines)
    after = tuple(n + units[line.line_id] for n, line in zip(before, terms.lines, strict=True))
    billed = []
    for line, old, new in zip(terms.lines, before, after, strict=True):
        if new > line.qty:
            raise ValueError(f"{new} units of line {line.line_id} left; {line.qty} were priced")
        if new > old:
            carried = share(line.amount, new, line.qty) - share(line.amount, old, line.qty)
            billed.append(BilledLine(line.line_id, line.sku, new - old, carried))
    shipping = Amount() if attempt.receivables else terms.shipping
    return _Bill(tuple(billed), shipping, after)


def _invoice(draft: Draft, attempt: Attempt, shipment_id: str, bill: _Bill) -> Receivable:
    """Number it, post it, write it down."""
    terms, amount = attempt.terms, bill.amount
    numbers = draft.issue(Series.INVOICE)
    days = terms.terms_days if terms.method is PaymentMethod.TERMS else 0
    due_at = numbers.issued_at + timedelta(days=days)
    journal_id = draft.post(
        terms, PostingCause.INVOICE, shipment_id, numbers.number,
        debit(Account.RECEIVABLES, amount.gross_minor),
        credit(Account.REVENUE, amount.net_minor),
        credit(Account.SALES_TAX, amount.tax_minor),
    )  # fmt: skip
    draft.rows.append(
        Invoice(
            numbers.number, draft.input.key, terms.order_no, shipment_id, terms.method.value,
            numbers.issued_at, due_at, terms.currency, lines_json(bill.lines),
            bill.shipping.net_minor, bill.shipping.tax_minor, amount.net_minor, amount.tax_minor,
            journal_id, terms.bill_to,
        )
    )  # fmt: skip
    return Receivable(
        shipment_id, numbers.number, amount, numbers.issued_at, due_at,
        ReceivableStatus.CAPTURING, journal_id=journal_id,
    )  # fmt: skip
