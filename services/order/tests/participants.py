"""The other services, small enough to be seen through: each keeps its books and may do anything
that the real one might, in any order. What they say travels in their own order, each in a stream.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from builders import NOW

from oms_contracts import billing, inventory, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.channel import BackorderPolicy
from oms_contracts.event import Alloc, Event, LineQty, Tracked

Move = Callable[[], None]
Place = tuple[str, str, str]
"""Line, SKU and location."""


class Participant:
    """Hears what the order says, in order, and answers into a stream of its own."""

    def __init__(self) -> None:
        self.answers: deque[Event] = deque()

    def hear(self, fact: Event) -> None:
        """Take note of something the order said."""

    def moves(self) -> list[Move]:
        """All that might happen here next."""
        return []

    def kind_moves(self) -> list[Move]:
        """The same, if everybody means well."""
        return self.moves()


class Inventory(Participant):
    """Sets units aside, or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.held: Counter[Place] = Counter()
        self.waiting: Counter[tuple[str, str, str]] = Counter()
        self.open: dict[str, Any] = {}
        self.answered: dict[str, Event] = {}
        self.shipped: set[str] = set()

    def hear(self, fact: Event) -> None:
        match fact:
            case said.OrderAccepted() | said.ReservationRequested():
                if fact.request_id in self.answered:
                    self.answers.append(self.answered[fact.request_id])
                else:
                    self.open[fact.request_id] = fact
            case said.ReservationReleaseRequested():
                self._release(fact)
            case said.OrderShipped() if fact.shipment_id not in self.shipped:
                self.shipped.add(fact.shipment_id)
                self._give_up(fact.alloc)

    def moves(self) -> list[Move]:
        moves: list[Move] = []
        for asked in self.open.values():
            moves += [
                partial(self._reserve, asked, ["WEST"]),
                partial(self._reserve, asked, ["WEST", "EAST"]),
                partial(self._queue, asked),
            ]
            if asked.backorder_policy is BackorderPolicy.DENY:
                moves[-1] = partial(self._refuse, asked)
        moves += [partial(self._fill, w) for w in self.waiting if self.waiting[w]]
        moves += [partial(self._promise, w) for w in self.waiting if self.waiting[w]]
        moves += [partial(self._break, p) for p in self.held if self.held[p]]
        return moves

    def kind_moves(self) -> list[Move]:
        moves: list[Move] = [partial(self._reserve, a, ["WEST"]) for a in self.open.values()]
        return moves + [partial(self._fill, w) for w in self.waiting if self.waiting[w]]

    def _answer(self, asked: Any, answer: Event) -> None:
        if isinstance(asked, said.ReservationRequested):
            self._give_up(asked.shorts)
        del self.open[asked.request_id]
        self.answered[asked.request_id] = answer
        self.answers.append(answer)

    def _reserve(self, asked: Any, locations: list[str]) -> None:
        alloc = []
        for units in asked.lines:
            rest = units.qty // 2 if len(locations) > 1 else 0
            parts = ((locations[0], units.qty - rest), (locations[-1], rest))
            alloc += [_alloc(units, at, qty) for at, qty in parts if qty]
        answer = inventory.StockReserved(request_id=asked.request_id, alloc=tuple(alloc))
        self._answer(asked, answer)
        for a in alloc:
            self.held[a.line_id, a.sku, a.location] += a.qty

    def _queue(self, asked: Any) -> None:
        """The last line waits, the others are there."""
        *here, last = asked.lines or (None,)
        alloc = tuple(_alloc(units, "WEST", units.qty) for units in here)
        queued = () if last is None else (_queued(last),)
        reserved = inventory.StockReserved(
            request_id=asked.request_id, alloc=alloc, backordered=queued
        )
        self._answer(asked, reserved)
        for a in alloc:
            self.held[a.line_id, a.sku, a.location] += a.qty
        for b in queued:
            self.waiting[b.line_id, b.sku, asked.request_id] += b.qty

    def _refuse(self, asked: Any) -> None:
        short = tuple(inventory.Short(sku=x.sku, short_by=x.qty) for x in asked.lines)
        self._answer(asked, inventory.StockRefused(request_id=asked.request_id, short=short))

    def _fill(self, waiting: tuple[str, str, str]) -> None:
        line_id, sku, request_id = waiting
        qty = self.waiting.pop(waiting)
        self.held[line_id, sku, "EAST"] += qty
        alloc = (Alloc(line_id=line_id, sku=sku, location="EAST", qty=qty),)
        self.answers.append(inventory.BackorderFilled(request_id=request_id, alloc=alloc))

    def _promise(self, waiting: tuple[str, str, str]) -> None:
        line_id, sku, request_id = waiting
        lines = (LineQty(line_id=line_id, sku=sku, qty=self.waiting[waiting]),)
        eta = NOW + timedelta(days=9)
        promised = inventory.BackorderPromised(
            request_id=request_id, lines=lines, eta=eta, po_line="PO-1-1"
        )
        self.answers.append(promised)

    def _break(self, place: Place) -> None:
        line_id, sku, location = place
        self.held[place] -= 1
        broken = (Alloc(line_id=line_id, sku=sku, location=location, qty=1),)
        self.answers.append(inventory.ReservationBroken(alloc=broken, cause="count-7"))

    def _release(self, undo: said.ReservationReleaseRequested) -> None:
        if undo.request_id not in self.answered:
            self.answered[undo.request_id] = inventory.StockReleased(
                request_id=undo.request_id,
                alloc=self._give_up(undo.alloc),
                backordered=self._leave(undo.backordered),
            )
        self.answers.append(self.answered[undo.request_id])

    def _leave(self, named: Iterable[LineQty]) -> tuple[LineQty, ...]:
        left = []
        for units in named:
            still = units.qty
            for waiting in [w for w in self.waiting if w[0] == units.line_id]:
                gone = min(still, self.waiting[waiting])
                self.waiting[waiting] -= gone
                still -= gone
                left += [units.model_copy(update={"qty": gone})] if gone else []
        return tuple(left)

    def _give_up(self, named: Iterable[Alloc]) -> tuple[Alloc, ...]:
        freed = []
        for a in named:
            gone = min(a.qty, self.held[a.line_id, a.sku, a.location])
            self.held[a.line_id, a.sku, a.location] -= gone
            freed += [_alloc(a, a.location, gone)] if gone else []
        return tuple(freed)


