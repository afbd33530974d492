"""Shipping, small enough to be seen through."""

from __future__ import annotations

from functools import partial

from story import NOW

from oms_contracts import order as said
from oms_contracts import shipping
from oms_contracts.event import Event, Tracked
from participants.base import Move, Participant


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
