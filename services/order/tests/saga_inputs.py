"""Every input, as its teller would put it to an order in whatever state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from replies import at, fulfilment_packed, fulfilment_short, wanted
from story import A_REQUEST, CHANNEL, EXTERNAL_ID, Story, submission

from oms_chassis.decision import Malformed, Woke
from oms_contracts import billing, inventory, notify, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.channel import OrderPlaced
from oms_contracts.event import Alloc, LineQty, Tracked
from oms_order.domain import (
    AnswerBackorder,
    ApproveCosts,
    BackorderChoice,
    CancellationWish,
    CancelOrder,
    NoOrder,
    Order,
    PlaceHold,
    RejectCosts,
    ReleaseHold,
    ResolveTask,
)

NEVER = "never-heard-of"


def _name(story: Story, kind: Any, attribute: str = "request_id") -> str:
    """The last id of a kind that the order gave; one nobody knows if it gave none."""
    facts = story.all(kind)
    return getattr(facts[-1], attribute) if facts else A_REQUEST


def _units(story: Story) -> LineQty:
    if isinstance(story.state, Order):
        line = story.state.placed.lines[0]
        return LineQty(line_id=line.line_id, sku=line.sku, qty=1)
    return LineQty(line_id="1", sku="SKU-1", qty=1)


def _reservation(story: Story) -> str:
    return _name(story, said.ReservationRequested if _asked_anew(story) else said.OrderAccepted)


def _asked_anew(story: Story) -> bool:
    return bool(story.all(said.ReservationRequested))


def _reserved(story: Story) -> inventory.StockReserved:
    lines = wanted(story) if story.all(said.OrderAccepted) else [_units(story)]
    alloc = tuple(at("WEST", x) for x in lines)
    return inventory.StockReserved(request_id=_reservation(story), alloc=alloc)


def _foreign_reserved(story: Story) -> inventory.StockReserved:
    alloc = (at("WEST", _units(story)),)
    return inventory.StockReserved(request_id=A_REQUEST, alloc=alloc)


def reservation_broken(units: LineQty) -> inventory.ReservationBroken:
    alloc = (Alloc(line_id=units.line_id, sku=units.sku, location="WEST", qty=1),)
    return inventory.ReservationBroken(alloc=alloc, cause="count-7")


def _stock_released(story: Story) -> inventory.StockReleased:
    return inventory.StockReleased(request_id=_name(story, said.ReservationReleaseRequested))


def _authorised(story: Story, request_id: str = "") -> billing.PaymentAuthorized:
    asked = story.all(said.PaymentRequested)
    return billing.PaymentAuthorized(
        request_id=request_id or _name(story, said.PaymentRequested),
        payment_id="pay-1",
        authorisation_id="auth-1",
        amount_minor=asked[-1].amount_minor if asked else 100,
        currency="EUR",
    )


def _declined(story: Story, final: bool) -> billing.PaymentDeclined:
    return billing.PaymentDeclined(
        request_id=_name(story, said.PaymentRequested),
        code="no_funds",
        final=final,
        retry_until=None if final else story.now + timedelta(hours=1),
    )


def _money(story: Story) -> dict[str, Any]:
    return {
        "request_id": _name(story, said.PaymentRequested),
        "shipment_id": _name(story, said.ShipmentRequested, "shipment_id"),
        "amount_minor": 100,
        "currency": "EUR",
        "invoice_no": "INV-1",
    }


def money_taken(story: Story) -> billing.PaymentCaptured:
    return billing.PaymentCaptured(**_money(story), capture_id="cap-1", journal_id="J-1")


def _capture_failed(story: Story) -> billing.PaymentCaptureFailed:
    return billing.PaymentCaptureFailed(**_money(story), code="card_expired")


def _voided(story: Story) -> billing.PaymentVoided:
    return billing.PaymentVoided(
        request_id=_name(story, said.PaymentVoidRequested),
        payment_request_id=_name(story, said.PaymentRequested),
        currency="EUR",
    )


def _refund(story: Story) -> dict[str, Any]:
    return {
        "request_id": _name(story, said.RefundRequested),
        "amount_minor": 100,
        "currency": "EUR",
    }


def _fulfilment(story: Story) -> said.Fulfilment:
    """The last one that was released."""
    if isinstance(story.state, Order) and story.state.fulfilments:
        known = story.state.fulfilments[-1]
        lines = story.state.head.quantities(known.units) or (_units(story),)
        return said.Fulfilment(
            fulfilment_id=known.fulfilment_id, location=known.location, lines=lines
        )
    return said.Fulfilment(fulfilment_id=NEVER, location="WEST", lines=(_units(story),))


def _stop_answer(story: Story) -> dict[str, str]:
    return {
        "request_id": _name(story, said.FulfilmentStopRequested),
        "fulfilment_id": _fulfilment(story).fulfilment_id,
    }


def _shipment(story: Story, kind: Any = said.ShipmentRequested) -> dict[str, str]:
    asked = story.all(said.ShipmentRequested)
    shipment_id = asked[-1].shipment_id if asked else NEVER
    return {"request_id": _name(story, kind), "shipment_id": shipment_id}


def _shipped(story: Story) -> shipping.Shipped:
    asked = story.all(said.ShipmentRequested)
    parcel_id = asked[-1].parcels[0].parcel_id if asked else NEVER
    parcel = Tracked(parcel_id=parcel_id, carrier="DHL", tracking_no="T-1")
    return shipping.Shipped(**_shipment(story), parcels=(parcel,), shipped_at=story.now)


def _parcel(story: Story) -> dict[str, Any]:
    gone = story.all(said.OrderShipped)
    named = _shipment(story)["shipment_id"]
    parcel_id = gone[-1].parcels[0].parcel_id if gone else NEVER
    return {"shipment_id": named, "parcel_id": parcel_id, "at": story.now}


def _hold_id(story: Story) -> str:
    holds = story.state.body.holds if isinstance(story.state, Order) else ()
    return holds[0].hold_id if holds else NEVER


def _task_id(story: Story) -> str:
    tasks = story.state.body.tasks if isinstance(story.state, Order) else ()
    return tasks[0].task_id if tasks else NEVER


def _failed(story: Story) -> shipping.ShipmentFailed:
    return shipping.ShipmentFailed(**_shipment(story), code=shipping.FailureCode.ADDRESS)


def parcel_lost(story: Story) -> shipping.ParcelException:
    return shipping.ParcelException(**_parcel(story), status=shipping.ParcelStatus.LOST)


def _undelivered(story: Story) -> notify.NotificationFailed:
    return notify.NotificationFailed(fact_id="f-1", template="confirmation", reason="bounced")


def _lines(story: Story) -> tuple[Any, ...]:
    return story.state.placed.lines if isinstance(story.state, Order) else ()


def _again(story: Story) -> dict[str, Any]:
    return {"currency": "QQQ"} if isinstance(story.state, NoOrder) else {}


INPUTS: dict[str, Callable[[Story], Any]] = {
    "OrderPlaced (the same)": lambda s: submission(*_lines(s), **_again(s)),
    "OrderPlaced (other content)": lambda s: submission(digest="digest-2"),
    "OrderPlaced (unreadable)": lambda s: Malformed(
        OrderPlaced.TYPE, (("lines", "missing", "Field required"),), "d-3", CHANNEL, EXTERNAL_ID
    ),
    "CancellationRequested": lambda s: CancellationWish(CHANNEL, EXTERNAL_ID),
    "CancellationRequested (1 unit)": lambda s: CancellationWish(CHANNEL, EXTERNAL_ID, (("1", 1),)),
    "StockReserved": _reserved,
    "StockReserved (foreign)": _foreign_reserved,
    "StockRefused": lambda s: inventory.StockRefused(
        request_id=_reservation(s), short=(inventory.Short(sku="SKU-1", short_by=1),)
    ),
    "BackorderFilled": lambda s: inventory.BackorderFilled(
        request_id=_reservation(s), alloc=(at("EAST", _units(s)),)
    ),
    "BackorderPromised": lambda s: inventory.BackorderPromised(
        request_id=_reservation(s), lines=(_units(s),), eta=s.now, po_line="PO-1-1"
    ),
    "ReservationBroken": lambda s: reservation_broken(_units(s)),
    "StockReleased": _stock_released,
    "PaymentAuthorized": _authorised,
    "PaymentAuthorized (foreign)": lambda s: _authorised(s, A_REQUEST),
    "PaymentDeclined (final)": lambda s: _declined(s, final=True),
    "PaymentDeclined (may try again)": lambda s: _declined(s, final=False),
    "PaymentCaptured": money_taken,
    "PaymentCaptureFailed": _capture_failed,
    "PaymentVoided": _voided,
    "RefundCompleted": lambda s: billing.RefundCompleted(**_refund(s), refund_id="r-1"),
    "RefundFailed": lambda s: billing.RefundFailed(**_refund(s), code="closed"),
    "FulfilmentPacked": lambda s: fulfilment_packed(_fulfilment(s)),
    "FulfilmentShort": lambda s: fulfilment_short(
        _fulfilment(s), _fulfilment(s).lines[0].model_copy(update={"qty": 1})
    ),
    "FulfilmentStopped": lambda s: warehouse.FulfilmentStopped(**_stop_answer(s)),
    "FulfilmentStopRefused": lambda s: warehouse.FulfilmentStopRefused(
        **_stop_answer(s), reason="on the ramp"
    ),
    "Shipped": _shipped,
    "ShipmentFailed": _failed,
    "ShipmentStopped": lambda s: shipping.ShipmentStopped(
        **_shipment(s, said.ShipmentStopRequested), labels_voided=True
    ),
    "ShipmentStopRefused": lambda s: shipping.ShipmentStopRefused(
        **_shipment(s, said.ShipmentStopRequested), reason="handed over"
    ),
    "ParcelDelivered": lambda s: shipping.ParcelDelivered(**_parcel(s)),
    "ParcelException": parcel_lost,
    "NotificationFailed": _undelivered,
    "a hold is placed": lambda s: PlaceHold(said.Gate.SHIP, "look"),
    "a hold is released": lambda s: ReleaseHold(_hold_id(s), "looked"),
    "costs are approved": lambda s: ApproveCosts(),
    "costs are rejected": lambda s: RejectCosts("too much"),
    "a person cancels": lambda s: CancelOrder(),
    "the customer waits on": lambda s: AnswerBackorder(BackorderChoice.WAIT),
    "the customer waits no longer": lambda s: AnswerBackorder(BackorderChoice.CANCEL),
    "a task is settled": lambda s: ResolveTask(_task_id(s)),
    "the deadline passes": lambda s: Woke("", ""),
}
