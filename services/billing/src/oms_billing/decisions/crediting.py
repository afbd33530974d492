"""How a refund is split over what was invoiced, so that tax goes back exactly as it was charged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from oms_billing.domain import (
    Amount,
    Attempt,
    BilledLine,
    Credited,
    ReturnedLine,
    allocate,
    share,
    total,
)
from oms_chassis.decision import Value

SHIPPING = ""
"""Stands among line ids for the shipping charge."""


class Correction(Value, frozen=True):
    """What a credit note takes back, and what credit notes took back altogether with it."""

    lines: tuple[BilledLine, ...]
    shipping: Amount
    credited: tuple[Credited, ...]

    @property
    def amount(self) -> Amount:
        """Of all lines and the shipping charge."""
        return total([*(line.amount for line in self.lines), self.shipping])


class _Part(Value, frozen=True):
    """Units of one line, or none of it, and the amount that goes with them."""

    line_id: str
    qty: int
    amount: Amount


def creditable_minor(attempt: Attempt, lines: Sequence[ReturnedLine]) -> int:
    """What the invoiced and not yet credited units among `lines` cost."""
    return sum(part.amount.gross_minor for part in _returned(attempt, lines))


def correct(attempt: Attempt, lines: Sequence[ReturnedLine], amount_minor: int) -> Correction:
    """Take `amount_minor` back: from the returned units first, then from all that is left of the
    invoices in proportion, each time by largest remainder over every net and tax amount.

    Where the amount is what the units cost, each goes back with exactly its own tax; and when
    all is credited, all of the tax is. Raises ValueError for more than was invoiced.
    """
    returned = _returned(attempt, lines)
    first_minor = min(amount_minor, sum(p.amount.gross_minor for p in returned))
    taken = {p.line_id: p for p in _split(first_minor, returned)}
    rest_minor = amount_minor - first_minor
    left = [
        _Part(id_, 0, amount - (taken[id_].amount if id_ in taken else Amount()))
        for id_, amount in _remaining(attempt).items()
    ]
    if rest_minor > sum(p.amount.gross_minor for p in left):
        raise ValueError(f"{amount_minor} is more than was invoiced and not yet credited")
    for part in _split(rest_minor, left):
        before = taken.get(part.line_id, _Part(part.line_id, 0, Amount()))
        taken[part.line_id] = _Part(part.line_id, before.qty, before.amount + part.amount)
    return _correction(attempt, taken)


def _remaining(attempt: Attempt) -> dict[str, Amount]:
    """What is invoiced and not credited, by line; the shipping charge last."""
    credited = {c.line_id: c.amount for c in attempt.credited}
    charged = {line.line_id: amount for line, _, amount in attempt.invoiced()}
    if attempt.receivables:
        charged[SHIPPING] = attempt.terms.shipping
    return {id_: amount - credited.get(id_, Amount()) for id_, amount in charged.items()}


def _returned(attempt: Attempt, lines: Sequence[ReturnedLine]) -> list[_Part]:
    """The named units as far as they were invoiced and are not credited yet."""
    wanted: Counter[str] = Counter()
    for named in lines:
        wanted[named.line_id] += named.qty
    before = {c.line_id: c.qty for c in attempt.credited}
    remaining = _remaining(attempt)
    parts = []
    for line, units, _ in attempt.invoiced():
        old = before.get(line.line_id, 0)
        new = min(old + wanted[line.line_id], units)
        if new > old:
            cost = share(line.amount, new, line.qty) - share(line.amount, old, line.qty)
            at_most = remaining[line.line_id]
            amount = Amount(
                min(cost.net_minor, at_most.net_minor), min(cost.tax_minor, at_most.tax_minor)
            )
            parts.append(_Part(line.line_id, new - old, amount))
    return parts


def _split(amount_minor: int, parts: Sequence[_Part]) -> list[_Part]:
    weights = [w for p in parts for w in (p.amount.net_minor, p.amount.tax_minor)]
    shares = allocate(amount_minor, weights)
    return [
        _Part(p.line_id, p.qty, Amount(net, tax))
        for p, net, tax in zip(parts, shares[::2], shares[1::2], strict=True)
    ]


def _correction(attempt: Attempt, taken: Mapping[str, _Part]) -> Correction:
    skus = {line.line_id: line.sku for line in attempt.terms.lines}
    before = {c.line_id: c for c in attempt.credited}
    lines, credited = [], []
    for id_ in (*skus, SHIPPING):
        part, old = taken.get(id_), before.get(id_, Credited(id_, 0, Amount()))
        if part is None or not (part.qty or part.amount.gross_minor):
            part = _Part(id_, 0, Amount())
        elif id_ != SHIPPING:
            lines.append(BilledLine(id_, skus[id_], part.qty, part.amount))
        now = Credited(id_, old.qty + part.qty, old.amount + part.amount)
        if now.qty or now.amount.gross_minor:
            credited.append(now)
    shipping = taken[SHIPPING].amount if SHIPPING in taken else Amount()
    return Correction(tuple(lines), shipping, tuple(credited))
