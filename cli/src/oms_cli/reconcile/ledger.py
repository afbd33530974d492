"""I4: the ledger balances, and agrees with the payments and with the provider's own books."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from oms_billing.domain import Attempt, Payment, RefundStatus, Status
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground

_CURRENCIES = """
SELECT j.currency, sum(e.debit_minor)::bigint AS debit, sum(e.credit_minor)::bigint AS credit
FROM journal j JOIN journal_entry e USING (tenant, journal_id) WHERE tenant = $1 GROUP BY 1
"""
_JOURNALS = """
SELECT j.journal_id, j.cause, j.order_id FROM journal j
LEFT JOIN journal_entry e USING (tenant, journal_id) WHERE tenant = $1
GROUP BY tenant, j.journal_id
HAVING coalesce(sum(e.debit_minor), 0) <> coalesce(sum(e.credit_minor), 0)
    OR coalesce(sum(e.debit_minor), 0) <> j.total_minor OR count(e.line) <> j.entry_count
"""
_JOURNAL_COUNT = "SELECT count(*) FROM journal WHERE tenant = $1"
_BALANCES = """
SELECT j.order_id, e.account, sum(e.debit_minor - e.credit_minor)::bigint AS balance
FROM journal j JOIN journal_entry e USING (tenant, journal_id)
WHERE tenant = $1 AND e.account IN ('receivables', 'customer_deposits') GROUP BY 1, 2
"""
_PROVIDER_CASH = """
SELECT j.order_id, sum(e.debit_minor - e.credit_minor)::bigint AS balance
FROM journal j JOIN journal_entry e USING (tenant, journal_id)
WHERE tenant = $1 AND e.account = 'cash' AND j.cause <> 'prepayment'
  AND j.reference NOT LIKE j.document_no || ' %' GROUP BY 1
"""
_INCOME = """
SELECT j.order_id, sum(e.credit_minor - e.debit_minor)::bigint AS income
FROM journal j JOIN journal_entry e USING (tenant, journal_id)
WHERE tenant = $1 AND e.account IN ('revenue', 'sales_tax', 'returns') GROUP BY 1
"""
_CHARGED = """
SELECT order_id, sum(gross)::bigint FROM (
  SELECT order_id, net_minor + tax_minor AS gross FROM invoice WHERE tenant = $1
  UNION ALL
  SELECT order_id, -net_minor - tax_minor FROM credit_note WHERE tenant = $1
) document GROUP BY 1
"""
_INVOICES = """
SELECT order_id, sum(net_minor + tax_minor)::bigint AS gross FROM invoice WHERE tenant = $1
GROUP BY order_id
"""
_NUMBERED = """
SELECT {column} FROM {table} WHERE tenant = $1
"""
_TAKES_MONEY = ("capture",)
_GIVES_MONEY = ("refund", "transfer")
_UNCERTAIN = (Status.AUTHORISING, Status.VOIDING)
_LIVE = (Status.AUTHORISED, Status.PART_CAPTURED)


async def ledger_sums_to_zero(ground: Ground) -> Finding:
    """Debits are credits, in every currency."""
    rows = await ground.stores.rows("billing", _CURRENCIES, ground.tenant)
    wrong = [
        f"{currency}: debit {debit}, credit {credit}"
        for currency, debit, credit in rows
        if debit != credit
    ]
    return found("I4", "the ledger sums to zero in every currency", len(rows), wrong)


async def every_journal_balances(ground: Ground) -> Finding:
    """The same in every single journal, which is also complete."""
    rows = await ground.stores.rows("billing", _JOURNALS, ground.tenant)
    [(count,)] = await ground.stores.rows("billing", _JOURNAL_COUNT, ground.tenant)
    wrong = [f"journal {id_} ({cause} of order {order_id})" for id_, cause, order_id in rows]
    return found("I4", "every journal balances", count, wrong)


async def numbers_have_no_gap(ground: Ground) -> Finding:
    """Invoices and credit notes are numbered 1, 2, 3 … within each year."""
    wrong, count = [], 0
    for table, column in (("invoice", "invoice_no"), ("credit_note", "credit_note_no")):
        statement = _NUMBERED.format(column=column, table=table)
        numbers: dict[str, set[int]] = defaultdict(set)
        for (number,) in await ground.stores.rows("billing", statement, ground.tenant):
            series, _, last = number.rpartition("-")
            numbers[series].add(int(last))
            count += 1
        for series, used in numbers.items():
            gaps = set(range(1, max(used) + 1)) - used
            wrong += [f"{series}-{gap:06} is missing" for gap in gaps]
    return found("I4", "invoices and credit notes have no gap", count, wrong)


async def ledger_agrees_with_payments(ground: Ground) -> Finding:
    """What customers owe and what we hold of theirs, order by order."""
    booked: dict[tuple[str, str], int] = {
        (order_id, account): balance
        for order_id, account, balance in await ground.stores.rows(
            "billing", _BALANCES, ground.tenant
        )
    }
    payments: dict[str, Payment] = ground.states("billing", "payment")
    wrong = []
    for order_id, payment in payments.items():
        for account, amount in (
            ("receivables", _owed(payment)),
            ("customer_deposits", -_held(payment)),
        ):
            balance = booked.get((order_id, account), 0)
            if balance != amount:
                wrong.append(
                    f"{order_id}: {account} {balance} in the ledger, {amount} in the payment"
                )
    return found("I4", "the ledger agrees with the payments", len(payments), wrong)


def _wanted(attempt: Attempt, parts: Iterable[int]) -> int:
    """Parts of refunds that are under way: set off already, and not yet booked."""
    wanted = (r.status is RefundStatus.WANTED for r in attempt.refunds)
    return sum(part for part, open_ in zip(parts, wanted, strict=True) if open_)


def _owed(payment: Payment) -> int:
    return sum(
        sum(r.open_minor for r in attempt.receivables)
        + _wanted(attempt, (sum(s.amount_minor for s in r.set_offs) for r in attempt.refunds))
        for attempt in payment.attempts
    )


def _held(payment: Payment) -> int:
    return sum(
        attempt.deposit_minor + _wanted(attempt, (r.deposit_minor for r in attempt.refunds))
        for attempt in payment.attempts
    )


async def invoices_charge_what_was_asked(ground: Ground) -> Finding:
    """Where all of an order was shipped, its invoices add up to what the customer agreed to."""
    invoiced: dict[str, int] = {
        order_id: gross
        for order_id, gross in await ground.stores.rows("billing", _INVOICES, ground.tenant)
    }
    payments: dict[str, Payment] = ground.states("billing", "payment")
    wrong, count = [], 0
    for order_id, payment in payments.items():
        attempt = payment.current
        if len(payment.attempts) != 1 or attempt is None:
            continue
        if attempt.shipped != tuple(line.qty for line in attempt.terms.lines):
            continue
        count += 1
        if invoiced.get(order_id, 0) != attempt.terms.amount_minor:
            asked = attempt.terms.amount_minor
            wrong.append(f"{order_id}: {invoiced.get(order_id, 0)} invoiced, {asked} asked")
    return found("I4", "invoices charge what was asked", count, wrong)


async def income_is_what_was_charged(ground: Ground) -> Finding:
    """Order by order, invoices less credit notes are what the ledger counts as earned. As every
    journal balances, cash, claims and deposits are then that amount as well: captured less
    refunded is what was charged for what shipped, and nothing of what was cancelled.
    """
    earned = await ground.stores.rows("billing", _INCOME, ground.tenant)
    asked = await ground.stores.rows("billing", _CHARGED, ground.tenant)
    income: dict[str, int] = {order_id: minor for order_id, minor in earned}
    charged: dict[str, int] = {order_id: minor for order_id, minor in asked}
    orders = income.keys() | charged.keys()
    wrong = [
        f"{order_id}: {income.get(order_id, 0)} earned, {charged.get(order_id, 0)} charged"
        for order_id in orders
        if income.get(order_id, 0) != charged.get(order_id, 0)
    ]
    return found("I4", "income is what was charged", len(orders), wrong)


async def ledger_agrees_with_provider(ground: Ground) -> Finding:
    """Money that came and went by the provider's own log is what was booked as cash."""
    booked: dict[str, int] = {
        order_id: balance
        for order_id, balance in await ground.stores.rows("billing", _PROVIDER_CASH, ground.tenant)
    }
    moved = _moved(ground, plus=_TAKES_MONEY, minus=_GIVES_MONEY)
    orders = [o for o in booked.keys() | moved.keys() if ground.settled(o)]
    wrong = [
        f"{order_id}: {booked.get(order_id, 0)} booked, {moved[order_id]} at the provider"
        for order_id in orders
        if booked.get(order_id, 0) != moved[order_id]
    ]
    return found("I4", "cash agrees with the provider's log", len(orders), wrong)