class Warehouse(Participant):
    """Packs, misses units, and stops or refuses to."""

    def __init__(self) -> None:
        super().__init__()
        self.work: dict[str, Counter[tuple[str, str]]] = {}
        self.places: dict[str, str] = {}
        self.packed: dict[str, Event] = {}
        self.stopped: set[str] = set()
        self.stops: dict[str, said.FulfilmentStopRequested] = {}
        self.stop_answers: dict[str, Event] = {}

    def hear(self, fact: Event) -> None:
        match fact:
            case said.OrderReleased():
                for f in fact.fulfilments:
                    if f.fulfilment_id not in self.work:
                        units = Counter({(x.line_id, x.sku): x.qty for x in f.lines})
                        self.work[f.fulfilment_id] = units
                        self.places[f.fulfilment_id] = f.location
                    elif f.fulfilment_id in self.packed:
                        self.answers.append(self.packed[f.fulfilment_id])
            case said.FulfilmentStopRequested() if fact.request_id in self.stop_answers:
                self.answers.append(self.stop_answers[fact.request_id])
            case said.FulfilmentStopRequested():
                self.stops[fact.request_id] = fact

    def moves(self) -> list[Move]:
        moves = [partial(self._short, f) for f in self._working()]
        moves += [
            partial(self._refuse, s)
            for s in self.stops.values()
            if s.fulfilment_id not in self.stopped
        ]
        return moves + self.kind_moves()

    def kind_moves(self) -> list[Move]:
        moves: list[Move] = [partial(self._pack, f) for f in self._working()]
        return moves + [partial(self._stop, s) for s in self.stops.values()]

    def _working(self) -> list[str]:
        return [f for f in self.work if f not in self.packed and f not in self.stopped]

    def _pack(self, fulfilment_id: str) -> None:
        units = self.work[fulfilment_id]
        lines = tuple(LineQty(line_id=n, sku=s, qty=q) for (n, s), q in units.items() if q)
        parcel = said.Parcel(parcel_id=f"{fulfilment_id}-P1", weight_grams=500, lines=lines)
        self.packed[fulfilment_id] = warehouse.FulfilmentPacked(
            fulfilment_id=fulfilment_id, parcels=(parcel,), packed_by="pia", packed_at=NOW
        )
        self.answers.append(self.packed[fulfilment_id])

    def _short(self, fulfilment_id: str) -> None:
        units = self.work[fulfilment_id]
        (line_id, sku), _ = next(item for item in units.items() if item[1])
        units[line_id, sku] -= 1
        if not units.total():
            self.stopped.add(fulfilment_id)
        short = warehouse.ShortLine(
            line_id=line_id, sku=sku, location=self.places[fulfilment_id], qty=1, reason="gone"
        )
        self.answers.append(warehouse.FulfilmentShort(fulfilment_id=fulfilment_id, short=(short,)))

    def _stop(self, asked: said.FulfilmentStopRequested) -> None:
        self.stopped.add(asked.fulfilment_id)
        self.packed.pop(asked.fulfilment_id, None)
        answer = warehouse.FulfilmentStopped(
            request_id=asked.request_id, fulfilment_id=asked.fulfilment_id
        )
        self._answer(asked, answer)

    def _refuse(self, asked: said.FulfilmentStopRequested) -> None:
        answer = warehouse.FulfilmentStopRefused(
            request_id=asked.request_id, fulfilment_id=asked.fulfilment_id, reason="too late"
        )
        self._answer(asked, answer)

    def _answer(self, asked: said.FulfilmentStopRequested, answer: Event) -> None:
        del self.stops[asked.request_id]
        self.stop_answers[asked.request_id] = answer
        self.answers.append(answer)


