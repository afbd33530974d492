"""An order on one page: everything that anybody wants to know of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oms_order.decisions import Waiting
from oms_order.domain import Fulfilment, FulfilmentState, NoOrder, Order


def page(
    order: Order | NoOrder, waiting: Iterable[Waiting], history: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The page as JSON values; nothing on it is personal."""
    if isinstance(order, NoOrder):
        return {
            "order_id": order.order_id,
            "channel": order.channel,
            "external_id": order.external_id,
            "status": order.status.value,
            "received_at": order.received_at,
            "reasons": [{"field": f, "code": c, "text": t} for f, c, t in order.reasons],
            "history": list(history),
        }
    head, placed = order.head, order.placed
    return {
        "order_id": head.order_id,
        "order_no": head.order_no,
        "channel": placed.channel,
        "external_id": placed.external_id,
        "status": order.status.value,
        "placed_at": placed.placed_at,
        "accepted_at": head.accepted_at,
        "ship_country": placed.ship_country,
        "ship_policy": head.ship_policy.value,
        "backorder_policy": head.backorder_policy.value,
        "service_level": head.service_level.value,
        "priority": placed.priority,
        "flags": list(placed.flags),
        "lines": _lines(order),
        "money": _money(order),
        "fulfilments": [_fulfilment(order, f) for f in order.fulfilments],
        "parcels": [p for f in order.fulfilments for p in _parcels(order, f)],
        "holds": [_hold(order, n) for n in range(len(order.body.holds))],
        "approval": _approval(order),
        "tasks": [
            {"task_id": t.task_id, "kind": t.kind.value, "text": t.text, "since": t.since}
            for t in order.body.tasks
        ],
        "cancellation": _cancellation(order),
        "waiting": [_waiting(w) for w in waiting],
        "history": list(history),
    }


def _lines(order: Order) -> list[dict[str, Any]]:
    released = order.units_in(FulfilmentState.RELEASED)
    packed = order.units_in(FulfilmentState.PACKED, FulfilmentState.SHIP_ASKED)
    shipped = order.units_in(FulfilmentState.SHIPPED, FulfilmentState.DELIVERED)
    return [
        {
            "line_id": ordered.line_id,
            "sku": ordered.sku,
            "title": ordered.title,
            "qty": ordered.qty,
            "unit_price_minor": ordered.unit_price_minor,
            "net_minor": ordered.net_minor,
            "tax_minor": ordered.tax_minor,
            "buckets": {
                "open": line.open,
                "backordered": line.backordered,
                "reserved": line.units_reserved,
                "released": released[n],
                "packed": packed[n],
                "shipped": shipped[n],
                "cancelled": line.cancelled,
            },
            "promise": line.promise,
        }
        for n, (ordered, line) in enumerate(zip(order.placed.lines, order.lines, strict=True))
    ]


def _money(order: Order) -> dict[str, Any]:
    payment, totals = order.payment, order.placed.sums()
    return {
        "currency": order.placed.currency,
        "method": order.placed.payment_method.value,
        "goods_minor": totals.goods_minor,
        "discount_minor": totals.discount_minor,
        "shipping_minor": totals.shipping_minor,
        "tax_minor": totals.tax_minor,
        "total_minor": totals.grand_total_minor,
        "state": order.payment_state.value,
        "authorised_minor": payment.authorised_minor,
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "invoices": [
            {
                "invoice_no": f.invoice.invoice_no,
                "amount_minor": f.invoice.amount_minor,
                "tax_minor": f.invoice.tax_minor,
                "paid": f.invoice.paid,
            }
            for f in order.fulfilments
            if f.invoice is not None
        ],
    }


def _fulfilment(order: Order, fulfilment: Fulfilment) -> dict[str, Any]:
    lines = order.placed.lines
    return {
        "fulfilment_id": fulfilment.fulfilment_id,
        "location": fulfilment.location,
        "state": fulfilment.state.value,
        "stopping": fulfilment.stop is not None,
        "since": fulfilment.since,
        "ship_by": fulfilment.ship_by,
        "shipment_id": fulfilment.shipment_id,
        "shipped_at": fulfilment.shipped_at,
        "eta": fulfilment.eta,
        "units": [
            {"line_id": lines[n].line_id, "sku": lines[n].sku, "qty": qty}
            for n, qty in fulfilment.units
        ],
    }


def _parcels(order: Order, fulfilment: Fulfilment) -> Iterable[dict[str, Any]]:
    lines = order.placed.lines
    for parcel in fulfilment.parcels:
        yield {
            "parcel_id": parcel.parcel_id,
            "shipment_id": fulfilment.shipment_id,
            "carrier": parcel.carrier,
            "tracking_no": parcel.tracking_no,
            "url": parcel.url,
            "status": parcel.status.value,
            "weight_grams": parcel.weight_grams,
            "units": [{"line_id": lines[n].line_id, "qty": qty} for n, qty in parcel.units],
        }


def _hold(order: Order, n: int) -> dict[str, Any]:
    hold = order.body.holds[n]
    return {
        "hold_id": hold.hold_id,
        "type": hold.type.value,
        "gate": hold.gate.value,
        "reason": hold.reason,
        "since": hold.since,
        "actor": hold.actor,
    }


def _approval(order: Order) -> dict[str, Any]:
    approval = order.body.approval
    return {
        "state": approval.state.value,
        "actor": approval.actor,
        "inputs": dict(order.head.cost_figures),
    }


def _cancellation(order: Order) -> dict[str, Any]:
    cancel = order.cancel
    return {
        "state": cancel.state.value,
        "code": cancel.code,
        "reason": cancel.reason,
        "since": cancel.since,
        "undone": list(cancel.undone),
        "refused": list(cancel.refused),
    }


def _waiting(wait: Waiting) -> dict[str, Any]:
    return {
        "what": wait.what.value,
        "subject": wait.subject,
        "waits_for": wait.waits_for,
        "since": wait.since,
        "until": wait.until,
        "whose_move": str(wait.owner),
        "then": wait.then,
    }
