"""Honest defaults for tests: an order, its release, a warehouse that remembers what it was told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from oms_chassis.decision import Decision, Input, Ref, Woke, mint_id
from oms_chassis.fold import Core, Held, fold
from oms_contracts.channel import ServiceLevel
from oms_contracts.event import LineQty
from oms_contracts.order import Fulfilment as ReleasedFulfilment
from oms_contracts.order import FulfilmentStopRequested, OrderReleased
from oms_contracts.stock import BackorderRaised
from oms_warehouse.decisions import FULFILMENTS, GOODS, deadline, decide
from oms_warehouse.domain import (
    ClosePacking,
    Fulfilment,
    Goods,
    LocationPolicy,
    OrderFulfilments,
    ParcelMeasure,
    Policy,
    ReportShort,
    ScanPack,
    ScanPick,
    ScanPutBack,
    ShortReason,
    StartPick,
    SupplierPolicy,
)
from oms_warehouse.inputs import KINDS, roots

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORDER = "018f3c00-0000-7000-8000-000000000001"
SKU = "MUG-1"
F1, F2 = "F-1", "F-2"
ROBOTS = "robots"
"""A location without people."""
POLICY = Policy(
    locations=(LocationPolicy(ROBOTS, auto_fulfil=True),),
    unit_weight_grams=300,
    suppliers=(SupplierPolicy("Pottery", "MUG", 3 * 86_400.0, reorder_qty=10, case_qty=6),),
)


def after(**duration: float) -> datetime:
    """A moment later than NOW."""
    return NOW + timedelta(**duration)


def request(n: int) -> str:
    """The n-th request id."""
    return str(UUID(int=n, version=4))


def lines(*units: tuple[str, str, int]) -> tuple[LineQty, ...]:
    """Order lines from (line id, SKU, quantity)."""
    return tuple(LineQty(line_id=i, sku=sku, qty=qty) for i, sku, qty in units)


TWO_LINES = lines(("1", "MUG-1", 2), ("2", "TEA-1", 1))


def part(
    fulfilment_id: str = F1, location: str = "main", of: tuple[LineQty, ...] = TWO_LINES
) -> ReleasedFulfilment:
    """One location's part of an order."""
    return ReleasedFulfilment(fulfilment_id=fulfilment_id, location=location, lines=of)


def released(*parts: ReleasedFulfilment, **more: Any) -> OrderReleased:
    """The order releases these parts."""
    given = {
        "order_no": "2026-1",
        "fulfilments": parts or (part(),),
        "service_level": ServiceLevel.STANDARD,
        "ship_by": after(hours=8),
        "address": "2026-11.sealed",
    }
    return OrderReleased(**(given | more))


def stop_requested(n: int = 1, fulfilment_id: str = F1, **more: Any) -> FulfilmentStopRequested:
    """The order no longer wants a fulfilment."""
    return FulfilmentStopRequested(request_id=request(n), fulfilment_id=fulfilment_id, **more)


def backorder(
    total: int, location: str = "main", sku: str = SKU, last_receipt: str = ""
) -> BackorderRaised:
    """Customers wait for so many units, as inventory sees it after that receipt."""
    return BackorderRaised(
        sku=sku,
        location=location,
        backordered_total=total,
        oldest_accepted_at=NOW,
        last_receipt=last_receipt,
    )


def scan_id(n: int) -> str:
    """The n-th id of a scanning device."""
    return f"scan-{n}"


class Warehouse:
    """The core with its memory: the same fold that runs in the service, without a database."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.core = Core(KINDS, roots, partial(decide, policy), partial(deadline, policy))
        self.held: dict[Ref, Held] = {}
        self.facts: list[Any] = []
        self.rows: list[Any] = []
        self._told = 0

    def tell(
        self, body: Any, key: str = ORDER, *,
        by: str = "", at: datetime = NOW, told_at: datetime = NOW,
    ) -> Decision:  # fmt: skip
        """Tell something; raises what the core raises."""
        self._told += 1
        item = Input(mint_id(told_at, f"input {self._told}"), key, body, told_at, actor=by)
        if isinstance(body, Woke):
            ref = (GOODS if body.owner == "supplier" else FULFILMENTS, key)
        else:
            ref = roots(item)[0]
        self.held.setdefault(ref, Held(None, 0, [0], born=True))
        out = fold(self.core, self.held, [(ref, item)], at, set())
        for failed in out.failed:
            raise failed.error or AssertionError("the key is parked")
        self.facts += [emitted.body for emitted in out.facts]
        self.rows += out.rows
        return out.decisions[0][1]

    def wake(self, at: datetime, kind: str = FULFILMENTS, key: str = ORDER) -> Decision:
        """Let the deadline of a root pass."""
        awaited = self.core.deadline(self.held[kind, key].state)
        assert awaited is not None
        assert awaited.at <= at
        return self.tell(Woke(awaited.reason, awaited.owner), key, at=at)

    @property
    def order(self) -> OrderFulfilments:
        """All fulfilments of the order."""
        state = self.held[FULFILMENTS, ORDER].state
        assert isinstance(state, OrderFulfilments)
        return state

    @property
    def fulfilment(self) -> Fulfilment:
        """The order's first fulfilment."""
        return self.order.fulfilments[0]

    @property
    def goods(self) -> Goods:
        """What is known of the SKU."""
        state = self.held[GOODS, SKU].state
        assert isinstance(state, Goods)
        return state

    # What people do, in the words of the floor.

    def start(self, fulfilment_id: str = F1, by: str = "ann", **more: Any) -> Decision:
        return self.tell(StartPick(fulfilment_id, **more), by=by)

    def pick(self, sku: str, qty: int = 1, n: int = 0, by: str = "ann") -> Decision:
        return self.tell(ScanPick(F1, sku, scan_id(n or self._told + 1000), qty), by=by)

    def short(self, line_id: str, qty: int = 1, n: int = 0, by: str = "ann") -> Decision:
        scan = scan_id(n or self._told + 1000)
        return self.tell(ReportShort(F1, line_id, qty, ShortReason.NOT_FOUND, scan), by=by)

    def pack(self, sku: str, qty: int = 1, parcel: int = 1, n: int = 0) -> Decision:
        return self.tell(ScanPack(F1, parcel, sku, scan_id(n or self._told + 1000), qty), by="bob")

    def close(self, *parcels: int) -> Decision:
        measures = tuple(ParcelMeasure(n, 700 + n, 300, 200, 100) for n in parcels or (1,))
        return self.tell(ClosePacking(F1, measures), by="bob")

    def put_back(self, sku: str, qty: int = 1, n: int = 0) -> Decision:
        return self.tell(ScanPutBack(F1, sku, scan_id(n or self._told + 1000), qty), by="cy")

    # How far it has come.

    def picked(self) -> Warehouse:
        """The two lines of TWO_LINES are picked."""
        self.tell(released())
        self.start()
        self.pick("MUG-1", 2)
        self.pick("TEA-1")
        return self

    def packed(self) -> Warehouse:
        """The two lines of TWO_LINES are packed into one parcel."""
        self.picked()
        self.pack("MUG-1", 2)
        self.pack("TEA-1")
        self.close()
        return self


def refused(decision: Decision) -> str:
    """The code of a refusal."""
    assert decision.verdict == "refuse"
    assert decision.refusal is not None
    assert decision.refusal.text
    return decision.refusal.code