async def refunds_never_exceed_captures(ground: Ground) -> Finding:
    """Nobody gets back more than was taken (deposits came by another way)."""
    kept = _moved(ground, plus=_TAKES_MONEY, minus=("refund",))
    wrong = [f"{order_id}: {-amount} too much" for order_id, amount in kept.items() if amount < 0]
    return found("I4", "refunds never exceed captures", len(kept), wrong)


async def promises_are_used_or_freed(ground: Ground) -> Finding:
    """Money still set aside at the provider is money that a payment still counts on."""
    aside = _moved(ground, plus=("authorise",), minus=("capture", "void"))
    payments: dict[str, Payment] = ground.states("billing", "payment")
    certain = {o: p for o, p in payments.items() if _is_certain(p)}
    wrong = [
        f"{order_id}: {aside[order_id]} set aside at the provider, {_promised(payment)} counted on"
        for order_id, payment in certain.items()
        if aside[order_id] != _promised(payment)
    ]
    return found("I4", "promised money is used or freed", len(certain), wrong)


def _is_certain(payment: Payment) -> bool:
    """Whether our side knows what the provider did, and knew it from the provider."""
    return payment.call is None and not any(
        a.strays or a.status in _UNCERTAIN or a.authorisation_id.startswith("page-")
        for a in payment.attempts
    )


def _promised(payment: Payment) -> int:
    return sum(a.remaining_minor for a in payment.attempts if a.by_provider and a.status in _LIVE)


def _moved(ground: Ground, *, plus: tuple[str, ...], minus: tuple[str, ...]) -> Counter[str]:
    """What the provider moved by these methods, per order. (A Counter, so absent means zero.)"""
    moved: Counter[str] = Counter()
    for line in ground.outside.payments:
        if line.method in plus:
            moved[line.order_id] += line.amount_minor
        elif line.method in minus:
            moved[line.order_id] -= line.amount_minor
    return moved
