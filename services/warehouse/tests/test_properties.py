"""What holds in every history of releases, scans, stops, receipts and passing time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from builders import (
    F1,
    F2,
    NOW,
    ORDER,
    ROBOTS,
    SKU,
    Warehouse,
    backorder,
    lines,
    part,
    released,
    request,
    scan_id,
    stop_requested,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from oms_contracts.goods import PurchaseOrderPlaced, StockReceived
from oms_contracts.warehouse import (
    FulfilmentPacked,
    FulfilmentShort,
    FulfilmentStopped,
    FulfilmentStopRefused,
)
from oms_warehouse.domain import (
    ClosePacking,
    ConfirmPurchaseOrder,
    ConfirmPutBack,
    OrderFulfilments,
    ParcelMeasure,
    ReceiveStock,
    RefusePutBack,
    ReportShort,
    ScanPack,
    ScanPick,
    ScanPutBack,
    ShortReason,
    StartPick,
    Status,
    StopAnswer,
)

FULFILMENT_IDS = st.sampled_from([F1, F2])
SKUS = st.sampled_from(["MUG-1", "TEA-1", "CUP-1"])
LINE_IDS = st.sampled_from(["1", "2", "3"])
QTY = st.integers(1, 3)
SCAN = st.integers(1, 60)
PEOPLE = st.sampled_from(["ann", "bob"])
UNITS = lines(("1", "MUG-1", 2), ("2", "TEA-1", 1), ("3", "MUG-1", 1))
REQUESTS = st.integers(1, 3)


class Floor(RuleBasedStateMachine):
    """People, the saga and the clock act in any order on an order of two fulfilments."""

    @initialize(second_location=st.sampled_from(["main", ROBOTS]))
    def open(self, second_location: str) -> None:
        self.warehouse = Warehouse()
        self.now = NOW
        self.release = released(part(F1, "main", UNITS), part(F2, second_location, UNITS))
        self.answers: dict[str, object] = {}
        self.taken: list[ScanPick | ReportShort | ScanPack | ScanPutBack] = []
        self.warehouse.tell(self.release)

    def told(self, body: object, by: str = "") -> object:
        decision = self.warehouse.tell(body, by=by, at=self.now)
        if decision.verdict == "refuse":
            assert decision.states == {} and not decision.facts
        return decision.answer

    def scan(self, body: ScanPick | ReportShort | ScanPack | ScanPutBack, by: str) -> None:
        answer = self.told(body, by)
        key = repr(body)
        if answer is not None:
            assert self.answers.setdefault(key, answer) == answer
            self.taken.append(body)
        else:
            assert key not in self.answers

    @rule(back=st.integers(1, 9), by=PEOPLE)
    def a_device_sends_again(self, back: int, by: str) -> None:
        if len(self.taken) >= back:
            before = self.warehouse.order
            self.scan(self.taken[-back], by)
            assert self.warehouse.order is before

    @rule(f=FULFILMENT_IDS, by=PEOPLE, take_over=st.booleans())
    def start(self, f: str, by: str, take_over: bool) -> None:
        self.told(StartPick(f, take_over), by)

    @rule(f=FULFILMENT_IDS, sku=SKUS, n=SCAN, qty=QTY, by=PEOPLE)
    def pick(self, f: str, sku: str, n: int, qty: int, by: str) -> None:
        self.scan(ScanPick(f, sku, scan_id(n), qty), by)

    @rule(f=FULFILMENT_IDS, line=LINE_IDS, n=SCAN, qty=QTY, by=PEOPLE)
    def short(self, f: str, line: str, n: int, qty: int, by: str) -> None:
        self.scan(ReportShort(f, line, qty, ShortReason.NOT_FOUND, scan_id(n)), by)

    @rule(f=FULFILMENT_IDS, parcel=st.integers(1, 2), sku=SKUS, n=SCAN, qty=QTY, by=PEOPLE)
    def pack(self, f: str, parcel: int, sku: str, n: int, qty: int, by: str) -> None:
        self.scan(ScanPack(f, parcel, sku, scan_id(n), qty), by)

    @rule(f=FULFILMENT_IDS, sku=SKUS, n=SCAN, qty=QTY, by=PEOPLE)
    def put_back(self, f: str, sku: str, n: int, qty: int, by: str) -> None:
        self.scan(ScanPutBack(f, sku, scan_id(n), qty), by)

    @rule(f=FULFILMENT_IDS, by=PEOPLE, steps=st.integers(1, 12))
    def work_on(self, f: str, by: str, steps: int) -> None:
        """Do what the next step says, so that histories get somewhere."""
        for n in range(steps):
            fulfilment = self.warehouse.order.find(f)
            assert fulfilment is not None
            unit = f"{self.warehouse._told}-{n}"
            picking = [x.sku for x in fulfilment.lines if x.to_pick]
            packing = [x.sku for x in fulfilment.lines if fulfilment.unpacked_of(x)]
            match fulfilment.status:
                case Status.RELEASED:
                    self.told(StartPick(f), by)
                case Status.PICKING:
                    self.told(StartPick(f, take_over=True), by)
                    self.scan(ScanPick(f, picking[0], unit), by)
                case Status.PICKED | Status.PACKING if packing:
                    self.scan(ScanPack(f, 1 + n % 2, packing[0], unit), by)
                case Status.STOPPING:
                    return
                case _:
                    self.close(f, by)

    @rule(f=FULFILMENT_IDS, by=PEOPLE)
    def miss_one(self, f: str, by: str) -> None:
        """A unit is not on its shelf, or found broken at the packing table."""
        fulfilment = self.warehouse.order.find(f)
        assert fulfilment is not None
        picking = fulfilment.status is Status.PICKING
        missing = [x for x in fulfilment.lines if (x.to_pick if picking else x.picked)]
        if missing:
            self.told(StartPick(f, take_over=True), by)
            scan = f"miss-{self.warehouse._told}"
            self.scan(ReportShort(f, missing[0].line_id, 1, ShortReason.NOT_FOUND, scan), by)

    @rule(f=FULFILMENT_IDS, by=PEOPLE)
    def close(self, f: str, by: str) -> None:
        fulfilment = self.warehouse.order.find(f)
        numbers = [parcel.parcel_no for parcel in fulfilment.parcels] if fulfilment else []
        self.told(ClosePacking(f, tuple(ParcelMeasure(n, 100) for n in numbers)), by)

    @rule(f=FULFILMENT_IDS, n=REQUESTS, early=st.sampled_from([False, False, False, True]))
    def stop(self, f: str, n: int, early: bool) -> None:
        """Mostly of fulfilments that somebody has worked on: those are the hard ones."""
        fulfilment = self.warehouse.order.find(f)
        if early or (fulfilment and fulfilment.picked):
            self.told(stop_requested(n + (10 if f == F2 else 0), f))

    @rule(f=FULFILMENT_IDS, by=PEOPLE)
    def confirm(self, f: str, by: str) -> None:
        self.told(ConfirmPutBack(f), by)

    @rule(f=FULFILMENT_IDS, by=PEOPLE)
    def refuse(self, f: str, by: str) -> None:
        self.told(RefusePutBack(f, "it is on the truck"), by)

    @rule()
    def release_again(self) -> None:
        assert self.warehouse.tell(self.release, at=self.now).verdict == "again"

    @rule(hours=st.integers(1, 48))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        awaited = self.warehouse.core.deadline(self.warehouse.order)
        if awaited is not None and awaited.at <= self.now:
            self.warehouse.wake(self.now)
            moved = self.warehouse.core.deadline(self.warehouse.order)
            assert moved is not None and moved.at > self.now

    @invariant()
    def units_are_never_more_than_wanted(self) -> None:
        for fulfilment in self.order.fulfilments:
            for line in fulfilment.lines:
                assert 0 <= fulfilment.packed_of(line) <= line.picked <= line.wanted
                assert line.picked + line.to_pick + line.short == line.qty

    @invariant()
    def what_is_packed_is_what_was_picked(self) -> None:
        for fulfilment in self.order.fulfilments:
            if fulfilment.status is Status.PACKED:
                assert fulfilment.to_pick == 0
                assert all(fulfilment.packed_of(x) == x.picked for x in fulfilment.lines)

    @invariant()
    def nothing_of_a_stopped_fulfilment_is_in_anybody_s_hands(self) -> None:
        for fulfilment in self.order.fulfilments:
            if fulfilment.status is Status.STOPPED:
                assert (fulfilment.picked, fulfilment.parcels) == (0, ())
                assert fulfilment.units_left == 0

    @invariant()
    def every_unit_of_finished_work_was_told_in_exactly_one_way(self) -> None:
        for fulfilment in self.order.fulfilments:
            if fulfilment.finished:
                ends = self.ends(fulfilment.fulfilment_id, fulfilment.status)
                assert ends == Counter({line.line_id: line.qty for line in UNITS})

    def ends(self, fulfilment_id: str, status: Status) -> Counter[str]:
        """Units by line that the saga was told of: short, and then packed or stopped."""
        told: Counter[str] = Counter()
        last: Counter[str] = Counter()
        for fact in self.warehouse.facts:
            if fact.fulfilment_id != fulfilment_id:
                continue
            match fact:
                case FulfilmentShort():
                    told.update({x.line_id: x.qty for x in fact.short})
                case FulfilmentPacked() if status is Status.PACKED:
                    last = Counter()
                    for parcel in fact.parcels:
                        last.update({x.line_id: x.qty for x in parcel.lines})
                case FulfilmentStopped():
                    last = Counter({x.line_id: x.qty for x in fact.alloc})
        return told + last

    @invariant()
    def every_stop_is_answered_and_always_alike(self) -> None:
        said: dict[str, object] = {}
        for fact in self.warehouse.facts:
            if isinstance(fact, FulfilmentStopped | FulfilmentStopRefused):
                assert said.setdefault(fact.request_id, fact) == fact
        for fulfilment in self.order.fulfilments:
            for stop in fulfilment.stops:
                assert (stop.request_id in said) == (stop.answer is not StopAnswer.AWAITED)
                if stop.answer is StopAnswer.AWAITED:
                    assert fulfilment.status is Status.STOPPING

    @invariant()
    def nobody_waits_in_silence(self) -> None:
        unfinished = [f for f in self.order.fulfilments if not f.finished]
        awaited = self.warehouse.core.deadline(self.order)
        assert (awaited is None) == (not unfinished)
        assert awaited is None or (awaited.reason and awaited.owner)

    @property
    def order(self) -> OrderFulfilments:
        return self.warehouse.order


TestFloor = Floor.TestCase
TestFloor.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("short"), st.integers(1, 60)),
            st.tuples(st.just("receipt"), st.integers(1, 40)),
            st.tuples(st.just("confirm"), st.integers(1, 60)),
        ),
        max_size=12,
    )
)
@settings(deadline=None)
def test_one_open_line_covers_the_shortage_and_nothing_is_received_twice(
    history: list[tuple[str, int]],
) -> None:
    warehouse = Warehouse()
    now, last_receipt = NOW, ""
    for n, (what, qty) in enumerate(history):
        now += timedelta(hours=1)
        purchases = warehouse.goods.purchases if n else ()
        line = purchases[0].po_line if purchases else ""
        match what:
            case "short":
                told = backorder(qty, last_receipt=last_receipt)
                warehouse.tell(told, SKU, at=now, told_at=now)
                assert warehouse.goods.purchases[0].open_qty >= qty
            case "receipt":
                last_receipt = f"R-{n}"
                goods = ReceiveStock("main", qty, last_receipt, po_line=line)
                warehouse.tell(goods, SKU, at=now)
                warehouse.tell(goods, SKU, at=now)
            case "confirm":
                warehouse.tell(ConfirmPurchaseOrder(line or "PO-0", qty, now), SKU, at=now)
                if not n:
                    return  # nobody knows this SKU yet
        assert len(warehouse.goods.purchases) <= 1
        assert (warehouse.core.deadline(warehouse.goods) is None) == (not warehouse.goods.purchases)
    received = [fact for fact in warehouse.facts if isinstance(fact, StockReceived)]
    assert sum(r.qty for r in received) == sum(q for what, q in history if what == "receipt")
    placed = {f.po_line for f in warehouse.facts if isinstance(f, PurchaseOrderPlaced)}
    assert len(placed) <= sum(what == "short" for what, _ in history)


@given(st.permutations([released(), stop_requested(1), stop_requested(2), released()]))
def test_releases_and_stops_in_any_order_end_in_every_stop_answered(told: list[object]) -> None:
    warehouse = Warehouse()
    for body in told:
        warehouse.tell(body, ORDER)
    assert warehouse.fulfilment.status is Status.STOPPED
    answered = {f.request_id for f in warehouse.facts if isinstance(f, FulfilmentStopped)}
    assert answered == {request(1), request(2)}
