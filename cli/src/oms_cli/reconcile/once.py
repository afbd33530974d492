"""I5: what happens outside happens exactly once, however often it was asked for.

*At most once* is true at every moment, also in the middle of a fault; *at least once* is true of
what has come to rest. So each promise is two checks, and the first also serves the sampler.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from oms_billing.domain import Payment, ReceivableStatus
from oms_cli.reconcile.findings import Finding, found
from oms_cli.reconcile.ground import Ground
from oms_cli.reconcile.outside import PaymentLine
from oms_notify.domain import Message, Messages, Template
from oms_notify.domain import Status as MessageStatus
from oms_shipping.domain import LabelState, Shipment, Shipments
from oms_shipping.domain import Status as ShipmentStatus


async def no_invoice_is_captured_twice(ground: Ground) -> Finding:
    """However often it was asked for, the provider took the money of an invoice once."""
    lines, first = _done(ground, "capture")
    captures = Counter((x.order_id, str(x.body["invoice_no"])) for x in first)
    wrong = [
        f"{order_id}: invoice {invoice_no} was captured {n} times"
        for (order_id, invoice_no), n in captures.items()
        if n > 1
    ]
    return found(
        "I5", "no invoice is captured twice", len(first), wrong, repeats=len(lines) - len(first)
    )


async def no_refund_is_paid_twice(ground: Ground) -> Finding:
    """A wish to give money back is one amount, given back once."""
    lines, first = _done(ground, "refund", "transfer")
    times = Counter((x.order_id, x.key) for x in first)
    wrong = [
        f"{order_id}: refund {key} was paid {n} times"
        for (order_id, key), n in times.items()
        if n > 1
    ]
    return found(
        "I5", "no refund is paid twice", len(first), wrong, repeats=len(lines) - len(first)
    )


def _done(ground: Ground, *methods: str) -> tuple[list[PaymentLine], list[PaymentLine]]:
    """Calls that succeeded, and those among them that moved something: the rest are repeats."""
    lines = [x for x in ground.outside.payments if x.method in methods and x.result == "done"]
    return lines, [x for x in lines if not x.repeat]


async def every_invoice_paid_was_captured(ground: Ground) -> Finding:
    """Every invoice that counts as paid by the provider was captured, and the other way round."""
    _, first = _done(ground, "capture")
    captures = {(x.order_id, str(x.body["invoice_no"])) for x in first}
    paid = set(_captured_invoices(ground))
    wrong = [
        f"{order}: invoice {no} counts as captured, but never was" for order, no in paid - captures
    ]
    settled = {place for place in captures if ground.settled(place[0])}
    wrong += [
        f"{order}: invoice {no} was captured, but is not paid" for order, no in settled - paid
    ]
    return found("I5", "one capture per invoice that is paid", len(paid), wrong)


def _captured_invoices(ground: Ground) -> Iterator[tuple[str, str]]:
    payments: dict[str, Payment] = ground.states("billing", "payment")
    for order_id, payment in payments.items():
        for attempt in payment.attempts:
            for receivable in attempt.receivables:
                by_provider = attempt.by_provider and receivable.amount.gross_minor > 0
                paid = receivable.status is ReceivableStatus.SETTLED
                if by_provider and paid and receivable.captured_minor:
                    yield order_id, receivable.invoice_no


async def no_label_is_bought_twice(ground: Ground) -> Finding:
    """However often it was asked for, a purchase was made once; no number is on two labels."""
    calls = [x for x in ground.outside.carrier if x.method == "buy_labels"]
    bought = [x for x in calls if x.outcome == "bought"]
    times = Counter(x.purchase_id for x in bought)
    wrong = [f"purchase {id_} was made {n} times" for id_, n in times.items() if n > 1]
    numbers = Counter(label["tracking_no"] for x in bought for label in x.labels)
    wrong += [f"tracking number {no} stands on {n} labels" for no, n in numbers.items() if n > 1]
    repeats = sum(x.outcome == "repeated" for x in calls)
    return found("I5", "no label is bought twice", numbers.total(), wrong, repeats=repeats)


async def one_label_per_parcel(ground: Ground) -> Finding:
    """What left carries the labels that were bought; those of parcels that stayed are voided, or
    known to be unclear."""
    bought = [x for x in ground.outside.carrier if x.outcome == "bought"]
    labels = {x.purchase_id: {y["parcel_id"]: y["tracking_no"] for y in x.labels} for x in bought}
    voided = {x.purchase_id for x in ground.outside.carrier if x.outcome == "voided"}
    wrong: list[str] = []
    count = 0
    for order_id, shipment in _shipments(ground):
        count += len(shipment.parcels)
        wrong += _label_faults(order_id, shipment, labels.get(shipment.request_id), voided)
    return found("I5", "one label per parcel", count, wrong)


def _shipments(ground: Ground) -> Iterator[tuple[str, Shipment]]:
    roots: dict[str, Shipments] = ground.states("shipping", "shipments")
    for order_id, root in roots.items():
        for shipment in root.shipments:
            yield order_id, shipment


def _label_faults(
    order_id: str, shipment: Shipment, labels: dict[str, str] | None, voided: set[str]
) -> Iterator[str]:
    name = f"{order_id}: shipment {shipment.shipment_id}"
    match shipment.status:
        case ShipmentStatus.HANDED_OVER:
            carried = {p.parcel_id: p.tracking_no for p in shipment.parcels}
            if labels != carried:
                yield f"{name} left under {sorted(carried.values())}, bought was {labels}"
        case ShipmentStatus.STOPPED | ShipmentStatus.FAILED:
            paid_for = labels is not None and shipment.request_id not in voided
            if paid_for and shipment.labels is not LabelState.UNCLEAR:
                yield f"{name} stayed, and its labels were not voided"


async def no_message_is_written_twice(ground: Ground) -> Finding:
    """A fact is told by a template once, unless a person has it sent again."""
    messages = [m for _, m in _messages(ground) if not m.asked_by]
    told = Counter((m.template, m.fact_id) for m in messages)
    wrong = [
        f"{template} about {fact} was written {n} times"
        for (template, fact), n in told.items()
        if n > 1
    ]
    return found("I5", "no message is written twice", len(messages), wrong)


async def one_mail_per_message(ground: Ground) -> Finding:
    """Every mail was wanted, and every message counted as sent arrived."""
    messages = dict(_messages(ground))
    mails = ground.outside.mails
    sent = {id_ for id_, m in messages.items() if m.status is MessageStatus.SENT}
    wrong = [
        f"message {id_} ({messages[id_].template}) never arrived" for id_ in sent - mails.keys()
    ]
    wrong += [
        f"mail {id_} was never ordered"
        for id_ in mails.keys() - messages.keys() - ground.outside.late_mails
    ]
    repeats = sum(times - 1 for times in mails.values())
    return found("I5", "one mail per message", len(mails), wrong, repeats=repeats)


def _messages(ground: Ground) -> Iterator[tuple[str, Message]]:
    """Of all aggregates, also moving ones: a mail that arrived was ordered before."""
    for kind in ("messages", "alerts"):
        for kept in ground.roots["notify"][kind].values():
            for message in kept.state.bag.messages:
                yield message.message_id, message


async def one_confirmation_per_order(ground: Ground) -> Finding:
    """The customer of every accepted order was told so, once."""
    bags: dict[str, Messages] = ground.states("notify", "messages")
    orders = ground.orders()
    wrong = []
    for order_id in orders:
        bag = bags.get(order_id)
        messages = bag.bag.messages if bag is not None else ()
        confirmed = [
            m for m in messages if m.template is Template.ORDER_CONFIRMATION and not m.asked_by
        ]
        if len(confirmed) != 1:
            wrong.append(f"{order_id}: {len(confirmed)} confirmations")
    return found("I5", "one confirmation per order", len(orders), wrong)
