"""What billing says: money promised, declined, taken, let go and given back."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from oms_chassis.decision import Decision, again, late, seconds
from oms_contracts.billing import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentDeclined,
    PaymentVoided,
    RefundCompleted,
    RefundFailed,
)
from oms_contracts.order import Gate, HoldType, OrderInvoiced
from oms_order.decisions import requests
from oms_order.decisions.consequences import conclude
from oms_order.decisions.turn import Turn
from oms_order.decisions.unwinding import want_cancel
from oms_order.domain.currencies import shown
from oms_order.domain.fulfilment import Invoice
from oms_order.domain.order import Order
from oms_order.domain.payment import Payment, PaymentState, Refund, RefundState
from oms_order.domain.regions import CancelState, Request, TaskKind

_MAY_BE_DECLINED = (PaymentState.ASKED, PaymentState.AWAITING_PAYER, PaymentState.AUTHORISED)


def authorised(order: Order, told: PaymentAuthorized, turn: Turn) -> Decision:
    """Money is promised. Another amount than was asked for is looked at by a person."""
    payment = order.payment
    if told.request_id != payment.request_id:
        turn.ask(requests.void(told.request_id, turn.request(), "not asked for by this order"))
        return turn.decision(order)
    if payment.state is PaymentState.AUTHORISED:
        return again(order)
    order = order.but(payment=payment.authorise(told.authorisation_id, told.amount_minor))
    if order.cancel.state is CancelState.DONE:
        return _void_once_more(order, turn)
    differs = told.amount_minor != payment.asked_minor or told.currency != order.placed.currency
    if differs and order.cancel.state is CancelState.NO:
        asked = shown(payment.asked_minor, order.placed.currency)
        promised = shown(told.amount_minor, told.currency)
        inputs = (("asked", asked), ("promised", promised))
        why = "Another amount was promised than was asked for."
        order = turn.hold(order, HoldType.AMOUNT, Gate.PAY, why, inputs)
    return conclude(order, turn)


def declined(order: Order, told: PaymentDeclined, turn: Turn) -> Decision:
    """The payer's bank said no: for good, or until the payer has tried once more."""
    payment = order.payment
    if told.request_id != payment.request_id:
        return late(order, "this decline answers nothing that was asked")
    if not order.remaining:
        return late(order, "everything was shipped or cancelled before")
    if payment.state not in _MAY_BE_DECLINED:
        return late(order, f"the payment is {payment.state} already")
    until = _payer_may_try_until(payment, told, turn)
    if until is not None:
        return conclude(order.but(payment=payment.await_payer(until, turn.now)), turn)
    order = order.but(payment=replace(payment, state=PaymentState.DECLINED, request=None))
    why = f"The payment was declined: {told.code}."
    return conclude(want_cancel(order, turn, "payment_declined", why), turn)


def captured(order: Order, told: PaymentCaptured, turn: Turn) -> Decision:
    """The shipment is paid for. Money taken for anything else goes back."""
    payment = order.payment
    shipped = order.shipment(told.shipment_id)
    if shipped is None or not shipped.gone or told.request_id != payment.request_id:
        return _refund(order, told, turn)
    if shipped.settled:
        return again(order)
    invoice = Invoice(told.invoice_no, told.amount_minor, told.tax_minor, paid=True)
    order = order.with_fulfilment(
        replace(shipped, invoice=invoice, request=None),
        payment=replace(payment, captured_minor=payment.captured_minor + told.amount_minor),
    )
    # On account the order is settled although the money comes later.
    tell_invoice(order, told.shipment_id, invoice, turn, paid=told.due_at is None)
    return conclude(order, turn)