class Shipping(Participant):
    """Hands parcels over, or cannot, and tells how they fare."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, said.ShipmentRequested] = {}
        self.stops: dict[str, said.ShipmentStopRequested] = {}
        self.handed_over: dict[str, Event] = {}
        self.underway: list[tuple[str, str]] = []

    def hear(self, fact: Event) -> None:
        match fact:
            case said.ShipmentRequested():
                if fact.shipment_id in self.handed_over:
                    self.answers.append(self.handed_over[fact.shipment_id])
                else:
                    self.asked[fact.shipment_id] = fact
            case said.ShipmentStopRequested():
                self.stops[fact.request_id] = fact

    def moves(self) -> list[Move]:
        failing = [partial(self._fail, a) for a in self.asked.values()]
        odd = [partial(self._exception, p) for p in self.underway]
        return failing + odd + self.kind_moves()

    def kind_moves(self) -> list[Move]:
        moves: list[Move] = [partial(self._ship, a) for a in self.asked.values()]
        moves += [partial(self._stop, s) for s in self.stops.values()]
        return moves + [partial(self._deliver, p) for p in self.underway]

    def _ship(self, asked: said.ShipmentRequested) -> None:
        del self.asked[asked.shipment_id]
        parcels = tuple(
            Tracked(parcel_id=p.parcel_id, carrier="DHL", tracking_no="T1") for p in asked.parcels
        )
        shipped = shipping.Shipped(
            request_id=asked.request_id,
            shipment_id=asked.shipment_id,
            parcels=parcels,
            shipped_at=NOW,
        )
        self.handed_over[asked.shipment_id] = shipped
        self.underway += [(asked.shipment_id, p.parcel_id) for p in parcels]
        self.answers.append(shipped)

    def _fail(self, asked: said.ShipmentRequested) -> None:
        del self.asked[asked.shipment_id]
        failed = shipping.ShipmentFailed(
            request_id=asked.request_id,
            shipment_id=asked.shipment_id,
            code=shipping.FailureCode.CARRIER,
        )
        self.answers.append(failed)

    def _stop(self, undo: said.ShipmentStopRequested) -> None:
        del self.stops[undo.request_id]
        names = {"request_id": undo.request_id, "shipment_id": undo.shipment_id}
        if undo.shipment_id in self.handed_over:
            self.answers.append(shipping.ShipmentStopRefused(**names, reason="handed over"))
        else:
            self.asked.pop(undo.shipment_id, None)
            self.answers.append(shipping.ShipmentStopped(**names, labels_voided=True))

    def _deliver(self, parcel: tuple[str, str]) -> None:
        self.underway.remove(parcel)
        shipment_id, parcel_id = parcel
        arrived = shipping.ParcelDelivered(shipment_id=shipment_id, parcel_id=parcel_id, at=NOW)
        self.answers.append(arrived)

    def _exception(self, parcel: tuple[str, str]) -> None:
        shipment_id, parcel_id = parcel
        status = shipping.ParcelStatus.DELIVERY_FAILED
        odd = shipping.ParcelException(
            shipment_id=shipment_id, parcel_id=parcel_id, status=status, at=NOW
        )
        self.answers.append(odd)


class Billing(Participant):
    """Promises money, takes it, lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: said.PaymentRequested | None = None
        self.promised: said.PaymentRequested | None = None
        self.declined = False
        self.voided: set[str] = set()
        self.voids: list[said.PaymentVoidRequested] = []
        self.owed: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.refunds: list[said.RefundRequested] = []

    def hear(self, fact: Event) -> None:
        match fact:
            case said.PaymentRequested():
                if fact.request_id not in self.voided and self.promised is None:
                    self.asked = fact
            case said.PaymentVoidRequested():
                self.voids.append(fact)
            case said.OrderShipped() if fact.shipment_id not in {*self.owed, *self.taken}:
                self.owed[fact.shipment_id] = self._price(fact)
            case said.RefundRequested():
                self.refunds.append(fact)

    def moves(self) -> list[Move]:
        moves = self.kind_moves()
        if self.asked is not None:
            moves += [
                partial(self._authorise, self.asked, 1),
                partial(self._decline, self.asked, final=True),
                partial(self._decline, self.asked, final=False),
            ]
        return moves + [partial(self._owe, s) for s in self.owed]

    def kind_moves(self) -> list[Move]:
        moves: list[Move] = [partial(self._void, v) for v in self.voids]
        if self.asked is not None:
            moves.append(partial(self._authorise, self.asked, 0))
        moves += [partial(self._capture, s) for s in self.owed]
        return moves + [partial(self._refund, r) for r in self.refunds]

    def _price(self, gone: said.OrderShipped) -> int:
        assert self.promised is not None
        prices = {x.line_id: (x.net_minor + x.tax_minor, x.qty) for x in self.promised.lines}
        goods = sum(prices[a.line_id][0] * a.qty // prices[a.line_id][1] for a in gone.alloc)
        first = not self.owed and not self.taken
        charge = self.promised.shipping_net_minor + self.promised.shipping_tax_minor
        return goods + (charge if first else 0)

    def _authorise(self, asked: Any, less_minor: int) -> None:
        self.asked, self.promised = None, asked
        promise = billing.PaymentAuthorized(
            request_id=asked.request_id,
            payment_id="pay-1",
            authorisation_id="auth-1",
            amount_minor=asked.amount_minor - less_minor,
            currency=asked.currency,
        )
        self.answers.append(promise)

    def _decline(self, asked: Any, *, final: bool) -> None:
        if final:
            self.asked = None
        declined = billing.PaymentDeclined(
            request_id=asked.request_id, code="no_funds", final=final, retry_until=asked.expires_at
        )
        self.answers.append(declined)

    def _void(self, undo: said.PaymentVoidRequested) -> None:
        self.voids.remove(undo)
        self.voided.add(undo.payment_request_id)
        self.asked = None
        voided = billing.PaymentVoided(
            request_id=undo.request_id,
            payment_request_id=undo.payment_request_id,
            currency="EUR",
        )
        self.answers.append(voided)

    def _capture(self, shipment_id: str) -> None:
        assert self.promised is not None
        amount_minor = self.owed.pop(shipment_id)
        self.taken[shipment_id] = amount_minor
        captured = billing.PaymentCaptured(
            request_id=self.promised.request_id,
            shipment_id=shipment_id,
            capture_id=f"cap-{shipment_id}",
            amount_minor=amount_minor,
            currency="EUR",
            invoice_no=f"INV-{len(self.taken)}",
            journal_id="J",
        )
        self.answers.append(captured)

    def _owe(self, shipment_id: str) -> None:
        assert self.promised is not None
        failed = billing.PaymentCaptureFailed(
            request_id=self.promised.request_id,
            shipment_id=shipment_id,
            invoice_no="INV",
            amount_minor=self.owed[shipment_id],
            currency="EUR",
            code="card_expired",
        )
        self.answers.append(failed)

    def _refund(self, asked: said.RefundRequested) -> None:
        self.refunds.remove(asked)
        refunded = billing.RefundCompleted(
            request_id=asked.request_id,
            refund_id="r",
            amount_minor=asked.amount_minor,
            currency="EUR",
        )
        self.answers.append(refunded)


def _alloc(units: LineQty | Alloc, location: str, qty: int) -> Alloc:
    return Alloc(line_id=units.line_id, sku=units.sku, location=location, qty=qty)


def _queued(units: LineQty) -> inventory.Backordered:
    return inventory.Backordered(
        line_id=units.line_id, sku=units.sku, location="WEST", qty=units.qty
    )
