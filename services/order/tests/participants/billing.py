"""Billing, small enough to be seen through."""

from __future__ import annotations

from functools import partial
from typing import Any

from oms_contracts import billing
from oms_contracts import order as said
from oms_contracts.event import Event
from participants.base import Move, Participant


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
