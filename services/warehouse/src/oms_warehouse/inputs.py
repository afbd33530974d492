"""What the warehouse listens to, and which roots an input touches: always its own and no other."""

from __future__ import annotations

from oms_chassis.decision import Input, Ref
from oms_chassis.fold import Kind
from oms_contracts.order import FulfilmentStopRequested, OrderReleased
from oms_contracts.stock import BackorderRaised
from oms_warehouse.decisions import FULFILMENTS, GOODS
from oms_warehouse.domain import ConfirmPurchaseOrder, CountStock, ReceiveStock, ReportDamage

HEARS = (OrderReleased, FulfilmentStopRequested, BackorderRaised)

KINDS = (
    Kind(GOODS, topics=("oms.goods.v1",), hears=("oms.stock.v1",)),
    Kind(FULFILMENTS, topics=("oms.warehouse.v1",), hears=("oms.order.v1",)),
)
"""In the order in which roots are locked."""

_ABOUT_GOODS = (BackorderRaised, ReceiveStock, CountStock, ReportDamage, ConfirmPurchaseOrder)


def roots(input: Input) -> list[Ref]:
    """The goods of a SKU, or the fulfilments of an order."""
    return [(GOODS if isinstance(input.body, _ABOUT_GOODS) else FULFILMENTS, input.key)]
