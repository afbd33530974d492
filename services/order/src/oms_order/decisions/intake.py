"""What channels say: an order, the same again, another version of it, or what nobody can read."""

from __future__ import annotations

from typing import Any

from oms_chassis.decision import Decision, Malformed, Value, again
from oms_contracts.answers import CancellationAnswered, OrderConfirmed, OrderRejected
from oms_contracts.channel import CancellationRequested
from oms_contracts.event import Reason
from oms_contracts.order import Gate, HoldType, OrderAccepted
from oms_order.decisions.acceptance import hold_back, judge_costs
from oms_order.decisions.consequences import conclude
from oms_order.decisions.turn import Turn
from oms_order.domain.lines import Line
from oms_order.domain.numbers import order_no
from oms_order.domain.order import Body, NoOrder, Order
from oms_order.domain.ordered import Head, Submission
from oms_order.domain.regions import Reservation, Stock, TaskKind

Reasons = tuple[tuple[str, str, str], ...]
"""Field, code and sentence of every fault."""


class IdempotencyUsed(Value, frozen=True):
    """A caller's idempotency key, and what it was used for."""

    channel: str
    idempotency_key: str
    order_id: str
    digest: str


def submitted(state: Order | NoOrder | None, placed: Submission, turn: Turn) -> Decision:
    """An order is placed: for the first time, again, or with other content than before."""
    if isinstance(state, Order):
        if placed.digest != state.placed.digest:
            return _amend(state, placed.digest, turn)
        turn.answer_channel(state, _confirmation(state))
        return again(state, *turn.facts, answer=told(state, "again"))
    if state is not None and state.reasons and placed.digest == state.digest:
        turn.answer_channel(state, _rejection(state))
        return again(state, *turn.facts, answer=told(state, "again"))
    faults = placed.faults()
    if faults:
        reasons = tuple((r.field, r.code, r.text) for r in faults)
        return _turn_down(placed.channel, placed.external_id, placed.digest, reasons, turn)
    return _accept(placed, turn, resubmitted=state is not None)


def unreadable(state: Order | NoOrder | None, sent: Malformed, turn: Turn) -> Decision:
    """A message whose content is not acceptable. An order that it may be meant for goes on."""
    if sent.type == CancellationRequested.TYPE:
        why = " ".join(f"{field}: {text}" for field, _, text in sent.reasons)
        return refuse_unknown(state, sent.sender, sent.reference, why[:500], turn)
    if isinstance(state, Order):
        return _amend(state, sent.digest, turn)
    if state is not None and state.reasons and sent.digest == state.digest:
        turn.answer_channel(state, _rejection(state))
        return again(state, *turn.facts)
    return _turn_down(sent.sender, sent.reference, sent.digest, tuple(sent.reasons), turn)


def refuse_unknown(
    state: Order | NoOrder | None, channel: str, external_id: str, why: str, turn: Turn
) -> Decision:
    """A wish to cancel something that is no order of ours, or that nobody can read."""
    known = state or NoOrder(turn.input.key, channel, external_id, turn.now)
    refusal = CancellationAnswered(
        channel=channel, external_id=external_id, accepted=False, reason=why
    )
    turn.answer_channel(known, refusal)
    return turn.decision(known)


def told(order: Order | NoOrder, outcome: str = "") -> dict[str, Any]:
    """What a caller over HTTP gets to know at once."""
    if isinstance(order, Order):
        order_id, number = order.head.order_id, order.head.order_no
    else:
        order_id, number = order.order_id, ""
    answer = {"order_id": order_id, "order_no": number, "status": order.status.value}
    return answer | ({"outcome": outcome} if outcome else {})


def _accept(placed: Submission, turn: Turn, *, resubmitted: bool) -> Decision:
    order_id = turn.input.key
    sums = placed.sums()
    approval, figures = judge_costs(turn.policy, placed.currency, sums)
    head = Head(order_id, order_no(order_id), turn.now, placed, figures)
    request = turn.request()
    units = tuple((n, line.qty) for n, line in enumerate(placed.lines))
    body = Body(
        lines=tuple(Line(open=line.qty) for line in placed.lines),
        approval=approval,
        stock=Stock(reserving=Reservation(request, units)),
        resubmitted=resubmitted,
    )
    order = Order(head, body)
    confirmation = _confirmation(order)
    turn.ask(
        OrderAccepted(
            request_id=request.request_id,
            order_no=head.order_no,
            channel=placed.channel,
            external_id=placed.external_id,
            lines=confirmation.lines,
            ship_policy=head.ship_policy,
            backorder_policy=head.backorder_policy,
            priority=placed.priority,
            accepted_at=head.accepted_at,
            currency=placed.currency,
            total_minor=sums.grand_total_minor,
            ship_country=placed.ship_country,
            contact=placed.contact,
        )
    )
    turn.answer_channel(order, confirmation)
    if placed.idempotency_key:
        used = IdempotencyUsed(placed.channel, placed.idempotency_key, order_id, placed.digest)
        turn.rows.append(used)
    return conclude(hold_back(order, turn, sums), turn, answer=told(order, "accepted"))


def _confirmation(order: Order) -> OrderConfirmed:
    head, placed = order.head, order.placed
    return OrderConfirmed(
        channel=placed.channel,
        external_id=placed.external_id,
        order_no=head.order_no,
        lines=head.quantities((n, line.qty) for n, line in enumerate(placed.lines)),
        accepted_at=head.accepted_at,
    )


def _turn_down(
    channel: str, external_id: str, digest: str, reasons: Reasons, turn: Turn
) -> Decision:
    rejected = NoOrder(turn.input.key, channel, external_id, turn.now, digest, reasons)
    turn.answer_channel(rejected, _rejection(rejected))
    return turn.decision(rejected, answer=told(rejected, "rejected"))


def _rejection(rejected: NoOrder) -> OrderRejected:
    return OrderRejected(
        channel=rejected.channel,
        external_id=rejected.external_id,
        reasons=tuple(
            Reason(field=field, code=code, text=text) for field, code, text in rejected.reasons
        ),
    )


def _amend(order: Order, digest: str, turn: Turn) -> Decision:
    """Nothing changes but that a person must compare what was sent with what was ordered."""
    if digest == order.body.amended_by:
        return again(order, answer=told(order, "amendment"))
    why = "The channel sent the order once more, with other content."
    if order.finished or not order.remaining:
        order = turn.queue(order, TaskKind.AMENDMENT, order.head.order_no, why)
    elif all(hold.type is not HoldType.AMENDMENT for hold in order.body.holds):
        order = turn.hold(order, HoldType.AMENDMENT, Gate.RELEASE, why)
    order = order.but(amended_by=digest)
    return conclude(order, turn, answer=told(order, "amendment"))
