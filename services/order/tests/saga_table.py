"""The saga table: what an order does in every state with every input, found by running it.

`python services/order/tests/saga_table.py` writes docs/saga-table.md anew; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import builders as b
from builders import Story

from oms_chassis.decision import Malformed, Woke
from oms_contracts import billing, inventory, notify, shipping, warehouse
from oms_contracts import order as said
from oms_contracts.channel import OrderPlaced, ShipPolicy
from oms_contracts.event import Alloc, LineQty, Tracked
from oms_order.decisions import Impossible
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

FILE = Path(__file__).parents[3] / "docs/saga-table.md"
NEVER = "never-heard-of"
STATES_NAMED_MAX = 8
"""More states with one outcome are called "any other"."""

# The states: one representative for every place an order can be in.


def _none() -> Story:
    return Story()


def _rejected() -> Story:
    return b.accepted(currency="QQQ")


def _backordered() -> Story:
    story = b.accepted(b.line("1", 2))
    story.tell(b.stock_reserved(story, (), [b.backordered(x) for x in b.wanted(story)]))
    return story


def _customer_asked() -> Story:
    story = _backordered()
    story.wake()
    return story


def _awaiting_payer() -> Story:
    story = b.reserved()
    until = story.now + timedelta(hours=2)
    story.tell(b.payment_declined(story, final=False, retry_until=until))
    return story


def _costs_pending() -> Story:
    return b.released(currency="NOK")


def _held() -> Story:
    return b.released(flags=("VIP",))


def _short() -> Story:
    story = b.released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(b.fulfilment_short(fulfilment, fulfilment.lines[0]))
    return story


def _broken() -> Story:
    story = b.released()
    (fulfilment,) = story.last(said.OrderReleased).fulfilments
    story.tell(_reservation_broken(fulfilment.lines[0]))
    return story


def _packed() -> Story:
    story = b.packed()
    story.tell(b.shipment_failed(story))
    return story


def _part_shipped() -> Story:
    story = b.accepted(b.line("1", 2), ship_policy=ShipPolicy.SPLIT)
    (units,) = b.wanted(story)
    story.tell(b.stock_reserved(story, [b.at("WEST", units, 1), b.at("EAST", units, 1)]))
    story.tell(b.payment_authorised(story))
    first, _ = story.last(said.OrderReleased).fulfilments
    story.tell(b.fulfilment_packed(first))
    story.tell(b.parcels_shipped(story.last(said.ShipmentRequested), story.now))
    return story


def _unpaid() -> Story:
    story = b.shipped()
    story.tell(b.capture_failed(story, story.last(said.OrderShipped)))
    return story


def _cancelling(story: Story) -> Story:
    story.tell(CancelOrder(), actor="ann")
    return story


def _cancelled(story: Story) -> Story:
    story.tell(b.stock_released(story))
    story.tell(b.payment_voided(story))
    return story


def _cancelled_packed() -> Story:
    story = _cancelling(b.packed())
    story.tell(b.shipment_stopped(story))
    story.tell(b.fulfilment_stopped(story))
    return _cancelled(story)


def _refunding() -> Story:
    story = _cancelled_packed()
    story.tell(_captured(story))
    return story


def _parcel_lost() -> Story:
    story = b.captured()
    story.tell(_odd_parcel(story))
    return story


STATES: dict[str, Callable[[], Story]] = {
    "no order": _none,
    "rejected": _rejected,
    "accepted": b.accepted,
    "backordered": _backordered,
    "backordered, customer asked": _customer_asked,
    "reserved": b.reserved,
    "awaiting payer": _awaiting_payer,
    "authorised, costs pending": _costs_pending,
    "authorised, held": _held,
    "released": b.released,
    "released, units short": _short,
    "released, units broken": _broken,
    "packed, held": _packed,
    "packed, carrier asked": b.packed,
    "part shipped": _part_shipped,
    "shipped": b.shipped,
    "shipped, unpaid": _unpaid,
    "shipped, paid": b.captured,
    "shipped, parcel lost": _parcel_lost,
    "delivered": b.delivered,
    "completed": b.completed,
    "cancelling, stock asked": lambda: _cancelling(b.accepted()),
    "cancelling, stock and payment": lambda: _cancelling(b.reserved()),
    "cancelling, warehouse asked": lambda: _cancelling(b.released()),
    "cancelling, parcels to put back": lambda: _cancelling(_packed()),
    "cancelling, carrier asked": lambda: _cancelling(b.packed()),
    "cancelled": lambda: _cancelled(_cancelling(b.reserved())),
    "cancelled, was packed": _cancelled_packed,
    "cancelled, refund asked": _refunding,
}


# The inputs: each says what its teller would say to an order in that state.


def _name(story: Story, kind: Any, attribute: str = "request_id") -> str:
    """The last id of a kind that the order gave; one nobody knows if it gave none."""
    facts = story.all(kind)
    return getattr(facts[-1], attribute) if facts else b.A_REQUEST


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
    lines = b.wanted(story) if story.all(said.OrderAccepted) else [_units(story)]
    alloc = tuple(b.at("WEST", x) for x in lines)
    return inventory.StockReserved(request_id=_reservation(story), alloc=alloc)


def _foreign_reserved(story: Story) -> inventory.StockReserved:
    alloc = (b.at("WEST", _units(story)),)
    return inventory.StockReserved(request_id=b.A_REQUEST, alloc=alloc)


def _reservation_broken(units: LineQty) -> inventory.ReservationBroken:
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


def _captured(story: Story) -> billing.PaymentCaptured:
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


def _odd_parcel(story: Story) -> shipping.ParcelException:
    return shipping.ParcelException(**_parcel(story), status=shipping.ParcelStatus.LOST)


def _undelivered(story: Story) -> notify.NotificationFailed:
    return notify.NotificationFailed(fact_id="f-1", template="confirmation", reason="bounced")


INPUTS: dict[str, Callable[[Story], Any]] = {
    "OrderPlaced (the same)": lambda s: b.submission(*_lines(s), **_again(s)),
    "OrderPlaced (other content)": lambda s: b.submission(digest="digest-2"),
    "OrderPlaced (unreadable)": lambda s: Malformed(
        OrderPlaced.TYPE, (("lines", "missing", "Field required"),), "d-3", b.CHANNEL, b.EXTERNAL_ID
    ),
    "CancellationRequested": lambda s: CancellationWish(b.CHANNEL, b.EXTERNAL_ID),
    "CancellationRequested (1 unit)": lambda s: CancellationWish(
        b.CHANNEL, b.EXTERNAL_ID, (("1", 1),)
    ),
    "StockReserved": _reserved,
    "StockReserved (foreign)": _foreign_reserved,
    "StockRefused": lambda s: inventory.StockRefused(
        request_id=_reservation(s), short=(inventory.Short(sku="SKU-1", short_by=1),)
    ),
    "BackorderFilled": lambda s: inventory.BackorderFilled(
        request_id=_reservation(s), alloc=(b.at("EAST", _units(s)),)
    ),
    "BackorderPromised": lambda s: inventory.BackorderPromised(
        request_id=_reservation(s), lines=(_units(s),), eta=s.now, po_line="PO-1-1"
    ),
    "ReservationBroken": lambda s: _reservation_broken(_units(s)),
    "StockReleased": _stock_released,
    "PaymentAuthorized": _authorised,
    "PaymentAuthorized (foreign)": lambda s: _authorised(s, b.A_REQUEST),
    "PaymentDeclined (final)": lambda s: _declined(s, final=True),
    "PaymentDeclined (may try again)": lambda s: _declined(s, final=False),
    "PaymentCaptured": _captured,
    "PaymentCaptureFailed": _capture_failed,
    "PaymentVoided": _voided,
    "RefundCompleted": lambda s: billing.RefundCompleted(**_refund(s), refund_id="r-1"),
    "RefundFailed": lambda s: billing.RefundFailed(**_refund(s), code="closed"),
    "FulfilmentPacked": lambda s: b.fulfilment_packed(_fulfilment(s)),
    "FulfilmentShort": lambda s: b.fulfilment_short(
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
    "ParcelException": _odd_parcel,
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


def _lines(story: Story) -> tuple[Any, ...]:
    return story.state.placed.lines if isinstance(story.state, Order) else ()


def _again(story: Story) -> dict[str, Any]:
    return {"currency": "QQQ"} if isinstance(story.state, NoOrder) else {}


@dataclass(frozen=True)
class Cell:
    """What happened with one input in one state."""

    input: str
    state: str
    impossible: bool
    verdict: str = ""
    outcome: str = ""


def walk() -> Iterator[Cell]:
    """Every input in every state."""
    for input_name, make in INPUTS.items():
        for state_name, build in STATES.items():
            yield _try(input_name, make, state_name, build())


def _try(input_name: str, make: Callable[[Story], Any], state_name: str, story: Story) -> Cell:
    before, tasks = story.state, _tasks(story)
    try:
        if input_name == "the deadline passes" and isinstance(before, Order) and waits(story):
            decision = story.wake()
        else:
            decision = story.tell(make(story), actor="ann")
    except Impossible:
        return Cell(input_name, state_name, impossible=True)
    words = [decision.verdict]
    if decision.refusal is not None:
        words.append(decision.refusal.code.replace("_", " "))
    if decision.note:
        words.append(decision.note)
    moved = story.state is not None and (before is None or before.status != story.state.status)
    outcome = ": ".join(words)
    if story.news:
        outcome += " → " + ", ".join(dict.fromkeys(type(f).__name__ for f in story.news))
    if _tasks(story) > tasks:
        outcome += "; a task for a person"
    if moved and story.state is not None:
        outcome += f" (now {story.state.status})"
    return Cell(input_name, state_name, False, decision.verdict, outcome)


def _tasks(story: Story) -> int:
    return len(story.state.body.tasks) if isinstance(story.state, Order) else 0


def waits(story: Story) -> bool:
    """Whether anything is awaited."""
    return b.deadline(story.policy, story.order) is not None


def table() -> str:
    """The whole table as Markdown; states with the same outcome share a row."""
    lines = [
        "# The saga table",
        "",
        "Generated by running the order service's `decide` in every state with every input:",
        "`python services/order/tests/saga_table.py`. A test compares it with the code.",
        "",
        "*apply*: the order moves. *again*: heard before, answered as before. *late*: true, but",
        "no longer of interest. *refuse*: a command that cannot be obeyed. A dash: the other",
        "services cannot say so, by the way they talk; the input is parked for a person.",
        "After an arrow stands what the order says.",
    ]
    rows: dict[str, dict[str, list[str]]] = {}
    for cell in walk():
        outcome = "\N{EN DASH}" if cell.impossible else cell.outcome
        rows.setdefault(cell.input, {}).setdefault(outcome, []).append(cell.state)
    for input_name, outcomes in rows.items():
        lines += ["", f"## {input_name}", "", "| in state | the order |", "|---|---|"]
        lines += [f"| {states} | {outcome} |" for outcome, states in _named(outcomes)]
    return "\n".join(lines) + "\n"


def _named(outcomes: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Outcomes with their states; the commonest comes last and need not name its many states."""
    commonest = max(outcomes, key=lambda outcome: len(outcomes[outcome]))
    for outcome, states in outcomes.items():
        if outcome != commonest:
            yield outcome, "; ".join(states)
    many = len(outcomes[commonest]) > STATES_NAMED_MAX
    yield commonest, "any other" if many else "; ".join(outcomes[commonest])


if __name__ == "__main__":
    FILE.write_text(table())
