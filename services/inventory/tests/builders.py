"""What happens to inventory, with honest defaults: every builder makes one input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from oms_chassis.decision import Input, Woke, mint_id
from oms_contracts.channel import BackorderPolicy, ShipPolicy
from oms_contracts.event import Alloc, Event, LineQty
from oms_contracts.goods import (
    PurchaseOrderConfirmed,
    PurchaseOrderPlaced,
    StockCounted,
    StockDamaged,
    StockReceived,
)
from oms_contracts.order import (
    OrderAccepted,
    OrderShipped,
    ReservationReleaseRequested,
    ReservationRequested,
)

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
SKU = "A-1"
WAIT, DENY = BackorderPolicy.WAIT, BackorderPolicy.DENY

_minted = iter(range(10**9))


def fresh_id() -> UUID:
    """An id that no other input of this test run has."""
    return mint_id(NOW, str(next(_minted)))


def heard(body: Event | Woke, key: str, at: datetime = NOW) -> Input:
    """An input as the chassis would hand it over."""
    topic = body.TOPIC if isinstance(body, Event) else ""
    return Input(fresh_id(), key, body, at, topic=topic)


def line(qty: int = 1, sku: str = SKU, line_id: str = "1") -> LineQty:
    """Units of an order line."""
    return LineQty(line_id=line_id, sku=sku, qty=qty)


def alloc(qty: int = 1, sku: str = SKU, location: str = "main", line_id: str = "1") -> Alloc:
    """Units of an order line at a location."""
    return Alloc(line_id=line_id, sku=sku, location=location, qty=qty)


def accepted(
    order_id: str, *lines: LineQty, policy: BackorderPolicy = WAIT, country: str = "DE",
    priority: int = 0, minute: int = 0, request_id: str = "",
) -> Input:  # fmt: skip
    """An order was accepted `minute` minutes into the day; it asks for its lines."""
    body = OrderAccepted(
        request_id=request_id or str(fresh_id()),
        order_no=f"no-{order_id}",
        channel="shop",
        external_id=order_id,
        lines=lines or (line(),),
        ship_policy=ShipPolicy.SPLIT,
        backorder_policy=policy,
        priority=priority,
        accepted_at=NOW + timedelta(minutes=minute),
        currency="EUR",
        total_minor=1000,
        ship_country=country,
        contact="sealed",
    )
    return heard(body, order_id)


def requested(
    order_id: str, *lines: LineQty, shorts: tuple[Alloc, ...] = (), exclude: tuple[str, ...] = (),
    policy: BackorderPolicy = WAIT, country: str = "DE", request_id: str = "",
) -> Input:  # fmt: skip
    """An order needs stock for units anew."""
    body = ReservationRequested(
        request_id=request_id or str(fresh_id()),
        lines=lines,
        exclude=exclude,
        shorts=shorts,
        ship_policy=ShipPolicy.SPLIT,
        backorder_policy=policy,
        accepted_at=NOW,
        ship_country=country,
    )
    return heard(body, order_id)


def release(
    order_id: str, *allocs: Alloc, backordered: tuple[LineQty, ...] = (), request_id: str = ""
) -> Input:
    """An order gives units back."""
    body = ReservationReleaseRequested(
        request_id=request_id or str(fresh_id()), alloc=allocs, backordered=backordered
    )
    return heard(body, order_id)


def shipped(order_id: str, *allocs: Alloc, shipment_id: str = "") -> Input:
    """A shipment of an order left the house."""
    body = OrderShipped(
        order_no=f"no-{order_id}",
        shipment_id=shipment_id or str(fresh_id()),
        fulfilment_id="f",
        alloc=allocs,
        last=True,
        parcels=(),
        shipped_at=NOW,
    )
    return heard(body, order_id)


def received(
    qty: int, sku: str = SKU, location: str = "main", po_line: str = "", cause_id: str = ""
) -> Input:
    """Goods arrived."""
    body = StockReceived(
        sku=sku, location=location, qty=qty, cause_id=cause_id or str(fresh_id()), po_line=po_line
    )
    return heard(body, sku)


def counted(qty: int, sku: str = SKU, location: str = "main", cause_id: str = "") -> Input:
    """A shelf was counted."""
    body = StockCounted(
        sku=sku, location=location, counted_qty=qty, cause_id=cause_id or str(fresh_id())
    )
    return heard(body, sku)


def damaged(qty: int, sku: str = SKU, location: str = "main", cause_id: str = "") -> Input:
    """Units broke."""
    body = StockDamaged(
        sku=sku, location=location, qty=qty, cause_id=cause_id or str(fresh_id())
    )  # fmt: skip
    return heard(body, sku)


def ordered(
    qty: int, eta_days: int, po_line: str = "po-1/1", sku: str = SKU, location: str = "main"
) -> Input:
    """The supplier was asked for goods."""
    return heard(_bought(PurchaseOrderPlaced, qty, eta_days, po_line, sku, location), sku)


def confirmed(
    qty: int, eta_days: int, po_line: str = "po-1/1", sku: str = SKU, location: str = "main"
) -> Input:
    """The supplier said when goods come."""
    return heard(_bought(PurchaseOrderConfirmed, qty, eta_days, po_line, sku, location), sku)


def _bought(
    of: type[PurchaseOrderPlaced | PurchaseOrderConfirmed],
    qty: int,
    eta_days: int,
    po_line: str,
    sku: str,
    location: str,
) -> PurchaseOrderPlaced | PurchaseOrderConfirmed:
    eta = NOW + timedelta(days=eta_days)
    return of(po_id="po-1", po_line=po_line, sku=sku, location=location, qty=qty, eta=eta)
