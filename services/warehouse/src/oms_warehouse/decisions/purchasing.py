"""Purchase orders: customers wait, so the supplier is asked; one open line per SKU and location.

`PurchaseOrderPlaced` is said again for the same line when the line is raised. Its quantity, like
that of `PurchaseOrderConfirmed`, is the line's whole quantity: receipts count against it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Decision, Input, again, late, refuse, seconds
from oms_contracts.event import QTY_MAX_UNITS
from oms_contracts.goods import PurchaseOrderConfirmed, PurchaseOrderPlaced
from oms_contracts.stock import BackorderRaised
from oms_warehouse.domain import (
    ConfirmPurchaseOrder,
    Goods,
    Policy,
    PurchaseLine,
    PurchaseOrderLine,
)

GOODS = "goods"
"""The kind of root that holds what is known of a SKU, keyed by SKU."""


def order_what_is_missing(
    policy: Policy, before: Goods | None, input: Input, now: datetime
) -> Decision:
    """Customers wait: place a line, raise the open one, or leave it if it covers them all."""
    told: BackorderRaised = input.body
    goods = before or Goods(input.key)
    if goods.shelf(told.location).received_cause != told.last_receipt:
        # Inventory raises it again once it knows of the receipt, as long as customers wait. Which
        # came first is told by what inventory knew: the clocks of two services may differ.
        return late(None, "a delivery came that this shortage does not know of")
    line = goods.open_at(told.location)
    if line is not None and line.open_qty >= told.backordered_total:
        return again(None)
    needed = _order_qty(policy, told)
    eta = now + seconds(policy.supplier_of(input.key).lead_time_seconds)
    due_at = eta + seconds(policy.supplier_grace_seconds)
    if line is None:
        placed = _new_line(policy, told, input, needed, eta, due_at, now)
    else:
        placed = replace(
            line,
            ordered_qty=min(line.received_qty + needed, QTY_MAX_UNITS),
            eta=max(line.eta, eta),
            due_at=max(line.due_at, due_at),
            confirmed=False,
            overdue_since=None,
        )
    fact = PurchaseOrderPlaced(
        po_id=placed.po_id, po_line=placed.po_line, sku=input.key, location=placed.location,
        qty=placed.ordered_qty, eta=placed.eta,
    )  # fmt: skip
    return _changed(goods, placed, fact)


def _new_line(
    policy: Policy, told: BackorderRaised, input: Input,
    qty: int, eta: datetime, due_at: datetime, now: datetime,
) -> PurchaseLine:  # fmt: skip
    po_id = f"PO-{input.new_id(0)}"
    return PurchaseLine(
        po_id=po_id,
        po_line=f"{po_id}-1",
        location=told.location,
        supplier=policy.supplier_of(input.key).name,
        ordered_qty=qty,
        eta=eta,
        due_at=due_at,
        placed_at=now,
    )


def _order_qty(policy: Policy, told: BackorderRaised) -> int:
    """Enough for everybody who waits, at least what is worth ordering, in whole cases."""
    supplier = policy.supplier_of(told.sku)
    least = max(told.backordered_total, told.reorder_qty, supplier.reorder_qty)
    cases = -(-least // supplier.case_qty)
    return min(cases * supplier.case_qty, QTY_MAX_UNITS)


def confirm(policy: Policy, before: Goods | None, input: Input) -> Decision:
    """The supplier said what comes and when; no more than was received closes the line."""
    said: ConfirmPurchaseOrder = input.body
    line = before.purchase(said.po_line) if before else None
    if before is None or line is None:
        text = f"{said.po_line} is no open purchase order line: nothing more is expected for it."
        return refuse(None, "po_line_not_open", text)
    if said.qty < line.received_qty:
        text = f"{line.received_qty} units came already: confirm at least as many."
        return refuse(None, "less_than_received", text)
    if line.confirmed and (line.ordered_qty, line.eta) == (said.qty, said.eta):
        return again(None, answer=_answer(line))
    confirmed = replace(
        line,
        ordered_qty=said.qty,
        eta=said.eta,
        due_at=said.eta + seconds(policy.supplier_grace_seconds),
        confirmed=True,
        overdue_since=None,
    )
    fact = PurchaseOrderConfirmed(
        po_id=line.po_id, po_line=line.po_line, sku=input.key, location=line.location,
        qty=said.qty, eta=said.eta,
    )  # fmt: skip
    return _changed(before, confirmed, fact)


def _changed(goods: Goods, line: PurchaseLine, fact: object) -> Decision:
    return Decision(
        states={(GOODS, goods.sku): goods.with_purchase(line)},
        facts=(fact,),
        rows=(purchase_row(goods.sku, line),),
        answer=_answer(line),
    )


def _answer(line: PurchaseLine) -> dict[str, object]:
    return {
        "po_line": line.po_line,
        "status": line.status.value,
        "ordered_qty": line.ordered_qty,
        "open_qty": line.open_qty,
        "eta": line.eta.isoformat(),
    }


def purchase_row(sku: str, line: PurchaseLine) -> PurchaseOrderLine:
    """The line as people look it up."""
    return PurchaseOrderLine(
        po_line=line.po_line, po_id=line.po_id, sku=sku, location=line.location,
        supplier=line.supplier, status=line.status.value, ordered_qty=line.ordered_qty,
        received_qty=line.received_qty, eta=line.eta, placed_at=line.placed_at,
        overdue_since=line.overdue_since,
    )  # fmt: skip
