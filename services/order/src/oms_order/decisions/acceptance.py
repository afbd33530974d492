"""What is looked at before an order may go on: totals, costs, and what is special about it."""

from __future__ import annotations

from oms_contracts.channel import BackorderPolicy, ServiceLevel, ShipPolicy
from oms_contracts.order import Gate, HoldType
from oms_order.decisions.turn import Turn
from oms_order.domain.order import Order
from oms_order.domain.ordered import Submission, Totals
from oms_order.domain.policy import Policy
from oms_order.domain.regions import Approval, ApprovalState

Figures = tuple[tuple[str, str], ...]
"""Names and values that a verdict was reached on."""


def judge_costs(policy: Policy, currency: str, sums: Totals) -> tuple[Approval, Figures]:
    """Approved where total and discount are within the limits of the currency, else a person's;
    with the figures that the verdict is reached on."""
    limit = policy.cost_limits.get(currency)
    goods = max(sums.goods_minor, 1)
    figures = (
        ("total_minor", str(sums.grand_total_minor)),
        ("discount_percent", str(sums.discount_minor * 100 // goods)),
        ("total_limit_minor", str(limit.total_minor) if limit else "none"),
        ("discount_limit_percent", str(limit.discount_percent) if limit else "none"),
    )
    within = (
        limit is not None
        and sums.grand_total_minor <= limit.total_minor
        and sums.discount_minor * 100 <= limit.discount_percent * goods
    )
    return Approval(ApprovalState.APPROVED if within else ApprovalState.PENDING), figures


def hold_back(order: Order, turn: Turn, sums: Totals) -> Order:
    """Place every hold that the order's content calls for."""
    placed = order.placed
    if placed.totals != sums:
        figures = _differences(placed.totals, sums)
        why = "The totals are not what the lines add up to; the lines will be charged."
        order = turn.hold(order, HoldType.TOTALS, Gate.PAY, why, figures)
    if order.body.approval.state is ApprovalState.PENDING:
        why = "The costs exceed the limits."
        figures = order.head.cost_figures
        order = turn.hold(order, HoldType.COSTS, Gate.RELEASE, why, figures)
    special = [flag for flag in placed.flags if flag in turn.policy.special_flags]
    if special:
        why = f"Flagged {', '.join(special)}."
        order = turn.hold(order, HoldType.SPECIAL, Gate.RELEASE, why)
    unread = _unread(placed)
    if unread:
        why = f"Values that are not known here: {', '.join(unread)}."
        order = turn.hold(order, HoldType.UNKNOWN, Gate.RELEASE, why)
    return order


def _differences(said: Totals, sums: Totals) -> Figures:
    """Figures that differ: as the channel states them, and as the lines give them."""
    pairs = ((n, getattr(said, n), getattr(sums, n)) for n in Totals.__struct_fields__)
    return tuple((name, f"{a} said, {b} summed") for name, a, b in pairs if a != b)


def _unread(placed: Submission) -> list[str]:
    read = {
        "ship_policy": placed.ship_policy is not ShipPolicy.UNKNOWN,
        "backorder_policy": placed.backorder_policy is not BackorderPolicy.UNKNOWN,
        "service_level": placed.service_level is not ServiceLevel.UNKNOWN,
    }
    return [name for name, known in read.items() if not known]