def capture_failed(order: Order, told: PaymentCaptureFailed, turn: Turn) -> Decision:
    """The customer owes the invoice until the money is in."""
    shipped = order.shipment(told.shipment_id)
    if shipped is None or not shipped.gone or shipped.settled:
        return late(order, "nothing is owed for this shipment")
    retry = seconds(turn.policy.dunning_seconds)
    look_at = max(told.next_try or turn.now, turn.now) + retry
    invoice = Invoice(told.invoice_no, told.amount_minor, told.tax_minor, False, look_at)
    known = shipped.invoice is not None
    order = order.with_fulfilment(replace(shipped, invoice=invoice, request=None))
    if not known:
        tell_invoice(order, told.shipment_id, invoice, turn, paid=False)
    return conclude(order, turn)


def voided(order: Order, told: PaymentVoided, turn: Turn) -> Decision:
    """Promised money is free again."""
    payment = order.payment
    if payment.request is None or payment.request.request_id != told.request_id:
        return late(order, "this money was let go before")
    ended = replace(payment, state=PaymentState.VOIDED, request=None)
    return conclude(order.but(payment=ended), turn)


def refunded(order: Order, told: RefundCompleted, turn: Turn) -> Decision:
    """Money went back. Billing's people may have done so on their own: it counts all the same."""
    payment = order.payment
    refund = payment.find_refund(told.request_id)
    if refund is not None and refund.state is RefundState.DONE:
        return again(order)
    if refund is None:
        unasked = Request(told.request_id, turn.now, turn.now)
        refund = Refund(unasked, payment.request_id, told.amount_minor)
    payment = payment.with_refund(replace(refund, state=RefundState.DONE))
    payment = replace(payment, refunded_minor=payment.refunded_minor + told.amount_minor)
    return conclude(order.but(payment=payment), turn)


def refund_failed(order: Order, told: RefundFailed, turn: Turn) -> Decision:
    """The provider keeps the money: a person must give it back."""
    refund = order.payment.find_refund(told.request_id)
    if refund is None or refund.state is RefundState.DONE:
        return late(order, "no refund is awaited under this name")
    if refund.state is RefundState.FAILED:
        return again(order)
    amount = shown(told.amount_minor, told.currency)
    text = f"{amount} could not be given back ({told.code}): {told.text}"[:500]
    failed = replace(refund, state=RefundState.FAILED)
    order = order.but(payment=order.payment.with_refund(failed))
    return conclude(turn.queue(order, TaskKind.MONEY, told.request_id, text), turn)


def _payer_may_try_until(payment: Payment, told: PaymentDeclined, turn: Turn) -> datetime | None:
    """Until when another attempt may succeed; None if there will be none.

    The payer's own time counts until money is promised; a promise that could not be renewed
    later is a matter between billing and the payer.
    """
    if told.final:
        return None
    until = told.retry_until or turn.now + seconds(turn.policy.payer_seconds)
    if payment.state is not PaymentState.AUTHORISED and payment.payer_until is not None:
        until = min(until, payment.payer_until)
    return until if until > turn.now else None


def _void_once_more(order: Order, turn: Turn) -> Decision:
    """A promise that came after its order had ended: its request is undone once more."""
    request = turn.request()
    turn.ask(requests.void(order.payment.request_id, request, order.cancel.code))
    return turn.decision(order.but(payment=order.payment.void(request)))


def _refund(order: Order, told: PaymentCaptured, turn: Turn) -> Decision:
    payment = order.payment
    if any(r.capture_id == told.capture_id for r in payment.refunds):
        return again(order)
    refund = Refund(turn.request(), told.request_id, told.amount_minor, told.capture_id)
    turn.ask(requests.refund(order, refund))
    taken = replace(payment, captured_minor=payment.captured_minor + told.amount_minor)
    return turn.decision(order.but(payment=taken.with_refund(refund)))


def tell_invoice(
    order: Order, shipment_id: str, invoice: Invoice, turn: Turn, *, paid: bool
) -> None:
    """Say what the customer owes, or has paid, for a shipment."""
    turn.say(
        OrderInvoiced(
            order_no=order.head.order_no,
            shipment_id=shipment_id,
            invoice_no=invoice.invoice_no,
            amount_minor=invoice.amount_minor,
            tax_minor=invoice.tax_minor,
            currency=order.placed.currency,
            paid=paid,
        )
    )
