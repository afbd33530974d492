"""What people read: the work queue, pick lists, goods and purchase orders. Reads only."""

from oms_warehouse.views.fulfilments import (
    MisscanCount,
    address_of,
    fulfilment,
    misscans,
    order_of,
    queue,
    scans_of,
)
from oms_warehouse.views.goods import GoodsView, ShelfView, goods, purchase_order, purchase_orders
from oms_warehouse.views.pages import PAGE_ROWS_MAX

__all__ = [
    "PAGE_ROWS_MAX",
    "GoodsView",
    "MisscanCount",
    "ShelfView",
    "address_of",
    "fulfilment",
    "goods",
    "misscans",
    "order_of",
    "purchase_order",
    "purchase_orders",
    "queue",
    "scans_of",
]
