"""Which messages a fact about an order leads to, and what each of them shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again, keep
from oms_contracts.event import LineQty
from oms_contracts.order import (
    CancellationRefused,
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderDelayed,
    OrderHeld,
    OrderInvoiced,
    OrderShipped,
)
from oms_notify.decisions.delivery import queue
from oms_notify.domain import Line, Mailbag, Messages, OrderHead, Policy, Template

Told = (
    OrderShipped
    | OrderInvoiced
    | OrderDelayed
    | OrderCancelled
    | CancellationRefused
    | OrderHeld
    | OrderCompleted
)
Letters = tuple[tuple[Template, dict[str, Any]], ...]


def accept(policy: Policy, fact: OrderAccepted, input: Input, now: datetime) -> Decision:
    """The order is known from here on, and its customer is told so."""
    head = OrderHead(
        order_no=fact.order_no,
        contact=fact.contact,
        currency=fact.currency,
        total_minor=fact.total_minor,
        lines=tuple(Line(line.sku, line.qty) for line in fact.lines),
    )
    confirmation = _wanted(policy, ((Template.ORDER_CONFIRMATION, {}),))
    return keep(Messages(head, queue(Mailbag(), confirmation, input, now)))


def tell(policy: Policy, state: Messages, fact: Told, input: Input, now: datetime) -> Decision:
    """One message per template, once per fact."""
    letters = _wanted(policy, _letters(fact))
    new = tuple(x for x in letters if not state.bag.tells(x[0], str(input.id)))
    if not new:
        return again(state)
    return keep(replace(state, bag=queue(state.bag, new, input, now)))


def _wanted(policy: Policy, letters: Letters) -> Letters:
    return tuple(x for x in letters if x[0] not in policy.silent_about)


def _letters(fact: Told) -> Letters:
    match fact:
        case OrderShipped():
            return ((Template.SHIPPED, _shipped(fact)),)
        case OrderInvoiced():
            template = Template.RECEIPT if fact.paid else Template.INVOICE
            return ((template, _invoiced(fact)),)
        case OrderDelayed():
            data = _delayed(fact)
            return (Template.DELAY, data), (Template.DELAY_ALERT, data)
        case OrderCancelled():
            return ((Template.CANCELLED, _cancelled(fact)),)
        case CancellationRefused():
            refused = {"reason": fact.reason, "instead": fact.instead, "lines": _lines(fact.lines)}
            return ((Template.CANCELLATION_REFUSED, refused),)
        case OrderHeld():
            return ((Template.HOLD_ALERT, _held(fact)),)
        case OrderCompleted():
            return ((Template.FOLLOW_UP, {}),)


def _shipped(fact: OrderShipped) -> dict[str, Any]:
    return {
        "parcels": [
            {"carrier": p.carrier, "tracking_no": p.tracking_no, "url": p.url} for p in fact.parcels
        ],
        "eta": _instant(fact.eta),
        "last": fact.last,
    }


def _invoiced(fact: OrderInvoiced) -> dict[str, Any]:
    return {
        "invoice_no": fact.invoice_no,
        "amount_minor": fact.amount_minor,
        "tax_minor": fact.tax_minor,
        "currency": fact.currency,
    }


def _delayed(fact: OrderDelayed) -> dict[str, Any]:
    return {
        "lines": _lines(fact.lines),
        "promise": _instant(fact.promise),
        "earlier_promise": _instant(fact.earlier_promise),
        "choices": list(fact.choices),
    }


def _cancelled(fact: OrderCancelled) -> dict[str, Any]:
    return {
        "code": fact.code,
        "reason": fact.reason,
        "lines": _lines(fact.lines),
        "undone": list(fact.undone),
    }


def _held(fact: OrderHeld) -> dict[str, Any]:
    return {
        "hold_id": fact.hold_id,
        "type": str(fact.type),
        "gate": str(fact.gate),
        "reason": fact.reason,
        "inputs": [f"{figure.name}: {figure.value}" for figure in fact.inputs],
    }


def _lines(lines: Iterable[LineQty]) -> list[dict[str, Any]]:
    return [{"sku": line.sku, "qty": line.qty} for line in lines]


def _instant(at: datetime | None) -> str:
    return at.isoformat() if at else ""
